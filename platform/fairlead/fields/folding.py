"""Text as it is compared and searched: width and case folded, Chinese also by its sound."""

from __future__ import annotations

import re
import unicodedata

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_SPACES = re.compile(r"\s+")

# pypinyin takes the commonest reading; as a surname at the beginning of a name these sound otherwise.
_SURNAMES = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "查": "zha", "朴": "piao", "盖": "ge", "区": "ou",
    "尉": "wei", "乐": "yue", "覃": "qin", "翟": "zhai", "晁": "chao", "缪": "miao", "宓": "mi", "洗": "xian",
}  # fmt: skip


def fold(text: str) -> str:
    """Return `text` as it is compared: compatible forms, width and case alike, one space between words.

    >>> fold("ＡＢＣ  公司 ﬁrst")
    'abc 公司 first'
    """
    # Casefolding may leave what normalising joins again, so it is normalised once more.
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _SPACES.sub(" ", plain).strip()


def pinyin_keys(text: str) -> tuple[str, ...]:
    """Return the sound of Chinese text: whole syllables, then initials; nothing when there is none.

    >>> pinyin_keys("重庆 ABC")
    ('chongqingabc', 'cqabc')
    """
    folded = fold(text)
    if not _HAN.search(folded):
        return ()
    # Loading its dictionary takes a tenth of a second, which start-up should not pay.
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(folded, style=Style.NORMAL, errors=lambda other: list(other))
    if folded[0] in _SURNAMES and len(folded) <= 4:
        syllables[0] = _SURNAMES[folded[0]]
    parts = [part for part in syllables if part.isalnum()]
    whole = "".join(parts)
    initials = "".join(part[0] for part in parts)
    return (whole,) if whole == initials else (whole, initials)
