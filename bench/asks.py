"""The seven requests: what is asked, in the words of each side, and what the answers have in common.

An answer's *essence* is what both sides must agree on: the same records in the same order with the same values,
whatever the form of a JSON body and whatever else stands in it.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Literal, Protocol

from bench.data import SEED, Data, Lead, Person, words_to_find
from bench.load import CONNECTIONS, NUMBER, VERSION, Request, checksum
from bench.schema import PAGE_SIZE
from bench.servers import Server

FIELDS = (
    "id", "name", "phone", "email", "source", "stage", "score", "amount", "owner", "team", "next_follow_up", "note",
    "version", "created_at", "updated_at",
)  # fmt: skip
INSTANTS = ("next_follow_up", "created_at", "updated_at")
FAR_PAGE = 200


class WrongAnswer(AssertionError):
    """Two implementations do not agree, or one of them refuses."""


@dataclass(frozen=True, slots=True)
class Question:
    """A read, told apart from how anybody writes it."""

    kind: Literal["get", "list", "report"]
    who: Person
    id: str = ""
    stage: str | None = None
    source: str | None = None
    order: Literal["next_follow_up", "-amount"] | None = None
    page: int = 1
    count: bool = False
    search: str | None = None
    report: str = ""


class Side(Protocol):
    """How one side's API is spoken to."""

    def path(self, question: Question) -> str:
        """Return the address of a read."""
        ...

    def record(self, id: str) -> str:
        """Return the address of a record; without an id, where new ones are sent."""
        ...

    def change(self, id: str, values: Mapping[str, Any]) -> tuple[str, str, object]:
        """Return method, address and body of a change of stage and note."""
        ...

    def essence(self, question: Question, body: Any) -> object:
        """Return what must be the same on every side."""
        ...

    def traces(self, id: str) -> str | None:
        """Return the address that shows the history of a record, where there is one."""
        ...


class ByHand:
    """The API of `plain.py` and `compiled_by_hand.py`."""

    def path(self, question: Question) -> str:
        if question.kind == "get":
            return self.record(question.id)
        if question.kind == "report":
            return f"/api/v1/reports/{question.report}"
        given = {
            "stage": question.stage, "source": question.source, "order": question.order, "search": question.search,
            "page": question.page if question.page > 1 else None, "count": "true" if question.count else None,
        }  # fmt: skip
        return f"/api/v1/leads?{query(given)}"

    def record(self, id: str) -> str:
        return f"/api/v1/leads/{id}" if id else "/api/v1/leads"

    def change(self, id: str, values: Mapping[str, Any]) -> tuple[str, str, object]:
        return "PATCH", self.record(id), values

    def essence(self, question: Question, body: Any) -> object:
        if question.kind == "get":
            return record_essence(body)
        if question.kind == "report":
            return sorted(
                [*(row[name] for name in ("team", "stage") if name in row), row["count"], row["amount"]]
                for row in body["rows"]
            )
        return [[record_essence(one) for one in body["items"]], body.get("count")]

    def traces(self, id: str) -> str | None:
        return None


def query(given: Mapping[str, object]) -> str:
    """Return the part of an address after the question mark; what is None is left out."""
    from urllib.parse import quote, urlencode

    return urlencode({name: value for name, value in given.items() if value is not None}, quote_via=quote)


def record_essence(body: Mapping[str, Any]) -> list[object]:
    """Return the common fields of a record, instants in one form."""
    found: list[object] = []
    for name in FIELDS:
        value = body.get(name)
        if name in INSTANTS and value is not None:
            value = datetime.fromisoformat(value).astimezone(UTC).isoformat()
        found.append(value)
    return found


def wire(method: str, path: str, who: Person, body: object = None, headers: str = "") -> bytes:
    """Return a request as it goes over the wire. The placeholders of `load` keep its length."""
    lines = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {who.secret}\r\n"
    lines += f"Accept: application/json\r\n{headers}"
    if body is None:
        return (lines + "\r\n").encode()
    text = json.dumps(body, ensure_ascii=False).encode()
    lines += f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return lines.encode() + text


