"""Accounts and teams: who is where, who stands above whom."""

from __future__ import annotations

import pytest
from fairlead.store import people
from fairlead.store.database import Database, Duplicate

NOW = "2026-01-05T01:00:00.000000Z"


def add(database: Database, username: str, *, roles: tuple[str, ...] = ("rep",), **more: str | None) -> str:
    with database.write() as tx:
        return people.create_user(
            tx, username=username, name=username.title(), created_at=NOW, roles=roles, **more
        )


def add_team(database: Database, code: str, parent: str | None = None, head: str | None = None) -> str:
    with database.write() as tx:
        return people.create_team(tx, code=code, name=code.title(), parent_id=parent, head_id=head)


def join(database: Database, user_id: str, *team_ids: str) -> None:
    with database.write() as tx:
        people.set_memberships(tx, user_id, team_ids)


@pytest.fixture
def cast(database: Database) -> dict[str, str]:
    """Mei heads sales, with Rui and Sana in the north team that Sana heads; Ada stands above all."""
    keys = {name: add(database, name) for name in ("ada", "mei", "rui", "sana", "otto")}
    keys["company"] = add_team(database, "company", head=keys["ada"])
    keys["sales"] = add_team(database, "sales", keys["company"], keys["mei"])
    keys["north"] = add_team(database, "north", keys["sales"], keys["sana"])
    join(database, keys["mei"], keys["sales"])
    join(database, keys["rui"], keys["north"], keys["sales"])
    join(database, keys["sana"], keys["north"])
    return keys


def test_account_knows_teams_and_oversight(database: Database, cast: dict[str, str]) -> None:
    """The primary team comes first; a head oversees the team and all below."""
    rui = people.account(database, cast["rui"])
    mei = people.account_by_username(database, "mei")
    assert rui is not None
    assert mei is not None
    assert rui.teams == (cast["north"], cast["sales"])
    assert rui.oversees == ()
    assert set(mei.oversees) == {cast["sales"], cast["north"]}
    assert rui.roles == ("rep",)


def test_tree_follows_a_moved_team(database: Database, cast: dict[str, str]) -> None:
    """Whoever heads the new parent oversees at once; the old one no longer."""
    with database.write() as tx:
        north = people.team_by_code(tx, "north")
        assert north is not None
        people.update_team(tx, north, {"parent_id": cast["company"]})
    mei = people.account(database, cast["mei"])
    assert mei is not None
    assert mei.oversees == (cast["sales"],)
    assert people.users_in_team(database, cast["company"], below=True) == [
        cast["mei"],
        cast["rui"],
        cast["sana"],
    ]


def test_manager_is_the_head_above(database: Database, cast: dict[str, str]) -> None:
    """A head's manager is the head of the team above; the top has none."""
    assert people.manager_of(database, cast["rui"]) == cast["sana"]
    assert people.manager_of(database, cast["sana"]) == cast["mei"]
    assert people.manager_of(database, cast["rui"], 3) == cast["ada"]
    assert people.manager_of(database, cast["rui"], 4) is None
    assert people.managers_of(database, cast["rui"], 9) == [cast["sana"], cast["mei"], cast["ada"]]
    assert people.manager_of(database, cast["otto"]) is None


def test_named_manager_wins_and_circles_end(database: Database, cast: dict[str, str]) -> None:
    """An account may name its manager; two who name each other do not hang anything."""
    with database.write() as tx:
        for one, other in (("rui", "otto"), ("otto", "rui")):
            account = people.account(tx, cast[one])
            assert account is not None
            people.update_user(tx, account, {"manager_id": cast[other]})
    assert people.manager_of(database, cast["rui"]) == cast["otto"]
    assert people.manager_of(database, cast["rui"], 2) is None
    assert people.managers_of(database, cast["rui"], 5) == [cast["otto"]]


def test_inactive_head_is_passed_over(database: Database, cast: dict[str, str]) -> None:
    """Nobody waits for somebody who has left."""
    with database.write() as tx:
        sana = people.account(tx, cast["sana"])
        assert sana is not None
        people.update_user(tx, sana, {"active": False})
    assert people.manager_of(database, cast["rui"]) == cast["mei"]
    assert people.heads(database, [cast["north"], cast["sales"]]) == {cast["sales"]: cast["mei"]}
    assert people.users_in_team(database, cast["north"]) == [cast["rui"]]


def test_circle_of_teams_does_not_hang(database: Database, cast: dict[str, str]) -> None:
    """A circle brought in by hand ends the climb."""
    with database.write() as tx:
        company = people.team_by_code(tx, "company")
        assert company is not None
        people.update_team(tx, company, {"parent_id": cast["north"], "head_id": None})
    assert people.manager_of(database, cast["mei"]) == cast["sana"]


def test_roles_are_whole_words(database: Database) -> None:
    """`rep` is not found in `rep_senior`."""
    ada = add(database, "ada", roles=("admin", "rep"))
    add(database, "rui", roles=("rep_senior",))
    assert people.users_with_role(database, "rep") == [ada]
    assert people.count_active_with_role(database, "admin") == 1
    assert people.count_active_with_role(database, "admin", except_id=ada) == 0


def test_names_in_one_read(database: Database) -> None:
    """Names speak Chinese where one is given."""
    li = add(database, "li", name_zh="李雷")
    otto = add(database, "otto")
    found = people.names(database, [li, otto, "nobody", ""])
    assert (found[li].get("zh"), found[li].get("en"), found[otto].get("zh")) == ("李雷", "Li", "Otto")
    assert len(found) == 2


def test_user_name_is_unique(database: Database) -> None:
    """The database itself refuses a second one."""
    add(database, "ada")
    with pytest.raises(Duplicate):
        add(database, "ada")
