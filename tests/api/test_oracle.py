"""Who sees what, worked out a second time: random roles, teams, owners and pools against every reading door of the API.

The oracle below is written from the promises (requirements P1-P10), not from the code: for one person and one record it
goes through the grants one by one, in Python, over plain values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from fairlead.compiled.application import Application, compile_workspace
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import people
from fairlead.web.factory import create_app
from fairlead.web.request import Services
from fairlead.work import records
from fairlead.work.context import SYSTEM, Context
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.office import Api, open_office, token_of

THING = """
kind: entity
name: thing
label: {en: Thing, zh: 事物}
title: "{name}"
traits: [owned]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, searchable: true}
  word: {type: text, label: {en: Word, zh: 词}, searchable: true}
  size: {type: integer, label: {en: Size, zh: 大小}}
  cost: {type: money, label: {en: Cost, zh: 成本}}
  sort: {type: choice, label: {en: Sort, zh: 类别}, options: {x: {label: X}, y: {label: Y}}}
  rows: {type: table, label: {en: Rows, zh: 明细}, fields: {item: {type: text, label: {en: Item, zh: 项目}}}}
"""
REPORT = """
kind: report
name: by_sort
entity: thing
label: {en: By sort, zh: 按类别}
type: table
dimensions: [sort]
measures: [{count: true}, {sum: size}]
"""
FIELDS = ("name", "word", "size", "cost", "sort", "rows")
STORED = FIELDS[:-1]
SEARCHED = ("name", "word")
SCOPES = ("no", "own", "team", "subordinates", "all", "record.sort == 'x'", "record.size > 5")
RIGHTS = (None, None, "hidden", "masked", "readonly")
TEAMS = {"top": None, "left": "top", "deep": "left", "right": "top"}
STAFF = ("p0", "p1")
ROLES = ("r0", "r1", "r2")


@dataclass(frozen=True)
class Role:
    """What one role grants on things; without `read` it has no grants at all."""

    read: str
    update: str
    rights: Mapping[str, str | None]


@dataclass(frozen=True)
class Pool:
    """Who may see what nobody owns, and what of it."""

    roles: tuple[str, ...]
    teams: tuple[str, ...]
    hides: tuple[str, ...]


@dataclass(frozen=True)
class Person:
    """Somebody's roles and teams, the primary one first."""

    roles: tuple[str, ...]
    teams: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """A whole world. `heads` is team → person; `things` are (owner or None, values)."""

    roles: Mapping[str, Role]
    pool: Pool
    people: Mapping[str, Person]
    heads: Mapping[str, str | None]
    things: tuple[tuple[str | None, Mapping[str, Any]], ...]


def subset(of: tuple[str, ...], *, least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(of), unique=True, min_size=least).map(tuple)


ROLE = st.builds(
    Role,
    st.sampled_from(SCOPES),
    st.sampled_from(SCOPES),
    st.fixed_dictionaries({n: st.sampled_from(RIGHTS) for n in FIELDS}),
)
VALUES = st.fixed_dictionaries({
    "name": st.sampled_from(["alpha", "beta", "needle one", None]), "word": st.sampled_from(["needle", "gamma", None]),
    "size": st.sampled_from([1, 5, 6, 9, None]), "cost": st.sampled_from(["1.00", "2.50", None]),
    "sort": st.sampled_from(["x", "y", None]), "rows": st.sampled_from([[], [{"item": "i"}]]),
})  # fmt: skip
SCENES = st.builds(
    Scene,
    st.fixed_dictionaries(dict.fromkeys(ROLES, ROLE)),
    st.builds(Pool, subset(ROLES), subset(tuple(TEAMS)), subset(STORED)),
    st.fixed_dictionaries(
        dict.fromkeys(STAFF, st.builds(Person, subset(ROLES, least=1), subset(tuple(TEAMS))))
    ),
    st.fixed_dictionaries(dict.fromkeys(TEAMS, st.sampled_from([None, *STAFF]))),
    st.lists(st.tuples(st.sampled_from([None, *STAFF]), VALUES), min_size=2, max_size=4).map(tuple),
)


