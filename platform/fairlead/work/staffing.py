"""What documents ask of people who are not there: found where they are published, since check knows no people (CF-13).

An approval whose only approvers are a role that nobody holds, or somebody who has left, would strand the records that
are submitted; a pool without members keeps what falls into it. All are warnings: people come and go without a revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairlead.base.problems import Level, Problem
from fairlead.config.document import Node
from fairlead.config.load import Documents
from fairlead.store import people
from fairlead.store.people import Account
from fairlead.store.statements import Reads


def vacant(where: Reads, documents: Documents) -> tuple[Problem, ...]:
    """Return a warning for each place that names somebody who cannot act; none while there are no accounts at all."""
    accounts = {one.username: one for one in people.accounts(where)}
    if not accounts:
        return ()
    held = {role for one in accounts.values() if one.active for role in one.roles}
    codes = {team.id: team.code for team in people.teams(where)}
    found: list[Problem] = []
    for document in documents.get("approval", {}).values():
        for step in document.node("steps").items():
            found += _approvers(step, accounts, held)
    for document in documents.get("pool", {}).values():
        found += _members(document.root, accounts, codes)
    return tuple(found)


def _approvers(step: Node, accounts: Mapping[str, Account], held: set[str]) -> Iterator[Problem]:
    sources = list(step.each("by"))
    empty = []
    for by in sources:
        name, role = by.get("user"), by.get("role")
        if name is not None and not str(name.value).startswith("@"):
            account = accounts.get(str(name.value))
            if account is None:
                yield _warning("unknown_person", name, f"there is no account {name.value!r} here")
            elif not account.active:
                yield _warning("inactive_person", name, f"the account {name.value!r} is closed")
            if account is None or not account.active:
                empty.append(by)
        elif role is not None and role.value not in held:
            yield _warning("vacant_role", role, f"nobody here has the role {role.value!r}")
            empty.append(by)
    if sources and len(empty) == len(sources):
        message = f"nobody can decide the step {step.text('name')!r}: all whom it asks are missing here"
        yield _warning("nobody_can_decide", step.get("by") or step, message)


def _members(pool: Node, accounts: Mapping[str, Account], codes: Mapping[str, str]) -> Iterator[Problem]:
    members = pool.get("members")
    if members is None:
        return
    roles = {str(item.value) for item in members.each("roles")}
    teams = {str(item.value): item for item in members.each("teams")}
    for code, item in teams.items():
        if code not in codes.values():
            yield _warning("unknown_team", item, f"there is no team {code!r} here")
    able = [
        one for one in accounts.values()
        if one.active and (not roles or roles & set(one.roles))
        and (not teams or teams.keys() & {codes.get(team) for team in one.teams})
    ]  # fmt: skip
    if not able:
        yield _warning(
            "nobody_can_claim", members, "nobody here is a member of this pool, so nobody can claim"
        )


def _warning(code: str, node: Node, message: str) -> Problem:
    return Problem(code, node.path, message, node.span, Level.warning)
