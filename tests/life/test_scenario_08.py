"""Acceptance 8 and A-R08: two publish at once; one revision is made, the other is told who was first and what came between."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from fairlead.base.errors import Refused
from fairlead.config.source import SourceTree
from fairlead.store import migrate, publisher, revisions
from fairlead.store.database import Database
from fairlead.work import overtaken, planning, publishing

from tests.support.world import World, refusal

ENTITY = "schemas/deal.yaml"


def with_field(world: World, name: str) -> planning.Plan:
    text = world.files[ENTITY].replace("  hot:", f"  {name}: {{type: money}}\n  hot:")
    return planning.plan(world.database, SourceTree.from_mapping({**world.files, ENTITY: text}))


def test_scenario_08_while_one_publishes_the_other_is_told_who_and_since_when(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is stopped between its statements; nothing of the second is waited for, and nothing of it is done."""
    mine, yours = with_field(world, "budget"), with_field(world, "rebate")
    inside, go_on = threading.Event(), threading.Event()
    original = migrate.apply

    def held(*args: Any) -> None:
        inside.set()
        assert go_on.wait(60)
        original(*args)

    monkeypatch.setattr(migrate, "apply", held)
    done: list[publishing.Applied] = []
    first = threading.Thread(target=lambda: done.append(publishing.apply(world.database, mine, author="mei")))
    first.start()
    assert inside.wait(60)
    # Another process has another connection to the same database.
    other = Database(world.database.url)
    failure = refusal(publishing.apply, other, yours, author="rui")
    assert (failure.status, failure.code) == (409, "plan.publishing")
    assert isinstance(failure, Refused) and failure.current is not None
    assert failure.current["by"] == "mei" and str(failure.current["since"]) in failure.message()
    assert "mei" in failure.message("zh")
    go_on.set()
    first.join(60)
    other.close()
    assert [one.revision for one in done] == [2] and revisions.current_number(world.database) == 2


def test_scenario_08_who_comes_too_late_is_told_what_came_between(world: World) -> None:
    mine, yours = with_field(world, "budget"), with_field(world, "rebate")
    publishing.apply(world.database, mine, author="mei", message="Budgets")
    failure = refusal(publishing.apply, world.database, yours, author="rui")
    assert (failure.status, failure.code) == (409, "plan.stale")
    assert isinstance(failure, Refused) and failure.current is not None
    assert (failure.current["revision"], failure.current["by"]) == (2, "mei")
    assert failure.current["changes"] == ["+ entity.deal.fields.budget"]
    (between,) = failure.current["between"]  # type: ignore[misc]
    assert (between["number"], between["message"]) == (2, "Budgets")
    assert "entity.deal.fields.budget" in failure.message() and "mei" in failure.message("zh")
    assert revisions.current_number(world.database) == 2


def test_scenario_08_of_many_at_once_each_revision_has_one_author(world: World) -> None:
    names = ["ada", "mei", "rui", "sana"]
    plans = {name: with_field(world, f"of_{name}") for name in names}
    outcomes: dict[str, str] = {}
    start = threading.Barrier(len(names))

    def publish(name: str) -> None:
        own = Database(world.database.url)
        start.wait()
        try:
            outcomes[name] = str(publishing.apply(own, plans[name], author=name).revision)
        except Refused as refused:
            outcomes[name] = refused.code
        finally:
            own.close()

    threads = [threading.Thread(target=publish, args=(name,)) for name in names]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert sorted(outcomes.values())[0] == "2"
    assert set(outcomes.values()) - {"2"} <= {"plan.publishing", "plan.stale"} and len(outcomes) == len(names)
    winner = next(name for name, outcome in outcomes.items() if outcome == "2")
    current = revisions.current(world.database)
    assert current is not None and (current.number, current.author) == (2, winner)


def test_scenario_08_a_publisher_who_died_holds_nobody_up(world: World) -> None:
    """What is written down about the holder counts only while the lock is held."""
    with publisher.alone(world.database, author="ghost", now="2026-01-01T00:00:00.000000Z"):
        assert refusal(publishing.apply, world.database, with_field(world, "budget"), author="ada").code == (
            overtaken.busy(None).code
        )
    assert publishing.apply(world.database, with_field(world, "budget"), author="ada").revision == 2
