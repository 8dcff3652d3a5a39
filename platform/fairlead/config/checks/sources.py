"""What a check looks at, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from fairlead.base.problems import Level
from fairlead.config.document import Document, Node
from fairlead.config.link import Linker
from fairlead.expr.checking.always import answers
from fairlead.expr.expression import Expression
from fairlead.model.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sources:
    """A built workspace with the documents it came from; it may have holes where something was wrong."""

    workspace: Workspace
    documents: Mapping[str, Mapping[str, Document]]
    linker: Linker
    languages: tuple[str, ...]
    troubled: frozenset[str]
    """Files with errors; what is odd about the rest may only follow from them."""
    today: date | None = None
    """The day on which it is looked at; None where what depends on the day is of no interest."""

    def sound(self, kind: str, *names: str) -> bool:
        """Say whether these documents are there (or derived) and free of errors."""
        found = (self.documents.get(kind, {}).get(name) for name in names)
        return all(document is None or document.path not in self.troubled for document in found)

    def node(self, kind: str, name: str, *path: str | int) -> Node | None:
        """Return the value in a document, or its nearest parent; None where there is no such document."""
        document = self.documents.get(kind, {}).get(name)
        return None if document is None else document.node(*path)

    def error(
        self, code: str, node: Node | None, message: str, hint: str | None = None, *, key: bool = False
    ) -> None:
        """Report an error."""
        if node is not None:
            self.linker.add(code, node, message, hint, key=key)

    def warn(self, code: str, node: Node | None, message: str, *, key: bool = False) -> None:
        """Report a warning."""
        if node is not None:
            self.linker.add(code, node, message, level=Level.warning, key=key)

    def hint(self, code: str, node: Node | None, message: str, *, key: bool = False) -> None:
        """Report a hint."""
        if node is not None:
            self.linker.add(code, node, message, level=Level.hint, key=key)


def is_never(rule: Expression) -> bool:
    """Say whether a rule can be seen to be false, or unknown, whatever the record holds."""
    return True not in answers(rule.node)


Check = Callable[[Sources], None]
"""Looks at the whole and reports what is wrong; changes nothing."""
