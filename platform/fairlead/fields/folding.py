"""Text as it is compared and searched: width and case folded, Chinese also by its sound."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CHINESE = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAN = re.compile(f"[{_CHINESE}]")
_RUN = re.compile(rf"([{_CHINESE}]+)|([^\W_{_CHINESE}]+)")
_SPACES = re.compile(r"\s+")

# Characters that sound otherwise as a surname than as a word.
_SURNAMES = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "查": "zha", "朴": "piao", "盖": "ge", "区": "ou",
    "尉": "wei", "乐": "yue", "覃": "qin", "翟": "zhai", "晁": "chao", "缪": "miao", "宓": "mi",
}  # fmt: skip


def fold(text: str) -> str:
    """Return `text` as it is compared: compatible forms, width and case alike, one space between words.

    >>> fold("ＡＢＣ  公司 ﬁrst")
    'abc 公司 first'
    """
    if text.isascii():
        plain = text.lower()
    else:
        # Casefolding may leave what normalising joins again, so it is normalised once more.
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _SPACES.sub(" ", plain).strip()


@lru_cache(maxsize=20_000)
def sounds(chinese: str) -> tuple[str, ...]:
    """Return the syllables of Chinese text without tones, one for each character.

    >>> sounds("重庆")
    ('chong', 'qing')
    """
    # Loading its dictionary takes a tenth of a second, which start-up should not pay.
    from pypinyin.seg.mmseg import seg

    return tuple([sound for word in seg.cut(chinese) for sound in _sounds_of_word(word)])


@lru_cache(maxsize=50_000)
def _sounds_of_word(word: str) -> tuple[str, ...]:
    """Return the syllables of a word of the dictionary, or of one character.

    A text is cut into such words and each is sounded by itself, so a thousand different names are made of few of them.
    """
    from pypinyin import Style, lazy_pinyin

    return tuple(lazy_pinyin(word, style=Style.NORMAL))


def pinyin_keys(text: str) -> tuple[str, ...]:
    """Return how Chinese text sounds, each reading whole and as initials; nothing when none of it is Chinese.

    >>> pinyin_keys("重庆 ABC")
    ('chongqingabc', 'cqabc')
    """
    folded = fold(text)
    if not _HAN.search(folded):
        return ()
    syllables: list[tuple[str, str]] = []
    for chinese, other in _RUN.findall(folded):
        if other:
            syllables.append((other, other))
        else:
            syllables += [(sound, sound[0]) for sound in sounds(chinese)]
    readings = [syllables]
    surname = _SURNAMES.get(folded[0])
    # 单 opens both 单雄信, a person, and 单位; which one it is, only the person searching knows.
    if surname and len(folded) <= 4:
        readings.append([(surname, surname[0]), *syllables[1:]])
    keys = ["".join(part[which] for part in reading) for reading in readings for which in (0, 1)]
    return tuple(dict.fromkeys(keys))
