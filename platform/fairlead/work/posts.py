"""Posts: names for somebody that documents use and each workspace fills itself, such as `@sales_head` (CF-53)."""

from __future__ import annotations

import re

from fairlead.base.errors import Invalid, NotFound
from fairlead.base.texts import Label
from fairlead.config.references import POST
from fairlead.store import people, settings
from fairlead.store.database import Database
from fairlead.store.people import Account
from fairlead.store.revisions import current_number
from fairlead.store.statements import Reads
from fairlead.work.people_values import fold_username

_PREFIX = "post:"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def fill(database: Database, post: str, username: str) -> None:
    """Say who holds a post. Before anything is published there are no accounts yet, so any name will do.

    Raises:
        Invalid: That is no name of a post.
        NotFound: There is no such account.
    """
    name = post.removeprefix("@")
    if not _NAME.fullmatch(name):
        raise Invalid.field("post", "invalid", Label({
            "en": "A post is written @name, in small letters, digits and underscores.",
            "zh": "岗位写作 @name，只能用小写字母、数字和下划线。",
        }))  # fmt: skip
    folded = fold_username(username)
    with database.write() as tx:
        if current_number(tx) is not None and people.account_by_username(tx, folded) is None:
            raise NotFound("user", username, message=Label({
                "en": f"There is no account {username!r}.", "zh": f"没有账号“{username}”。",
            }))  # fmt: skip
        settings.put(tx, f"{_PREFIX}{name}", folded)


def vacate(database: Database, post: str) -> None:
    """Say that nobody holds a post any more."""
    with database.write() as tx:
        settings.drop(tx, f"{_PREFIX}{post.removeprefix('@')}")


def listing(where: Reads) -> dict[str, str]:
    """Return post (without its @) to user name."""
    return settings.below(where, _PREFIX)


def holder(where: Reads, post: str) -> Account | None:
    """Return the account that holds `@post`; None when nobody does."""
    found = POST.fullmatch(post)
    username = settings.get(where, f"{_PREFIX}{found[1]}") if found else None
    return people.account_by_username(where, username) if username else None
