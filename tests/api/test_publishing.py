"""Publishing over HTTP: who is first, what came between, what does not fit, and requests that were overtaken."""

from __future__ import annotations

from fairlead.config.source import SourceTree
from fairlead.store import publisher
from fairlead.work import planning, publishing

from tests.api.office import Api

ENTITY = "schemas/case.yaml"


def with_field(api: Api, name: str) -> dict[str, str]:
    text = api.world.files[ENTITY].replace(
        "  flag:", f"  {name}: {{type: integer, label: {{en: N, zh: 数}}}}\n  flag:"
    )
    return {**api.world.files, ENTITY: text}


def test_who_is_overtaken_is_told_by_whom_and_what_came_between(api: Api) -> None:
    """A-R08, CF-30."""
    base = api.post("ada", "config/plan", {"files": api.world.files}).json["base"]
    first = api.post(
        "ada", "config/apply", {"files": with_field(api, "mine"), "base": base, "message": "Mine"}
    )
    assert first.json["revision"] == base + 1
    late = api.post("ada", "config/apply", {"files": with_field(api, "yours"), "base": base})
    assert (late.status, late.json["code"]) == (409, "plan.stale")
    current = late.json["current"]
    assert (current["revision"], current["by"], current["changes"]) == (
        base + 1,
        "ada",
        ["+ entity.case.fields.mine"],
    )
    assert [(one["number"], one["message"]) for one in current["between"]] == [(base + 1, "Mine")]
    api.world.files = with_field(api, "mine")
    api.world.applications.refresh()


def test_who_comes_while_another_publishes_is_told_who_and_since_when(api: Api) -> None:
    with publisher.alone(api.world.database, author="mei", now="2026-05-06T04:00:00.000000Z"):
        answer = api.post("ada", "config/apply", {"files": with_field(api, "other")})
    assert (answer.status, answer.json["code"]) == (409, "plan.publishing")
    assert answer.json["current"] == {"by": "mei", "since": "2026-05-06T04:00:00.000000Z"}


def test_nothing_is_published_onto_tables_that_do_not_fit(api: Api) -> None:
    """CF-52: read-only for configuration, not down."""
    database = api.world.database
    with database.write() as tx:
        tx.ddl("ALTER TABLE e_deal RENAME COLUMN reason TO stolen")
    answer = api.post("ada", "config/apply", {"files": with_field(api, "other")})
    assert (answer.status, answer.json["code"]) == (409, "config.read-only")
    assert "e_deal.reason is missing" in answer.json["detail"]
    assert api.get("ada", "case").status == 200
    with database.write() as tx:
        tx.ddl("ALTER TABLE e_deal RENAME COLUMN stolen TO reason")
    assert api.post("ada", "config/plan", {"files": with_field(api, "other")}).status == 200


def test_a_request_that_a_publication_overtook_comes_again_and_is_answered(api: Api) -> None:
    """CF-34: this process has not yet seen the revision that another one published."""
    api.world.applications.refresh()
    files = dict(api.world.files)
    files[ENTITY] = files[ENTITY].replace("  flag: {", "  banner: {was: flag, ")

    plan = planning.plan(api.world.database, SourceTree.from_mapping(files))
    publishing.apply(api.world.database, plan, author="mei")
    answer = api.get("ada", "case")
    assert (answer.status, answer.json["code"]) == (409, "config_changed")
    again = api.get("ada", "case")
    assert again.status == 200 and again.headers["X-Fairlead-Revision"] == str(
        plan.base + 1 if plan.base else 1
    )