# ---------------------------------------------------------------- asking once


def ask_once(server: Server, path: str, who: Person) -> tuple[int, str, bytes]:
    """Read once and return (status, ETag, raw body)."""
    headers = {"Authorization": f"Bearer {who.secret}", "Accept": "application/json"}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers.get("ETag", ""), response.read()
    finally:
        connection.close()


def checked_read(server: Server, side: Side, question: Question) -> tuple[Request, str]:
    """Ask once and return the request to repeat, with its exact body, and the digest of its essence.

    Raises:
        WrongAnswer: It was refused.
    """
    path = side.path(question)
    status, _, raw = ask_once(server, path, question.who)
    if status != 200:
        raise WrongAnswer(f"{server.what}: {status} for {path}: {raw[:500]!r}")
    essence = side.essence(question, json.loads(raw))
    digest = hashlib.sha256(json.dumps(essence, ensure_ascii=False).encode()).hexdigest()
    return Request((wire("GET", path, question.who),), 200, checksum(raw)), digest


# ---------------------------------------------------------------- the seven


@dataclass(frozen=True, slots=True)
class Ask:
    """One row of the table. `bars` are the most it may cost, as a share of another implementation's cost."""

    key: str
    title: str
    bars: Mapping[str, float]
    questions: Callable[[Data], list[Question]] | None = None
    write: Literal["create", "change"] | None = None


def _get_own(data: Data) -> list[Question]:
    dice = random.Random(SEED + 2)
    owners = {rep.id: rep for rep in data.reps}
    return [
        Question("get", owners[one.owner], id=one.id)
        for one in dice.sample(list(data.leads), min(400, len(data.leads)))
    ]


def _first_page(data: Data, *, count: bool = False) -> list[Question]:
    return [
        Question("list", rep, stage=stage, order="next_follow_up", count=count)
        for rep in data.reps
        for stage in ("new", "contacted")
    ]


def _largest(data: Data) -> list[Question]:
    pairs = (("new", "website"), ("new", "referral"), ("contacted", "website"), ("qualified", "website"))
    return [
        Question("list", data.admin, stage=stage, source=source, order="-amount") for stage, source in pairs
    ]


