"""Publishing while others work: short waits, indexes built beside the writers, requests that were overtaken (CF-31 … CF-34)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from fairlead.config.rename import rename, target_of
from fairlead.config.source import SourceTree
from fairlead.store import ahead, catalogue, revisions
from fairlead.store.database import Database, Outdated, Tx
from fairlead.work import planning, publishing, reading
from fairlead.work.applications import Applications
from fairlead.work.context import Context
from fairlead.work.queries import ListQuery

from tests.support.world import World, open_world, refusal

ENTITY = "schemas/deal.yaml"
INDEX = "ix_e_deal_reason_id"


@pytest.fixture
def postgres_world(postgres_url: str) -> Any:
    """The small office on PostgreSQL, where others can be waited for."""
    with open_world(postgres_url) as made:
        yield made


def indexed(world: World) -> planning.Plan:
    """The plan that wants an index over a field that is there."""
    world.files[ENTITY] = world.files[ENTITY].replace(
        "  reason: {type: text,", "  reason: {type: text, index: true,"
    )
    return world.plan()


def renamed(world: World) -> planning.Plan:
    tree = SourceTree.from_mapping(world.files)
    world.files = rename(tree, target_of("entity.deal.fields.reason"), "cause").tree.mapping()
    return world.plan()


def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Listen to the statements that change tables."""
    heard: list[str] = []
    original = Tx.ddl

    def listening(self: Tx, sql: str) -> None:
        heard.append(sql)
        original(self, sql)

    monkeypatch.setattr(Tx, "ddl", listening)
    return heard


def indexes(world: World) -> frozenset[str]:
    return catalogue.existing(world.database).indexes["e_deal"]


# ---------------------------------------------------------------- who holds a table


def test_cf_33_a_table_that_somebody_holds_is_not_waited_for_long(
    postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody queues behind a publisher who queues behind a report; nothing is changed, and later it works."""
    world = postgres_world
    monkeypatch.setattr(publishing, "ATTEMPTS", 1)
    plan = renamed(world)
    before = catalogue.existing(world.database)
    with world.database.write() as reader:
        reader.all(world.database.prepare(sa.text("SELECT id FROM e_deal")))
        failure = refusal(publishing.apply, Database(world.database.url), plan, author="ada")
    assert (failure.code, failure.data["retry_after_s"]) == ("plan.held", 10)
    assert catalogue.existing(world.database) == before and revisions.current_number(world.database) == 1
    assert publishing.apply(world.database, plan, author="ada").revision == 2


def test_cf_33_it_is_tried_again_until_the_table_is_free(
    postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = postgres_world
    plan = renamed(world)
    other = Database(world.database.url)
    reader = other.write()
    reader.__enter__().all(world.database.prepare(sa.text("SELECT id FROM e_deal")))

    def waited(_: float) -> None:
        reader.__exit__(None, None, None)

    monkeypatch.setattr(publishing.time, "sleep", waited)
    assert publishing.apply(world.database, plan, author="ada").revision == 2
    other.close()


# ---------------------------------------------------------------- indexes of big tables


def test_cf_33_an_index_of_a_big_table_is_built_beside_the_writers(
    postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = postgres_world
    monkeypatch.setattr(ahead, "BIG", 1)
    world.create("ada", reason="x")
    plan = indexed(world)
    heard = said(monkeypatch)
    publishing.apply(world.database, plan, author="ada")
    built = [one for one in heard if "CREATE INDEX" in one]
    assert len(built) == 1 and built[0].startswith("CREATE INDEX CONCURRENTLY " + INDEX)
    assert INDEX in indexes(world) and world.plan().empty


def test_cf_31_a_publication_that_died_after_building_is_taken_up(
    postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan that was sealed before still fits, and what is there is not built again."""
    world = postgres_world
    monkeypatch.setattr(ahead, "BIG", 1)
    world.create("ada", reason="x")
    plan = indexed(world)
    with monkeypatch.context() as died:
        died.setattr(publishing, "_published", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publishing.apply(world.database, plan, author="ada")
    assert INDEX in indexes(world) and revisions.current_number(world.database) == 1
    assert world.plan().seal == plan.seal
    heard = said(monkeypatch)
    assert publishing.apply(world.database, plan, author="ada").revision == 2
    assert not [one for one in heard if "CREATE INDEX" in one]
    assert world.plan().empty


def test_cf_31_what_another_plan_left_behind_is_taken_away(
    postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = postgres_world
    monkeypatch.setattr(ahead, "BIG", 1)
    world.create("ada", reason="x")
    before = dict(world.files)
    with monkeypatch.context() as died:
        died.setattr(publishing, "_published", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publishing.apply(world.database, indexed(world), author="ada")
    world.files = before
    world.publish({ENTITY: before[ENTITY].replace("  hot:", "  budget: {type: money}\n  hot:")})
    assert INDEX not in indexes(world) and world.plan().empty


def test_cf_33_a_unique_index_that_does_not_fit_leaves_nothing(
    postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = postgres_world
    monkeypatch.setattr(ahead, "BIG", 1)
    world.create("ada", reason="same")
    world.files[ENTITY] = world.files[ENTITY].replace(
        "  reason: {type: text,", "  reason: {type: text, unique: true,"
    )
    plan = world.plan()
    world.create("ada", reason="same")
    before = indexes(world)
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.data-changed"
    assert indexes(world) == before and not catalogue.existing(world.database).unfinished


# ---------------------------------------------------------------- requests under way


def test_cf_34_a_read_under_the_old_names_is_known_for_what_it_is(world: World) -> None:
    before = world.as_("ada")
    world.create("ada", reason="x")
    publishing.apply(world.database, renamed(world), author="ada")
    with pytest.raises(Outdated):
        reading.page(before, "deal", ListQuery())


def test_cf_34_a_write_of_any_entity_under_the_old_revision_is_told_to_come_again(world: World) -> None:
    from fairlead.work import records

    deal = world.create("ada")
    before = world.as_("ada")
    publishing.apply(world.database, renamed(world), author="ada")
    failure = refusal(records.create, before, "note", {"about": deal, "text": "late"})
    assert (failure.status, failure.code) == (409, "config_changed")


def test_a_column_of_another_type_does_not_trip_what_was_prepared_for_the_old_one(
    postgres_world: World,
) -> None:
    """A connection remembers the shape of its statements; it is replaced and not shown to people."""
    world = postgres_world
    id = world.create("ada", code="12")
    for _ in range(3):
        world.get("ada", id)
    world.publish({ENTITY: world.files[ENTITY].replace("  code: {type: text,", "  code: {type: integer,")})
    app = Applications(world.database).refresh()
    ctx = Context(app, world.database, world.actors["ada"], world.now, "api")
    assert reading.get(ctx, "deal", id)["code"] == 12