# ---------------------------------------------------------------- the oracle


@dataclass
class Row:
    """A thing as it stands: its id is filled in when it is made."""

    owner: str | None
    team: str | None
    values: Mapping[str, Any]
    id: str = ""
    version: int = 1


@dataclass
class Oracle:
    """Says what each person may see and do."""

    scene: Scene
    rows: list[Row] = field(default_factory=list)

    def oversees(self, who: str) -> set[str]:
        """Teams that somebody heads, and those below."""
        found = {team for team, head in self.scene.heads.items() if head == who}
        for _ in TEAMS:
            found |= {team for team, above in TEAMS.items() if above in found}
        return found

    def reaches(self, scope: str, who: str, row: Row) -> bool:
        """Whether a scope of somebody's holds for a row."""
        if scope in ("no", "all"):
            return scope == "all"
        if scope == "record.sort == 'x'":
            return bool(row.values["sort"] == "x")
        if scope == "record.size > 5":
            return bool(row.values["size"] and row.values["size"] > 5)
        if row.owner == who:
            return True
        if scope == "team":
            return row.team in self.scene.people[who].teams
        return scope == "subordinates" and row.team in self.oversees(who)

    def held(self, who: str) -> list[Role]:
        """Somebody's roles."""
        return [self.scene.roles[name] for name in self.scene.people[who].roles]

    def opened(self, role: Role) -> tuple[set[str], set[str]]:
        """What a role's grant shows in full, and in part. A table is shown whole or not at all."""
        full = {name for name in FIELDS if role.rights[name] in (None, "readonly")}
        return full, {name for name in STORED if role.rights[name] == "masked"}

    def pool_opens(self, who: str) -> set[str] | None:
        """What somebody sees of what lies in the pool; None when the pool is not theirs."""
        pool, person = self.scene.pool, self.scene.people[who]
        if pool.roles and not set(pool.roles) & set(person.roles):
            return None
        withheld = {
            name for role in self.held(who) for name in FIELDS if role.rights[name] in ("hidden", "masked")
        }
        return set(FIELDS) - set(pool.hides) - withheld

    def in_pool_team(self, who: str) -> bool:
        return not self.scene.pool.teams or bool(
            set(self.scene.pool.teams) & set(self.scene.people[who].teams)
        )

    def grants(self, who: str, row: Row | None) -> Iterator[tuple[set[str], set[str]]]:
        """(in full, in part) of each grant that reaches a row; with None of each grant at all."""
        for role in self.held(who):
            if role.read != "no" and (row is None or self.reaches(role.read, who, row)):
                yield self.opened(role)
        opens = self.pool_opens(who)
        if opens is not None and (row is None or (row.owner is None and self.in_pool_team(who))):
            yield opens, set()

    def sees(self, who: str, row: Row) -> bool:
        return any(True for _ in self.grants(who, row))

    def shown(self, who: str, row: Row) -> tuple[set[str], set[str]]:
        """Fields shown in full and in part of one row."""
        full: set[str] = set()
        part: set[str] = set()
        for opens, partly in self.grants(who, row):
            full |= opens
            part |= partly
        return full, part - full

    def known(self, who: str) -> set[str]:
        """Fields that somebody may see in full somewhere."""
        return set().union(*(opens for opens, _ in self.grants(who, None)))

    def hinted(self, who: str) -> set[str]:
        """Fields of which somebody may see at least a part somewhere."""
        return self.known(who).union(*(partly for _, partly in self.grants(who, None)))

    def visible(self, who: str, *needs: str) -> list[Row]:
        """Rows on which somebody sees all of `needs` in full."""
        return [row for row in self.rows if self.sees(who, row) and set(needs) <= self.shown(who, row)[0]]

    def changes_size(self, who: str, row: Row) -> int:
        """The status of changing `size` of a row."""
        if not self.sees(who, row):
            return 404
        reaching = [role for role in self.held(who) if self.reaches(role.update, who, row)]
        if not reaching:
            return 403
        # What one sees nowhere one does not change either.
        return (
            200
            if any(role.rights["size"] is None for role in reaching) and "size" in self.hinted(who)
            else 422
        )


