"""Read one YAML or JSON file narrowly: plain data, and where each key and value stands.

Numbers with a point are `Decimal`; nothing here is ever a float.
"""

from __future__ import annotations

from fairlead.base.problems import KeyPath, Problem, Span
from fairlead.config.json_text import JsonScanner
from fairlead.config.reading import Reading, position_of
from fairlead.config.scanning import CONTROL, Scanner
from fairlead.config.yaml_text import YamlScanner


def read(path: str, text: str) -> Reading:
    """Read one file; every fault of its text is in `problems` of what comes back."""
    text = text.removeprefix("\ufeff")
    bad = CONTROL.search(text)
    if bad:
        line, column = position_of(text, bad.start())
        message = f"the character U+{ord(bad.group()):04X} is not allowed in a document"
        return _failed(path, text, "control_character", (), line, column, message)
    if not text.strip():
        return _failed(path, text, "expected_mapping", (), 0, 0, "the file is empty; a document is expected")
    scanner: Scanner = JsonScanner(path, text) if path.endswith(".json") else YamlScanner(path, text)
    return scanner.reading()


def _failed(path: str, text: str, code: str, key: KeyPath, line: int, column: int, message: str) -> Reading:
    problem = Problem(code, key, message, Span(path, line + 1, column + 1))
    return Reading(path, text, None, {}, {}, (problem,))
