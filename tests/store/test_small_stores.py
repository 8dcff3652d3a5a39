"""Revisions, history, numbers, notifications, idempotency: each promise once, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from fairlead.base.errors import Conflict, Invalid
from fairlead.base.texts import Label
from fairlead.store import history, idempotency, notifications, numbers, revisions
from fairlead.store.database import Database

NOW = "2026-01-05T01:00:00.000000Z"
LATER = "2026-01-05T02:00:00.000000Z"


def publish(database: Database, files: dict[str, str]) -> int:
    with database.write() as tx:
        return revisions.put(tx, files, author="ada", message="m", source="apply", engine="1", now=NOW)


def test_revisions_keep_every_file(database: Database) -> None:
    """Each revision gives back its own texts; the same text is kept once."""
    assert revisions.current(database) is None
    assert publish(database, {"schemas/a.yaml": "a: 1", "schemas/b.yaml": "b: 1"}) == 1
    assert publish(database, {"schemas/a.yaml": "a: 2", "schemas/b.yaml": "b: 1"}) == 2
    assert revisions.files(database, 1) == {"schemas/a.yaml": "a: 1", "schemas/b.yaml": "b: 1"}
    assert revisions.files(database, 2)["schemas/a.yaml"] == "a: 2"
    assert revisions.current_number(database) == 2
    assert [found.number for found in revisions.listing(database)] == [2, 1]
    assert [found.number for found in revisions.listing(database, before=2)] == [1]
    found = revisions.by_number(database, 1)
    assert found is not None
    assert found.digest == revisions.tree_digest(revisions.files(database, 1))


def test_history_pages_backwards(database: Database) -> None:
    """The last id of a page leads to the next one."""
    with database.write() as tx:
        ids = [
            history.add(
                tx, at=NOW, entity="lead", record_id="r1", kind="update", door="ui", actor="ada",
                changes={"name": ["a", "b"]}, chain=("rule:r1",),
            )
            for _ in range(3)
        ]  # fmt: skip
        history.add(tx, at=NOW, entity="lead", record_id="r2", kind="create", door="ui", actor="ada")
    page = history.of_record(database, "r1", limit=2)
    assert [event.id for event in page] == [ids[2], ids[1]]
    assert [event.id for event in history.of_record(database, "r1", before=page[-1].id)] == [ids[0]]
    assert page[0].changes == {"name": ["a", "b"]}
    assert page[0].chain == ("rule:r1",)
    assert [event.record_id for event in history.latest(database, entity="lead", kind="create")] == ["r2"]


def test_numbers_have_no_gaps(database: Database) -> None:
    """A transaction that fails gives its number back; parallel ones get different numbers."""

    def take(_: int) -> int:
        with database.write() as tx:
            return numbers.next_number(tx, "quote", "2026")

    def take_and_fail() -> None:
        with database.write() as tx:
            assert numbers.next_number(tx, "quote", "2026") == 2
            raise RuntimeError

    assert take(0) == 1
    with pytest.raises(RuntimeError):
        take_and_fail()
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, range(24))) == list(range(2, 26))
    with database.write() as tx:
        assert numbers.next_number(tx, "quote", "2027") == 1


def test_notifications(database: Database) -> None:
    """Unread lines are counted, read ones are not; a unique key adds nothing twice."""
    text = Label({"en": "Look", "zh": "请看"})
    with database.write() as tx:
        assert notifications.add(tx, ["u1", "u2", "u1"], kind="note", text=text, now=NOW, unique_key="k") == 2
        assert notifications.add(tx, ["u1"], kind="note", text=text, now=NOW, unique_key="k") == 0
        notifications.add(tx, ["u1"], kind="note", text=text, now=NOW)
    assert notifications.unread_count(database, "u1") == 2
    newest, oldest = notifications.listing(database, "u1")
    assert newest.text.get("zh") == "请看"
    with database.write() as tx:
        assert notifications.mark_read(tx, "u1", NOW, [oldest.id]) == 1
        assert notifications.mark_read(tx, "u2", NOW, [newest.id]) == 0
    assert [line.id for line in notifications.listing(database, "u1", unread_only=True)] == [newest.id]
    with database.write() as tx:
        assert notifications.mark_read(tx, "u1", NOW) == 1
    assert notifications.unread_count(database, "u1") == 0


def test_same_request_gets_the_same_answer(database: Database) -> None:
    """The second one is not done; another body under the same key is refused."""
    assert idempotency.begin(database, "u1", "k", "f1", NOW) is None
    answer = idempotency.Answer(201, {"ETag": "1"}, '{"id": "x"}')
    with database.write() as tx:
        idempotency.finish(tx, "u1", "k", answer)
    assert idempotency.begin(database, "u1", "k", "f1", LATER) == answer
    with pytest.raises(Invalid) as failure:
        idempotency.begin(database, "u1", "k", "f2", LATER)
    assert failure.value.errors[0].code == "key_reused"
    assert idempotency.begin(database, "u2", "k", "f2", LATER) is None


def test_failed_request_gives_its_key_back(database: Database) -> None:
    """What was refused may be corrected and sent again with the same key."""
    assert idempotency.begin(database, "u1", "k", "f1", NOW) is None
    idempotency.forget(database, "u1", "k")
    assert idempotency.begin(database, "u1", "k", "f2", NOW) is None


def test_parallel_requests_have_one_winner(database: Database) -> None:
    """Of twenty at the same moment one is done; the others are told so, never done again."""

    def ask(_: int) -> str:
        try:
            return "mine" if idempotency.begin(database, "u1", "k", "f", NOW) is None else "answered"
        except Conflict as failure:
            return failure.code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    assert answers.count("mine") == 1
    assert answers.count("idempotency.in-progress") == 19