# ---------------------------------------------------------------- the world


class Applications:
    """Holds the application of the scene that is being played."""

    def __init__(self) -> None:
        self.app: Application | None = None

    def current(self) -> Application:
        """Return the application in force."""
        assert self.app is not None
        return self.app


def files_of(scene: Scene) -> dict[str, str]:
    files = {"schemas/thing.yaml": THING, "admin/by_sort.yaml": REPORT}
    files["fairlead.yaml"] = "name: oracle\nlanguages: [en, zh]\ncurrency: CNY\n"
    for name, role in scene.roles.items():
        rights = ", ".join(f"{field}: {right}" for field, right in role.rights.items() if right)
        files[f"admin/{name}.yaml"] = (
            f"kind: role\nname: {name}\nlabel: {{en: {name}, zh: {name}}}\ngrants:\n"
            f'  thing: {{read: "{role.read}", update: "{role.update}", fields: {{{rights}}}}}\n  report: {{read: all}}\n'
        )
    pool = scene.pool
    members = (
        f"members: {{roles: [{', '.join(pool.roles)}], teams: [{', '.join(pool.teams)}]}}\n"
        if pool.roles or pool.teams
        else ""
    )
    files["workflows/pool.yaml"] = (
        "kind: pool\nname: things\nentity: thing\nlabel: {en: Pool, zh: 公海}\n"
        f"{members}visibility: {{hide_until_claimed: [{', '.join(pool.hides)}]}}\n"
    )
    return files


PLAIN = Scene(
    dict.fromkeys(ROLES, Role("all", "all", dict.fromkeys(FIELDS))), Pool(("r0",), (), ()),
    dict.fromkeys(STAFF, Person(("r0",), ())), dict.fromkeys(TEAMS), (),
)  # fmt: skip


class Stage:
    """One database in which scene after scene is played; what one leaves behind lies deleted in the next."""

    def __init__(self, api: Api, applications: Applications) -> None:
        self.api = api
        self.applications = applications
        self.ids: dict[str, str] = {}
        self.teams: dict[str, str] = {}
        self.left: list[str] = []

    def play(self, scene: Scene) -> Oracle:
        """Set the scene; return who may see what in it."""
        loaded = load(SourceTree.from_mapping(files_of(scene)))
        assert loaded.workspace is not None, loaded.problems
        database = self.api.world.database
        app = self.applications.app = compile_workspace(
            loaded.workspace, dialect=database.dialect, revision=1
        )
        ctx = Context(app, database, SYSTEM, self.api.world.now, "system")
        for id in self.left:
            records.delete(ctx, "thing", id, version=None)
        with database.write() as tx:
            for name, person in scene.people.items():
                account = people.account(tx, self.ids[name])
                assert account is not None
                people.update_user(tx, account, {"roles": list(person.roles)})
                people.set_memberships(tx, self.ids[name], [self.teams[team] for team in person.teams])
            for code, head in scene.heads.items():
                found = people.team_by_id(tx, self.teams[code])
                assert found is not None
                people.update_team(tx, found, {"head_id": self.ids[head] if head else None})
            people.rebuild_tree(tx)
        oracle = Oracle(scene)
        for owner, values in scene.things:
            team = scene.people[owner].teams[0] if owner and scene.people[owner].teams else None
            given = {**values, "owner": self.ids[owner] if owner else None}
            saved = records.create(ctx, "thing", given)
            oracle.rows.append(Row(owner, team, values, saved.id, saved.version))
        self.left = [row.id for row in oracle.rows]
        return oracle


