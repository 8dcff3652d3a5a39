"""People, roles, pools and approval steps: is there somebody who may?"""

from __future__ import annotations

from collections.abc import Iterator

from fairlead.store import people
from fairlead.work.context import Context
from fairlead.work.doctor.finding import Finding


def people_and_roles(ctx: Context) -> Iterator[Finding]:
    """Find people without a role, and pools and steps that nobody serves."""
    accounts = people.accounts(ctx.database, active_only=True)
    roles = ctx.app.workspace.roles
    if not accounts:
        yield Finding(
            "nobody", "note", "people", "There are no accounts yet. Add one with `fairlead user add`."
        )
    for one in accounts:
        if not one.roles:
            yield Finding("no-role", "note", one.username, f"{one.username} has no role and can see nothing.")
        for role in one.roles:
            if role not in roles:
                text = f"{one.username} has the role {role!r}, which is not in the configuration."
                yield Finding("unknown-role", "error", one.username, text)
    codes = {team.id: team.code for team in people.teams(ctx.database)}
    for pool in ctx.app.workspace.pools.values():
        for code in pool.member_teams:
            if accounts and code not in codes.values():
                text = f"The pool {pool.name} names the team {code!r}, which does not exist."
                yield Finding("unknown-team", "error", pool.name, text)
        members = [
            one for one in accounts
            if (not pool.member_roles or set(one.roles) & set(pool.member_roles))
            and (not pool.member_teams or {codes.get(team) for team in one.teams} & set(pool.member_teams))
        ]  # fmt: skip
        if accounts and not members:
            yield Finding(
                "pool-empty",
                "error",
                pool.name,
                f"Nobody is a member of the pool {pool.name}; nobody can claim.",
            )
    for flow in ctx.app.workspace.approvals.values():
        for step in flow.steps:
            for source in step.by:
                if (
                    accounts
                    and source.source == "role"
                    and not any(source.value in one.roles for one in accounts)
                ):
                    text = f"The step {step.name} of {flow.name} asks the role {source.value!r}, which nobody has."
                    yield Finding("approver-missing", "error", flow.name, text)
