"""People on the command line: accounts, teams and API tokens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from fairlead.base.clock import utc_now
from fairlead.cli.common import FORMAT, WORKSPACE, house, show
from fairlead.store import people as store
from fairlead.store import sessions
from fairlead.store.people import Account, Team
from fairlead.work import people
from fairlead.work.applications import NothingPublished
from fairlead.work.context import SYSTEM, Context
from fairlead.work.people_values import fold_username


@contextmanager
def operator(folder: Path) -> Iterator[Context]:
    """Open a workspace on behalf of whoever may run commands on this machine."""
    own = house(folder)
    try:
        app = own.applications.refresh()
        yield Context(app=app, database=own.database, actor=SYSTEM, now=utc_now(), door="cli")
    except NothingPublished:
        raise click.ClickException("Nothing is published yet. Run `fairlead apply` first.") from None
    finally:
        own.close()


def _person(ctx: Context, username: str) -> Account:
    found = store.account_by_username(ctx.database, fold_username(username))
    if found is None:
        raise click.ClickException(f"There is no account {username!r}.")
    return found


def _team(ctx: Context, code: str) -> Team:
    found = store.team_by_code(ctx.database, fold_username(code))
    if found is None:
        raise click.ClickException(f"There is no team {code!r}.")
    return found


def _password(from_stdin: bool) -> str | None:
    # Never as an argument: everybody on the machine could read it in the list of processes.
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        return None
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


PASSWORD = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


# ---------------------------------------------------------------- accounts


@click.group()
def user() -> None:
    """People: add, list, change, close."""


@user.command("add")
@click.argument("username")
@click.option("--name", help="As colleagues know them (default: the user name).")
@click.option("--name-zh", help="In Chinese.")
@click.option("--email")
@click.option("--role", "roles", multiple=True, help="May be given several times.")
@click.option("--team", "teams", multiple=True, help="The code of a team; the first is the primary one.")
@click.option("--manager", help="The user name of the manager, where it is not the head of the team.")
@click.option("--language", type=click.Choice(["en", "zh"]))
@PASSWORD
@WORKSPACE
def add_user(
    username: str,
    name: str | None,
    name_zh: str | None,
    email: str | None,
    roles: tuple[str, ...],
    teams: tuple[str, ...],
    manager: str | None,
    language: str | None,
    password_stdin: bool,
    folder: Path,
) -> None:
    """Add the account USERNAME. Without a password nobody can sign in with it yet."""
    with operator(folder) as ctx:
        values: dict[str, object] = {
            "username": username, "name": name or username, "roles": roles, "teams": teams,
            "name_zh": name_zh, "email": email, "language": language,
        }  # fmt: skip
        if manager is not None:
            values["manager_id"] = _person(ctx, manager).id
        password = _password(password_stdin)
        if password is not None:
            values["password"] = password
        people.create_user(ctx, values)
    click.echo(f"Added {username}.")


@user.command("list")
@click.option("--all", "everybody", is_flag=True, help="Closed accounts too.")
@FORMAT
@WORKSPACE
def list_users(everybody: bool, form: str, folder: Path) -> None:
    """List the accounts."""
    with operator(folder) as ctx:
        found = [one for one in people.accounts(ctx) if one.active or everybody]
        codes = {one.id: one.code for one in people.teams(ctx)}
    if form == "json":
        show([
            {"id": one.id, "username": one.username, "name": one.name, "email": one.email, "active": one.active,
             "roles": list(one.roles), "teams": [codes.get(key, key) for key in one.teams]}
            for one in found
        ])  # fmt: skip
        return
    for one in found:
        closed = "" if one.active else "  (closed)"
        teams = ", ".join(codes.get(key, key) for key in one.teams)
        click.echo(f"{one.username:<20} {one.name:<24} {', '.join(one.roles):<30} {teams}{closed}")
    if not found:
        click.echo("There are no accounts yet. Add one with `fairlead user add`.")


@user.command("change")
@click.argument("username")
@click.option("--name")
@click.option("--name-zh")
@click.option("--email")
@click.option("--role", "roles", multiple=True, help="All roles from now on; may be given several times.")
@click.option("--team", "teams", multiple=True, help="All teams from now on; the first is the primary one.")
@click.option("--manager", help="The user name of the manager.")
@click.option("--language", type=click.Choice(["en", "zh"]))
@WORKSPACE
def change_user(
    username: str,
    name: str | None,
    name_zh: str | None,
    email: str | None,
    roles: tuple[str, ...],
    teams: tuple[str, ...],
    manager: str | None,
    language: str | None,
    folder: Path,
) -> None:
    """Change the account USERNAME; what is not named stays as it is."""
    given = {
        "name": name, "name_zh": name_zh, "email": email, "roles": roles or None, "teams": teams or None,
        "language": language,
    }  # fmt: skip
    with operator(folder) as ctx:
        changes: dict[str, object] = {key: value for key, value in given.items() if value is not None}
        if manager is not None:
            changes["manager_id"] = _person(ctx, manager).id
        people.update_user(ctx, _person(ctx, username).id, changes)
    click.echo(f"Changed {username}.")


@user.command("password")
@click.argument("username")
@PASSWORD
@WORKSPACE
def set_password(username: str, password_stdin: bool, folder: Path) -> None:
    """Set the password of USERNAME; every sign-in and token of theirs ends."""
    with operator(folder) as ctx:
        person = _person(ctx, username)
        password = _password(password_stdin)
        if password is None:
            raise click.UsageError("Give the password on standard input, with --password-stdin.")
        people.update_user(ctx, person.id, {"password": password})
    click.echo(f"Set a new password for {username}.")


@user.command("close")
@click.argument("username")
@click.option("--successor", help="Who takes over what they were to approve (default: the manager).")
@WORKSPACE
def close_user(username: str, successor: str | None, folder: Path) -> None:
    """Close the account USERNAME: no more signing in; approvals go to somebody else."""
    with operator(folder) as ctx:
        follower = _person(ctx, successor).id if successor else None
        moved = people.deactivate(ctx, _person(ctx, username).id, successor=follower)
    click.echo(f"Closed {username}." + (f" {moved} approvals went to somebody else." if moved else ""))


@user.command("open")
@click.argument("username")
@WORKSPACE
def open_user(username: str, folder: Path) -> None:
    """Open the closed account USERNAME again."""
    with operator(folder) as ctx:
        people.activate(ctx, _person(ctx, username).id)
    click.echo(f"Opened {username}.")


# ---------------------------------------------------------------- teams


@click.group()
def team() -> None:
    """Teams: add, list, change."""


@team.command("add")
@click.argument("code")
@click.option("--name", help="Default: the code.")
@click.option("--name-zh", help="In Chinese.")
@click.option("--parent", help="The code of the team above.")
@click.option("--head", help="The user name of the head.")
@WORKSPACE
def add_team(
    code: str, name: str | None, name_zh: str | None, parent: str | None, head: str | None, folder: Path
) -> None:
    """Add the team CODE."""
    with operator(folder) as ctx:
        people.create_team(
            ctx,
            {
                "code": code, "name": name or code, "name_zh": name_zh,
                "parent_id": _team(ctx, parent).id if parent else None,
                "head_id": _person(ctx, head).id if head else None,
            },
        )  # fmt: skip
    click.echo(f"Added the team {code}.")


@team.command("list")
@FORMAT
@WORKSPACE
def list_teams(form: str, folder: Path) -> None:
    """List the teams as a tree."""
    with operator(folder) as ctx:
        found = people.teams(ctx)
        names = {one.id: one.username for one in people.accounts(ctx)}
    if form == "json":
        codes = {one.id: one.code for one in found}
        show([
            {"id": one.id, "code": one.code, "name": one.name, "parent": codes.get(one.parent_id or ""),
             "head": names.get(one.head_id or "")}
            for one in found
        ])  # fmt: skip
        return
    below: dict[str | None, list[Team]] = {}
    for one in found:
        below.setdefault(one.parent_id, []).append(one)
    waiting = [(one, 0) for one in reversed(below.get(None, []))]
    while waiting:
        one, depth = waiting.pop()
        head = f"  (head: {names[one.head_id]})" if one.head_id in names else ""
        click.echo(f"{'  ' * depth}{one.code}  {one.name}{head}")
        waiting += [(child, depth + 1) for child in reversed(below.get(one.id, []))]
    if not found:
        click.echo("There are no teams yet. Add one with `fairlead team add`.")


@team.command("change")
@click.argument("code")
@click.option("--name")
@click.option("--name-zh")
@click.option("--parent", help="The code of the team above; an empty text for none.")
@click.option("--head", help="The user name of the head; an empty text for none.")
@WORKSPACE
def change_team(
    code: str, name: str | None, name_zh: str | None, parent: str | None, head: str | None, folder: Path
) -> None:
    """Change the team CODE; what is not named stays as it is."""
    with operator(folder) as ctx:
        changes: dict[str, object] = {
            key: value for key, value in (("name", name), ("name_zh", name_zh)) if value is not None
        }
        if parent is not None:
            changes["parent_id"] = _team(ctx, parent).id if parent else None
        if head is not None:
            changes["head_id"] = _person(ctx, head).id if head else None
        people.update_team(ctx, _team(ctx, code).id, changes)
    click.echo(f"Changed the team {code}.")


@team.command("remove")
@click.argument("code")
@WORKSPACE
def remove_team(code: str, folder: Path) -> None:
    """Take the empty team CODE away."""
    with operator(folder) as ctx:
        people.delete_team(ctx, _team(ctx, code).id)
    click.echo(f"Removed the team {code}.")


# ---------------------------------------------------------------- tokens


@click.group()
def token() -> None:
    """API tokens: create, list, end."""


@token.command("create")
@click.option("--user", "username", required=True, help="Whose token it is: it may do what they may.")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option(
    "--days", default=365, show_default=True, type=click.IntRange(1, 3650), help="How long it lives."
)
@FORMAT
@WORKSPACE
def create_token(username: str, name: str, days: int, form: str, folder: Path) -> None:
    """Make an API token. It is shown this once."""
    with operator(folder) as ctx:
        person = _person(ctx, username)
        made = people.create_token(ctx, name, user_id=person.id, life=timedelta(days=days))
    if form == "json":
        show({"token": made.secret, "id": made.public_id, "expires_at": made.expires_at})
    else:
        click.echo(made.secret)


@token.command("list")
@click.option("--user", "username", required=True)
@FORMAT
@WORKSPACE
def list_tokens(username: str, form: str, folder: Path) -> None:
    """List the live tokens of a person; the secrets themselves are kept nowhere."""
    with operator(folder) as ctx:
        found = sessions.of_user(ctx.database, _person(ctx, username).id, "token", ctx.stamp)
    if form == "json":
        show([
            {"id": one.public_id, "name": one.name, "created_at": one.created_at, "expires_at": one.expires_at,
             "last_used_at": one.last_used_at}
            for one in found
        ])  # fmt: skip
        return
    for one in found:
        used = (one.last_used_at or "never")[:16]
        click.echo(f"{one.public_id}  {one.name or '':<24} until {one.expires_at[:10]}  last used {used}")
    if not found:
        click.echo("There are no tokens.")


@token.command("end")
@click.argument("token_id")
@click.option("--user", "username", required=True)
@WORKSPACE
def end_token(token_id: str, username: str, folder: Path) -> None:
    """End the token TOKEN_ID at once."""
    with operator(folder) as ctx, ctx.database.write() as tx:
        if not sessions.end_one(tx, _person(ctx, username).id, token_id):
            raise click.ClickException(f"{username} has no token {token_id!r}.")
    click.echo("Ended.")