def _far_page(data: Data) -> list[Question]:
    page = max(2, min(FAR_PAGE, len(data.leads) * FAR_PAGE // 100_000))
    return [Question("list", data.admin, stage="new", source="website", order="-amount", page=page)]


def _reports(data: Data) -> list[Question]:
    return [
        Question("report", data.admin, report=name) for name in ("leads_by_stage", "leads_by_team_and_stage")
    ]


def _words(data: Data) -> list[Question]:
    return [Question("list", data.admin, search=words) for words in words_to_find(100)]


WRITES = {"compiled": 2.0, "compiled_history": 1.25}
ASKS = (
    Ask("R1", "get one own lead as rep", {"compiled": 1.5}, _get_own),
    Ask("R2", f"first {PAGE_SIZE} own leads of a stage by next follow-up", {"compiled": 1.5}, _first_page),
    Ask("R2c", "the same with the count", {"compiled": 1.5}, lambda data: _first_page(data, count=True)),
    Ask("R3", "all of a stage and source by amount descending, page 1", {"plain": 0.25}, _largest),
    Ask("R3p", f"the same, page {FAR_PAGE}", {"plain": 0.25}, _far_page),
    Ask("R6", "count and sum by stage; by team × stage, as admin", {"plain": 0.1}, _reports),
    Ask("R7", "name contains two Chinese characters, or part of a word", {"plain": 0.05}, _words),
    Ask("R4", "create with validation, history, events", WRITES, write="create"),
    Ask("R5", "change stage and note of an own lead, with history and events", WRITES, write="change"),
)
"""Reads first: what they must answer is worked out before anything is written."""


def spread(requests: Sequence[Request]) -> list[list[Request]]:
    """Give every connection all of the requests, each beginning at another one."""
    found = []
    for number in range(CONNECTIONS):
        shift = number * len(requests) // CONNECTIONS
        turned = [*requests[shift:], *requests[:shift]]
        found.append([Request(one.texts, one.status, one.checksum) for one in turned])
    return found


NEW_LEAD = {
    "phone": "+8613800138000", "email": "lead@example.com", "source": "referral", "score": 60, "amount": "12345.60",
    "next_follow_up": "2026-03-02T01:30:00Z", "note": "客户希望下周安排现场演示。 Asked for a quote.",
}  # fmt: skip


def creating(side: Side, data: Data) -> list[list[Request]]:
    """Return requests that make a new lead each time: every connection for another rep."""
    return [
        [
            Request(
                (wire("POST", side.record(""), rep, {"name": f"新线索 {NUMBER.decode()}", **NEW_LEAD}),), 201
            )
        ]
        for rep in data.reps[:CONNECTIONS]
    ]


CHANGES = (
    {"stage": "qualified", "note": "Budget is approved; waits for the security review."},
    {"stage": "contacted", "note": "预算已批，等待法务审核合同条款。"},
)


def leads_to_change(data: Data) -> list[tuple[Person, list[Lead]]]:
    """Return for each connection a rep and leads of theirs that are contacted now."""
    found = []
    for rep in data.reps[:CONNECTIONS]:
        own = [one for one in data.leads if one.owner == rep.id and one.stage == "contacted"]
        found.append((rep, own[:100]))
    return found


def changing(server: Server, side: Side, data: Data) -> list[list[Request]]:
    """Return requests that move leads to the next stage and back, each with the version it knows.

    Raises:
        WrongAnswer: A lead cannot be read.
    """
    connections = []
    for rep, own in leads_to_change(data):
        requests = []
        for one in own:
            path = side.record(one.id)
            status, etag, raw = ask_once(server, path, rep)
            if status != 200 or not etag:
                raise WrongAnswer(f"{server.what}: {status}, ETag {etag!r} for {path}: {raw[:500]!r}")
            texts = []
            for values in CHANGES:
                method, where, body = side.change(one.id, values)
                texts.append(wire(method, where, rep, body, f"If-Match: {VERSION.decode()}\r\n"))
            if json.loads(raw)["stage"] == CHANGES[0]["stage"]:
                texts.reverse()  # a round before ended halfway
            requests.append(Request(tuple(texts), 200, etag=etag.encode()))
        connections.append(requests)
    return connections


def check_created(server: Server, data: Data, location: str) -> None:
    """Look at the last lead that was created.

    Raises:
        WrongAnswer: It is not as it was sent.
    """
    path = location if location.startswith("/") else "/" + location.split("/", 3)[3]
    for rep in data.reps[:CONNECTIONS]:
        status, _, raw = ask_once(server, path, rep)
        if status == 200:
            body = json.loads(raw)
            kept = {name: body.get(name) for name in NEW_LEAD if name != "next_follow_up"}
            sent = {name: value for name, value in NEW_LEAD.items() if name != "next_follow_up"}
            if kept != sent or body.get("stage") != "new" or body.get("owner") != rep.id:
                raise WrongAnswer(f"{server.what}: created {body}")
            return
    raise WrongAnswer(f"{server.what}: nobody can read {location}")


def check_traces(server: Server, side: Side, data: Data) -> None:
    """See that changes have left their history, where the API shows it.

    Raises:
        WrongAnswer: There is none.
    """
    rep, own = leads_to_change(data)[0]
    path = side.traces(own[0].id)
    if path is None:
        return
    status, _, raw = ask_once(server, path, rep)
    if status != 200 or b"stage" not in raw:
        raise WrongAnswer(f"{server.what}: {status} for {path}: {raw[:500]!r}")
