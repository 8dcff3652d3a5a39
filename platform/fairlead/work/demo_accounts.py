"""The well-known accounts of a demonstration, which listens on this machine only."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.base.texts import Label
from fairlead.compiled.application import Application
from fairlead.store import people
from fairlead.store.database import Database

DEMO_PASSWORD = "fairlead-demo"  # noqa: S105 - shown to everybody on the sign-in page of the demonstration
PER_ROLE = 2


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody to sign in as, with what they are in the demonstration."""

    username: str
    name: Label
    role: Label


def accounts(database: Database, app: Application) -> list[DemoAccount]:
    """Return a few accounts of each role, those who do the daily work first."""
    found: dict[str, list[DemoAccount]] = {}
    for one in people.accounts(database, active_only=True):
        role = next((name for name in one.roles if name in app.workspace.roles), None)
        if role is not None and len(found.setdefault(role, [])) < PER_ROLE:
            found[role].append(DemoAccount(one.username, one.label, app.workspace.roles[role].label))
    ranked = sorted(found.values(), key=lambda some: len(app.capabilities((_role_of(app, some[0]),))))
    return [one for some in ranked for one in some]


def _role_of(app: Application, account: DemoAccount) -> str:
    return next(name for name, role in app.workspace.roles.items() if role.label == account.role)
