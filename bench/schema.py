"""The hand-written side: its tables, its input schema and its JSON, as an engineer writes them for one product.

Money is whole minor units and an instant is `timestamptz` on PostgreSQL. SQLite has no such type, so there an
instant is text in ISO form, which sorts as time does. `bench/workspace` says the same in Fairlead's language.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy.dialects import postgresql

Dialect = Literal["sqlite", "postgresql"]

STAGES = ("new", "contacted", "qualified", "proposal", "won", "lost")
SOURCES = ("website", "referral", "exhibition", "phone_call", "advert", "partner")
PAGE_SIZE = 50

metadata = sa.MetaData()
Instant = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")

user = sa.Table(
    "users", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
)  # fmt: skip

token = sa.Table(
    "tokens", metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)  # fmt: skip

lead = sa.Table(
    "leads", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("phone", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("score", sa.Integer),
    sa.Column("amount", sa.BigInteger),
    sa.Column("owner", sa.ForeignKey("users.id")),
    sa.Column("team", sa.Text),
    sa.Column("next_follow_up", Instant),
    sa.Column("note", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)  # fmt: skip

# What somebody adds who knows the page that a rep opens first. PostgreSQL puts empty values last unless told otherwise.
FOLLOW_UP_FIRST = lead.c.next_follow_up.asc().nulls_first()
sa.Index("ix_leads_owner_stage", lead.c.owner, lead.c.stage, lead.c.next_follow_up, lead.c.id).ddl_if(
    "sqlite"
)
sa.Index("ix_leads_owner_stage", lead.c.owner, lead.c.stage, FOLLOW_UP_FIRST, lead.c.id).ddl_if("postgresql")
sa.Index("ix_leads_stage", lead.c.stage)
sa.Index("ix_leads_source", lead.c.source)

history = sa.Table(
    "lead_history", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("lead_id", sa.Text, nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("changes", sa.Text, nullable=False),
)  # fmt: skip

event = sa.Table(
    "events", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("lead_id", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)  # fmt: skip


class LeadInput(Schema):
    """What a client may send."""

    class Meta:
        unknown = RAISE

    name = fields.String(required=True, validate=validate.Length(1, 120))
    phone = fields.String(allow_none=True, validate=validate.Regexp(r"^\+[0-9]{6,15}$"))
    email = fields.Email(allow_none=True)
    source = fields.String(allow_none=True, validate=validate.OneOf(SOURCES))
    stage = fields.String(validate=validate.OneOf(STAGES))
    score = fields.Integer(allow_none=True, validate=validate.Range(0, 100))
    amount = fields.Decimal(places=2, allow_none=True, validate=validate.Range(min=Decimal(0)))
    next_follow_up = fields.AwareDateTime(allow_none=True)
    note = fields.String(allow_none=True, validate=validate.Length(max=4000))


NEW_LEAD = LeadInput()
CHANGED_LEAD = LeadInput(partial=True)


def to_row(values: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Return validated input in the form the table keeps."""
    row = dict(values)
    if row.get("amount") is not None:
        row["amount"] = int(row["amount"].scaleb(2))
    if row.get("next_follow_up") is not None and dialect == "sqlite":
        row["next_follow_up"] = instant_text(row["next_follow_up"])
    return row


COLUMNS = tuple(str.__str__(column.name) for column in lead.c)  # orjson takes no subclass of str for a key


def to_json(row: Sequence[Any]) -> dict[str, Any]:
    """Return a row as clients see it; orjson writes the instants of PostgreSQL itself."""
    found = dict(zip(COLUMNS, row, strict=True))
    found["amount"] = amount_text(found["amount"])
    return found


def amount_text(minor: int | None) -> str | None:
    """Return `12.05` for 1205."""
    return None if minor is None else f"{minor // 100}.{minor % 100:02d}"


def instant_text(moment: datetime) -> str:
    """Return the text that SQLite keeps of an instant."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_for(dialect: Dialect) -> Callable[[], Any]:
    """Return a function that gives the present in the stored form."""
    if dialect == "sqlite":
        return lambda: instant_text(datetime.now(UTC))
    return lambda: datetime.now(UTC)


SQLITE_PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY",
    "cache_size=-32000", "mmap_size=268435456",
)  # fmt: skip
"""The same as Fairlead sets: neither side may win by promising less."""


def set_pragmas(connection: sqlite3.Connection) -> None:
    """Prepare a connection to SQLite."""
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
