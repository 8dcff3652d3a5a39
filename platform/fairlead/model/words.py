"""What is written to people: messages, printed documents, and forms for people without an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.check import Expression
from fairlead.model.durations import Duration
from fairlead.model.screens import FormSection

Outlet = Literal["inbox", "email", "webhook"]


@dataclass(frozen=True, slots=True)
class Words:
    """A heading, which may be absent, and a text; both may hold `{field}` of the record."""

    title: Label | None
    text: Label


@dataclass(frozen=True, slots=True)
class Message:
    """One message, with other words for some of the ways it is sent."""

    name: str
    span: Span
    label: Label
    entity: str | None
    words: Words
    outlets: Mapping[Outlet, Words]

    def by(self, outlet: Outlet) -> Words:
        """Return the words for one way of sending."""
        return self.outlets.get(outlet, self.words)


@dataclass(frozen=True, slots=True)
class Printed:
    """A document to be printed: templates whose expressions have all been checked."""

    name: str
    span: Span
    label: Label
    entity: str
    title: str
    formats: tuple[Literal["html", "pdf"], ...]
    language: str | None
    size: str
    landscape: bool
    when: Expression | None
    roles: tuple[str, ...]
    header: str | None
    body: str
    footer: str | None


@dataclass(frozen=True, slots=True)
class PublicForm:
    """A form that somebody without an account fills in."""

    name: str
    span: Span
    label: Label
    entity: str
    purpose: Literal["capture", "questionnaire", "survey"]
    about: str | None
    intro: Label | None
    sections: tuple[FormSection, ...]
    values: Mapping[str, object]
    consent: Label | None
    thanks: Label | None
    expires: Duration | None
    once: bool
    limit: tuple[str, int] | None
    """At most so many answers from one sender in each period."""
