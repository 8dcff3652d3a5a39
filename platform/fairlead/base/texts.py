"""Labels in every language, and the guess at what somebody meant to write."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LANGUAGES = ("en", "zh")


def _frozen(texts: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(texts))


class Formerly(str):
    """A value as it was said while its field was of another kind: plain text, whatever the field is today."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Label:
    """One meaning in several languages: `Label({"en": "Car", "zh": "车"}, name="car")`.

    Attributes:
        texts: Language code to text; may be empty.
        name: The key to show when there is no text at all.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _frozen(self.texts))

    @classmethod
    def of(cls, value: "str | Mapping[str, str] | Label | None", *, name: str = "") -> "Label":
        """Read what a configuration may hold: one text for all languages, a map, or nothing."""
        if isinstance(value, Label):
            return value
        if value is None:
            return cls({}, name)
        if isinstance(value, str):
            return cls({"": value}, name)
        return cls(value, name)

    def get(self, lang: str = "en") -> str:
        """Return the text for `lang`; else its base language, then English or Chinese, then any, then the name."""
        texts = self.texts
        for wanted in (lang, lang.split("-")[0].split("_")[0], "", "en", "zh"):
            found = texts.get(wanted)
            if found:
                return found
        for found in texts.values():
            if found:
                return found
        return self.name.replace("_", " ")

    def format(self, **values: object) -> "Label":
        """Return the same label with `{placeholders}` filled; a Label among the values speaks each language."""

        def fill(lang: str, text: str) -> str:
            return text.format_map(
                {key: value.get(lang) if isinstance(value, Label) else value for key, value in values.items()}
            )

        return Label({lang: fill(lang, text) for lang, text in self.texts.items()}, self.name)

    def to_json(self) -> dict[str, str]:
        """Return language to text, as it travels in JSON."""
        return dict(self.texts) if self.texts else {"": self.name}

    def __str__(self) -> str:
        return self.get()

    def __hash__(self) -> int:
        return hash((frozenset(self.texts.items()), self.name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __bool__(self) -> bool:
        return bool(self.texts or self.name)


def joined(parts: "Iterable[Label | None]", *, en: str = "; ", zh: str = "；") -> Label:
    """Return labels one after the other as one; what is None or says nothing is left out."""
    said = [part for part in parts if part]
    if not said:
        return Label()
    return Label({
        lang: between.join(part.get(lang) for part in said) for lang, between in (("en", en), ("zh", zh))
    })  # fmt: skip


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` is most likely a slip of, or None when nothing is near."""
    if not word or len(word) > 80:
        return None
    folded = {candidate.casefold(): candidate for candidate in candidates}
    low = word.casefold()
    if low in folded:
        return folded[low]
    flat = low.replace("-", "_").replace(" ", "_")
    if flat in folded:
        return folded[flat]
    near = difflib.get_close_matches(low, folded, n=1, cutoff=0.6)
    if near:
        return folded[near[0]]
    # Very short words ("wno") differ too much by ratio; letters swapped or one missing still count.
    for candidate, original in folded.items():
        if sorted(candidate) == sorted(low):
            return original
    return None


def listing(words: Iterable[str], *, limit: int = 8) -> str:
    """Return "a, b, c" for a message, cut off after `limit` words with "…"."""
    items = list(words)
    return ", ".join(items[:limit]) + (", …" if len(items) > limit else "")
