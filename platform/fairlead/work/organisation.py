"""The organisation as approvals ask about it, read from accounts and teams as the questions come."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.decide.approvers import Person, Team
from fairlead.model.workspace import Workspace
from fairlead.store import people
from fairlead.store.people import Account
from fairlead.store.statements import Reads
from fairlead.work import posts
from fairlead.work.context import SYSTEM


class Organisation:
    """What `decide.approvers.Org` asks for. Answers are kept for one decision; every name is read once."""

    def __init__(self, where: Reads, workspace: Workspace, lang: str = "en") -> None:
        self._where = where
        self._workspace = workspace
        self._lang = lang
        self._people: dict[str, Person | None] = {}
        self._teams: dict[str, Team | None] = {}

    def person(self, user_id: str) -> Person | None:
        """Return an account, active or not; the engine is nobody's colleague, but has a name."""
        if user_id == SYSTEM.id:
            return Person(SYSTEM.id, SYSTEM.name, active=False)
        if user_id not in self._people:
            self._people[user_id] = self._known(people.account(self._where, user_id))
        return self._people[user_id]

    def named(self, username: str) -> Person | None:
        """Return the account that signs in as `username`, or holds the post `@name`."""
        if username.startswith("@"):
            return self._known(posts.holder(self._where, username))
        return self._known(people.account_by_username(self._where, username))

    def team(self, team_id: str) -> Team | None:
        """Return a team."""
        if team_id not in self._teams:
            found = people.team_by_id(self._where, team_id)
            self._teams[team_id] = (
                Team(found.id, found.label.get(self._lang), found.parent_id, found.head_id) if found else None
            )
        return self._teams[team_id]

    def with_role(self, role: str, team_id: str | None = None) -> Sequence[Person]:
        """Return the active people who have a role, by user name; of one team and those below where it is given."""
        keys = people.users_with_role(self._where, role, team_id=team_id)
        return [person for key in keys if (person := self.person(key)) is not None]

    def admins(self) -> Sequence[Person]:
        """Return the active people whose roles look after approvals."""
        found: dict[str, Person] = {}
        for role in self._workspace.roles.values():
            if "approvals" in role.capabilities:
                found.update((person.id, person) for person in self.with_role(role.name))
        return list(found.values())

    def _known(self, account: Account | None) -> Person | None:
        if account is None:
            return None
        # With one language for everybody who reads an event, the person's own name is the one that is kept.
        return Person(
            account.id,
            account.label.get(self._lang),
            account.active,
            account.manager_id,
            account.teams[0] if account.teams else None,
        )
