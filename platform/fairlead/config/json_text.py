"""JSON as its standard has it, with the place of every key and value."""

from __future__ import annotations

import re
from bisect import bisect_right

from fairlead.base.problems import KeyPath
from fairlead.config.reading import Data, Place
from fairlead.config.scanning import CONTROL, PLAIN, Scanner, Stop

_JSON_TOKEN = re.compile(
    r'[ \t\r\n]*(?:(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<number>-?[0-9][-+.0-9eE]*)'
    r"|(?P<word>[-+A-Za-z_][A-Za-z_0-9]*)|(?P<mark>[\[\]{},:])|(?P<end>\Z)|(?P<other>.))",
    re.S,
)
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_JSON_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4})|(.))', re.S)
_JSON_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class JsonScanner(Scanner):
    """JSON as its standard has it, with positions."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(path, text)
        self.line_starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
        self.last_end = 0
        self.kind = ""
        self.word = ""
        self.start = 0
        self.end = 0

    def document(self) -> Data:
        self.advance()
        data = self.value((), 0)
        if self.kind != "end":
            raise self.stop(
                "one_document_only", (), self.place(), "a file holds one document; more text follows it"
            )
        return data

    def advance(self) -> None:
        found = _JSON_TOKEN.match(self.text, self.end)
        assert found is not None
        self.kind = found.lastgroup or "end"
        self.word = found.group(self.kind)
        self.start, self.end = found.start(self.kind), found.end()

    def at(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, offset) - 1
        return line, offset - self.line_starts[line]

    def place(self) -> Place:
        return (*self.at(self.start), *self.at(self.end))

    def expect(self, mark: str, path: KeyPath) -> None:
        if self.kind != "mark" or self.word != mark:
            raise self.unexpected(f"{mark!r} is expected here", path)
        self.advance()

    def unexpected(self, what: str, path: KeyPath) -> Stop:
        shown = "the end of the file" if self.kind == "end" else repr(self.word[:20])
        return self.stop("bad_json", path, self.place(), f"this is not JSON: {what}, found {shown}")

    def value(self, path: KeyPath, depth: int) -> Data:
        place = self.place()
        self.values[path] = place
        self.enter(path, place, depth)
        kind, word = self.kind, self.word
        if kind == "mark" and word in "[{":
            self.advance()
            data = self.items(path, depth) if word == "[" else self.members(path, depth)
            self.values[path] = (place[0], place[1], *self.at(self.last_end))
            return data
        self.advance()
        if kind == "string":
            return self.string(word, path, place)
        if kind == "number" and _JSON_NUMBER.match(word):
            return self.number(word, path, place)
        if kind == "word" and word in ("true", "false", "null"):
            return PLAIN[word]
        if kind == "number" or (kind == "word" and word.lstrip("+-") in ("NaN", "Infinity", "inf", "nan")):
            self.broken.add(path)
            self.add("not_a_json_number", path, place, f"{word[:20]} is not a JSON number")
            return 0
        shown = "the end of the file" if kind == "end" else repr(word[:20])
        raise self.stop("bad_json", path, place, f"this is not JSON: a value is expected, found {shown}")

    def number(self, text: str, path: KeyPath, place: Place) -> Data:
        exponent = re.search(r"[eE][-+]?([0-9]+)\Z", text)
        if exponent and (len(exponent[1]) > 4 or int(exponent[1]) > 300):
            self.broken.add(path)
            self.add("not_a_json_number", path, place, f"{text[:20]} is larger than any JSON number can be")
            return 0
        return super().number(text, path, place)

    def items(self, path: KeyPath, depth: int) -> Data:
        found: list[Data] = []
        while not (self.kind == "mark" and self.word == "]"):
            if found:
                self.expect(",", path)
            found.append(self.value((*path, len(found)), depth + 1))
        self.close()
        return found

    def members(self, path: KeyPath, depth: int) -> Data:
        found: dict[str, Data] = {}
        first = True
        while not (self.kind == "mark" and self.word == "}"):
            if not first:
                self.expect(",", path)
            first = False
            if self.kind != "string":
                raise self.unexpected("a key in double quotes is expected", path)
            place = self.place()
            key = self.string(self.word, path, place)
            self.advance()
            self.expect(":", path)
            here = (*path, key)
            if key in found:
                earlier = self.keys[here]
                message = f"{key!r} is already given at {earlier[0] + 1}:{earlier[1] + 1}"
                self.add("duplicate_key", here, place, message)
                kept_values, kept_keys = dict(self.values), dict(self.keys)
                self.value(here, depth + 1)
                self.values, self.keys = kept_values, kept_keys
                continue
            self.keys[here] = place
            found[key] = self.value(here, depth + 1)
        self.close()
        return found

    def close(self) -> None:
        self.last_end = self.end
        self.advance()

    def string(self, word: str, path: KeyPath, place: Place) -> str:
        if "\\" not in word:
            return word[1:-1]
        units: list[str] = []
        position = 1
        for found in _JSON_ESCAPE.finditer(word):
            units.append(word[position : found.start()])
            position = found.end()
            if found[1]:
                units.append(_JSON_PLAIN[found[1]])
            elif found[2]:
                units.append(chr(int(found[2], 16)))
            else:
                self.broken.add(path)
                self.add("bad_json", path, place, f"the escape \\{found[3]} is not JSON")
        units.append(word[position:-1])
        # \ud83d\ude00 is one character in two halves: through UTF-16 they join, and a lone half stays one.
        text = "".join(units).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        bad = CONTROL.search(text)
        if bad:
            self.broken.add(path)
            message = f"the character U+{ord(bad.group()):04X} is not allowed in a document"
            self.add("control_character", path, place, message)
            return CONTROL.sub(" ", text)
        return text
