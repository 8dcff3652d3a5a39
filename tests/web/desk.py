"""The small office at its screens: people who sign in, press and read, and a count of what each page asks the database."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from fairlead.base.clock import iso_utc, utc_now
from fairlead.store import sessions
from fairlead.store.database import Database, Tx
from fairlead.web.factory import create_app
from fairlead.web.request import COOKIE, Services
from fairlead.work.context import Context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.world import World

PART = {"HX-Request": "true"}
"""A part of a page asks."""
BOOSTED = {"HX-Request": "true", "HX-Boosted": "true"}
"""A link or form that htmx follows."""


@dataclass
class Seat:
    """One person at the screen."""

    client: FlaskClient
    csrf: str

    def get(self, path: str, headers: dict[str, str] | None = None) -> TestResponse:
        """Open an address."""
        return self.client.get(path, headers=headers or {})

    def text(self, path: str, status: int = 200) -> str:
        """Return what stands on a page, without its tags."""
        answer = self.get(path)
        assert answer.status_code == status, (answer.status_code, answer.text[:2000])
        return words(answer)

    def post(
        self,
        path: str,
        data: dict[str, Any] | None = None,
        *,
        headers: dict[str, str] | None = None,
        csrf: bool = True,
    ) -> TestResponse:
        """Send a form of a page."""
        sent = {**(data or {}), **({"csrf_token": self.csrf} if csrf else {})}
        return self.client.post(path, data=sent, headers=headers or {})

    def form(self, path: str) -> dict[str, Any]:
        """Return what the main form of a page would send as it opens."""
        return form_values(self.get(path).text)


def words(answer: TestResponse) -> str:
    """Return the words of an answer: no tags, no scripts, single blanks."""
    text = re.sub(r"<script.*?</script>|<head.*?</head>", " ", answer.text, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text))).strip()


def form_values(page: str) -> dict[str, Any]:
    """Return the fields of the form with class "form", as a browser would send them."""
    start = page.index('class="form"')
    body = page[start : page.index("</form>", start)]
    body = re.sub(r"<template.*?</template>|<script.*?</script>", "", body, flags=re.S)
    found: dict[str, Any] = {}
    for tag in re.finditer(r"<input\b[^>]*>", body):
        attrs = dict(re.findall(r'([\w.:-]+)(?:="([^"]*)")?', tag[0]))
        if "name" not in attrs or "disabled" in attrs:
            continue
        if attrs.get("type") in ("checkbox", "radio") and "checked" not in attrs:
            continue
        found[attrs["name"]] = html.unescape(attrs.get("value", ""))
    for area in re.finditer(r'<textarea\b[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', body, flags=re.S):
        found[area[1]] = html.unescape(area[2])
    for select in re.finditer(r'<select\b([^>]*)name="([^"]+)"([^>]*)>(.*?)</select>', body, flags=re.S):
        chosen = re.findall(r'<option value="([^"]*)" selected', select[4])
        if " disabled" not in select[1] + select[3]:
            found[select[2]] = chosen if " multiple" in select[1] else (chosen[0] if chosen else "")
    return found


@dataclass
class Screens:
    """The office and its screens."""

    world: World
    app: Any
    _seats: dict[str, Seat] = field(default_factory=dict)

    def as_(self, who: str) -> Seat:
        """Return somebody who has signed in."""
        if who not in self._seats:
            now = utc_now()
            with self.world.database.write() as tx:
                begun = sessions.begin(
                    tx,
                    user_id=self.world.actors[who].id,
                    kind="web",
                    now=iso_utc(now),
                    expires_at="9999-01-01T00:00:00.000000Z",
                )
            client = self.app.test_client()
            client.set_cookie(COOKIE, begun.secret)
            self._seats[who] = Seat(client, begun.csrf)
        return self._seats[who]

    def stranger(self) -> FlaskClient:
        """Return a browser nobody has signed in with."""
        client: FlaskClient = self.app.test_client()
        return client

    def context(self, who: str) -> Context:
        """Return a context of one of the people, now."""
        from dataclasses import replace

        return replace(self.world.as_(who, door="ui"), now=utc_now())


def screens_of(world: World, *, demo: bool = False) -> Screens:
    """Return the screens over a world."""
    services = Services(world.database, world.applications, demo, False)
    return Screens(world, create_app(services, secret_key="not a secret"))


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that run meanwhile."""
    ran: list[str] = []

    def noting(real: Any) -> Any:
        def call(self: Any, statement: Any, *args: Any, **named: Any) -> Any:
            ran.append(statement.sql)
            return real(self, statement, *args, **named)

        return call

    with (
        patch.object(Database, "all", noting(Database.all)),
        patch.object(Database, "one", noting(Database.one)),
        patch.object(Tx, "all", noting(Tx.all)),
        patch.object(Tx, "one", noting(Tx.one)),
        patch.object(Tx, "run", noting(Tx.run)),
    ):
        yield ran