def open_stage(url: str) -> Iterator[Stage]:
    with open_office(url, files_of(PLAIN)) as api:
        applications = Applications()
        applications.app = api.world.app
        services: Any = Services(api.world.database, applications, False, False)  # type: ignore[arg-type]
        api.app = create_app(services, secret_key="x" * 32)
        stage = Stage(api, applications)
        with api.world.database.write() as tx:
            for name in STAFF:
                stage.ids[name] = people.create_user(
                    tx,
                    username=name,
                    name=name,
                    created_at="2026-01-01T00:00:00.000000Z",
                    roles=["r0"],
                    language="en",
                )
            for code, above in TEAMS.items():
                stage.teams[code] = people.create_team(
                    tx, code=code, name=code, parent_id=stage.teams[above] if above else None
                )
        for name in STAFF:
            api.world.actors[name] = api.world.actors["rui"]
            api.tokens[name] = token_of_id(api, stage.ids[name])
        yield stage


def token_of_id(api: Api, key: str) -> str:
    from dataclasses import replace

    api.world.actors["_"] = replace(api.world.actors["rui"], id=key)
    return token_of(api.world, "_")


@pytest.fixture(scope="module")
def stage(office_url: str) -> Iterator[Stage]:
    """The stage on one of the databases."""
    yield from open_stage(office_url)


# ---------------------------------------------------------------- the doors


def ids(rows: list[Row]) -> set[str]:
    return {row.id for row in rows}


def check_item(oracle: Oracle, who: str, row: Row, item: Mapping[str, Any], *, whole: bool) -> None:
    full, part = oracle.shown(who, row)
    for name in FIELDS if whole else STORED:
        value = row.values[name]
        if name in full:
            if name == "rows":
                assert [line["item"] for line in item["rows"]] == [line["item"] for line in value]
            else:
                assert item[name] == value, (name, item)
        elif name in part:
            assert name in item["_masked"]
            assert (item[name] is None) == (value is None)
            assert value is None or item[name] != value
        else:
            assert name not in item, (name, item)
    assert set(item.get("_hidden", ())) & set(FIELDS) == set(FIELDS) - full - part
    assert set(item.get("_masked", ())) & set(FIELDS) == part


def asks(
    oracle: Oracle, api: Api, who: str, query: Mapping[str, Any], needs: tuple[str, ...], expected: list[Row]
) -> None:
    """A list is refused when it asks about a field that is nowhere shown in full, and else has exactly these rows."""
    answer = api.get(who, "thing", count="true", page_size=200, **query)
    if not set(needs) <= oracle.known(who):
        assert answer.status == 422, (query, answer.body)
        assert set(answer.codes.values()) == {"unknown_field"}
        return
    assert answer.status == 200, (query, answer.body)
    found = [item["id"] for item in answer.json["items"]]
    assert set(found) == ids(expected), (who, query)
    assert len(found) == len(expected) == answer.json["total"]


def check_person(oracle: Oracle, api: Api, who: str) -> None:
    entitled = (
        any(role.read != "no" or role.update != "no" for role in oracle.held(who))
        or oracle.pool_opens(who) is not None
    )
    if not entitled:
        assert api.get(who, "thing").status == 404
        return
    listed = {item["id"]: item for item in api.items(who, "thing", page_size=200)}
    assert set(listed) == ids(oracle.visible(who))
    for row in oracle.rows:
        answer = api.get(who, f"thing/{row.id}")
        assert answer.status == (200 if oracle.sees(who, row) else 404)
        if answer.status == 200:
            check_item(oracle, who, row, answer.json, whole=True)
            check_item(oracle, who, row, listed[row.id], whole=False)
            check_history(oracle, api, who, row)
    for name, text, holds in (
        ("size", "size > 4", lambda v: v is not None and v > 4), ("cost", "cost == null", lambda v: v is None),
        ("sort", "sort == 'x'", lambda v: v == "x"), ("word", "word != 'gamma'", lambda v: v != "gamma"),
    ):  # fmt: skip
        asks(
            oracle,
            api,
            who,
            {"filter": text},
            (name,),
            [r for r in oracle.visible(who, name) if holds(r.values[name])],
        )
    lined = [r for r in oracle.visible(who, "rows") if r.values["rows"]]
    asks(oracle, api, who, {"filter": "rows.exists(r, r.item == 'i')"}, ("rows",), lined)
    both = [
        r
        for r in oracle.visible(who, "size", "word")
        if (r.values["size"] or 0) > 4 and r.values["word"] == "needle"
    ]
    asks(oracle, api, who, {"filter": "size > 4 && word == 'needle'"}, ("size", "word"), both)
    for name, order in (("cost", ""), ("size", " desc")):
        asks(oracle, api, who, {"order_by": name + order}, (name,), oracle.visible(who, name))
    if oracle.known(who):
        needle = [
            r
            for r in oracle.visible(who)
            if any("needle" in (r.values[n] or "") for n in oracle.shown(who, r)[0] & set(SEARCHED))
        ]
        asks(oracle, api, who, {"search": "needle"}, (), needle)
    check_fields(oracle, api, who)
    check_report(oracle, api, who)


def check_history(oracle: Oracle, api: Api, who: str, row: Row) -> None:
    full, _ = oracle.shown(who, row)
    path = "history" if row is oracle.rows[0] else "timeline"
    for change in api.items(who, f"thing/{row.id}/{path}")[-1]["changes"]:
        name = change["field"]
        if name in FIELDS and name not in full:
            assert change == {"field": name, "hidden": True}
        elif name in STORED:
            assert change["new"] == row.values[name]


def check_fields(oracle: Oracle, api: Api, who: str) -> None:
    hinted = oracle.hinted(who)
    for name in ("rows", "cost"):
        answer = api.get(who, "thing", fields=name, page_size=200)
        assert answer.status == (200 if name in hinted else 422)
        if answer.status == 200:
            rows = {row.id: row for row in oracle.rows}
            for item in answer.json["items"]:
                full, part = oracle.shown(who, rows[item["id"]])
                assert (name in item) == (name in full | part)


def check_report(oracle: Oracle, api: Api, who: str) -> None:
    answer = api.get(who, "reports/by_sort")
    if not {"sort", "size"} <= oracle.known(who):
        assert answer.status == 404
        return
    counted: dict[Any, list[int]] = {}
    for row in oracle.visible(who, "sort", "size"):
        group = counted.setdefault(row.values["sort"], [0, 0])
        group[0] += 1
        group[1] += row.values["size"] or 0
    found = {row["keys"][0]: [row["values"][0], int(row["values"][1])] for row in answer.json["rows"]}
    assert found == counted


def check_changes(oracle: Oracle, api: Api, who: str) -> None:
    if api.get(who, "thing").status == 404:
        return
    for row in oracle.rows[:2]:
        answer = api.patch(who, f"thing/{row.id}", {"size": row.values["size"]})
        assert answer.status == oracle.changes_size(who, row), (who, row, answer.body)
        bulk = api.post(
            who,
            "thing/bulk",
            {"operations": [{"op": "update", "id": row.id, "values": {"size": row.values["size"]}}]},
        )
        assert bulk.json["results"][0]["status"] == answer.status


# Two busy cores: a hundred worlds on SQLite, twenty on PostgreSQL, where each statement is new and takes longer.
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.generate,),
)
@given(scene=SCENES)
def few(stage: Stage, scene: Scene) -> None:
    check_scene(stage, scene)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.generate,),
)
@given(scene=SCENES)
def many(stage: Stage, scene: Scene) -> None:
    check_scene(stage, scene)


def check_scene(stage: Stage, scene: Scene) -> None:
    oracle = stage.play(scene)
    for who in STAFF:
        check_person(oracle, stage.api, who)
        check_changes(oracle, stage.api, who)


def test_P7_every_door_shows_exactly_what_the_grants_of_each_row_open(stage: Stage) -> None:
    (many if stage.api.world.database.dialect == "sqlite" else few)(stage)
