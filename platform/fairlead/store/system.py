"""The engine's own tables. They are the same in every workspace; entities' tables are in `compiled.tables`.

Instants are text in the one stored form (`base.clock.iso_utc`), which sorts as time does; ids are ordered texts
(`base.ids.new_id`); structured values are JSON text.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, MetaData, Table, UniqueConstraint, text

from fairlead.fields.columns import BIGINT, BOOLEAN, TEXT

system = MetaData()


def _id() -> Column[str]:
    return Column("id", TEXT, primary_key=True)


def _text(name: str, *, required: bool = False) -> Column[str]:
    return Column(name, TEXT, nullable=not required)


def _int(name: str, *, default: int | None = None) -> Column[int]:
    if default is None:
        return Column(name, BIGINT)
    return Column(name, BIGINT, nullable=False, server_default=text(str(default)))


setting = Table("sys_setting", system, Column("key", TEXT, primary_key=True), _text("value", required=True))

user = Table(
    "sys_user", system, _id(),
    _text("username", required=True), _text("name", required=True), _text("name_zh"), _text("email"),
    _text("password_hash"), _text("language"), _text("zone"), _text("theme"),
    Column("active", BOOLEAN, nullable=False),
    _text("roles", required=True),  # JSON list of role names: read with the session, never joined
    _text("manager_id"),  # stands in for the head of the team where given
    _text("created_at", required=True),
    Index("ix_user_username", "username", unique=True),
)  # fmt: skip

team = Table(
    "sys_team", system, _id(), _text("code", required=True), _text("name", required=True), _text("name_zh"),
    _text("parent_id"), _text("head_id"),
    Index("ix_team_code", "code", unique=True),
)  # fmt: skip

membership = Table(
    "sys_membership", system,
    Column("user_id", TEXT, primary_key=True), Column("team_id", TEXT, primary_key=True),
    Column("is_primary", BOOLEAN, nullable=False),
    Index("ix_membership_team", "team_id"),
)  # fmt: skip

team_tree = Table(  # closure: every team with each of its descendants and itself (depth 0)
    "sys_team_tree", system,
    Column("ancestor_id", TEXT, primary_key=True), Column("team_id", TEXT, primary_key=True), _int("depth", default=0),
)  # fmt: skip

oversight = Table(  # who oversees which team: heads, for their team and all below; kept with the tree
    "sys_oversight", system,
    Column("user_id", TEXT, primary_key=True), Column("team_id", TEXT, primary_key=True),
)  # fmt: skip

session = Table(
    "sys_session", system,
    Column("hash", TEXT, primary_key=True), _text("user_id", required=True), _text("kind", required=True),
    _text("name"), _text("csrf"), _text("created_at", required=True), _text("expires_at", required=True),
    _text("last_used_at"), _text("public_id", required=True),
    Index("ix_session_user", "user_id"), Index("ix_session_public", "public_id", unique=True),
)  # fmt: skip
"""Browser sign-ins (`kind` web) and API tokens (`kind` token) alike; only a hash of the secret is kept."""

attempt = Table(
    "sys_attempt", system,
    Column("key", TEXT, primary_key=True), Column("period", TEXT, primary_key=True), _int("count", default=0),
)  # fmt: skip

blob = Table("sys_blob", system, Column("digest", TEXT, primary_key=True), _text("text", required=True))

revision = Table(
    "sys_revision", system,
    Column("number", BIGINT, primary_key=True, autoincrement=False), _text("digest", required=True),
    _text("at", required=True), _text("author", required=True), _text("message"), _text("source", required=True),
    _text("plan"), _text("engine", required=True), _text("identities"), _text("result"), _text("git_commit"),
)  # fmt: skip

revision_file = Table(
    "sys_revision_file", system,
    Column("revision", BIGINT, primary_key=True), Column("path", TEXT, primary_key=True), _text("digest", required=True),
)  # fmt: skip

kept = Table(
    "sys_kept", system, _id(),
    _text("name", required=True), _text("table_name", required=True), _text("column_name"),
    _text("reason", required=True), Column("revision", BIGINT, nullable=False), _text("at", required=True),
    _text("author", required=True), Column("restored_in", BIGINT), _text("purged_at"), _text("purged_by"),
)  # fmt: skip
"""What no document names any more and is kept aside, under which name, since when; and what became of it."""

event = Table(
    "sys_event", system, _id(),
    _text("at", required=True), _text("entity", required=True), _text("record_id", required=True), _int("version"),
    _text("kind", required=True),  # create update delete restore move claim release assign reclaim submit approve ...
    _text("changes"),  # JSON {field: [old, new]} in stored form
    _text("actor"), _text("door", required=True), _int("revision"), _text("reason"),
    _text("cause"), _int("depth", default=0), _text("chain"),
    Index("ix_event_record", "record_id", "id"), Index("ix_event_kind", "entity", "kind", "id"),
)  # fmt: skip
"""What happened to records: history and outbox in one row, written in the transaction of the change."""

stage_visit = Table(
    "sys_stage_visit", system, _id(),
    _text("entity", required=True), _text("record_id", required=True), _text("stage", required=True),
    _text("entered_at", required=True), _text("left_at"), _text("by"), _text("reason"),
    Index("ix_visit_record", "record_id", "id"),
    Index("ix_visit_open", "record_id", sqlite_where=text("left_at IS NULL"), postgresql_where=text("left_at IS NULL")),
    Index("ix_visit_stage", "entity", "stage", "entered_at"),
)  # fmt: skip

ownership_event = Table(
    "sys_ownership_event", system, _id(),
    _text("entity", required=True), _text("record_id", required=True), _text("kind", required=True),
    _text("from_owner"), _text("to_owner"), _text("pool"), _text("rule"), _text("reason"),
    _text("at", required=True), _text("actor"), _text("idempotency_key"),
    Index("ix_ownership_record", "record_id", "id"), Index("ix_ownership_to", "to_owner", "kind", "at"),
    Index("ix_ownership_key", "actor", "idempotency_key", unique=True, sqlite_where=text("idempotency_key IS NOT NULL"),
          postgresql_where=text("idempotency_key IS NOT NULL")),
)  # fmt: skip

claim_counter = Table(
    "sys_claim_counter", system,
    Column("user_id", TEXT, primary_key=True), Column("pool", TEXT, primary_key=True),
    Column("period", TEXT, primary_key=True), _int("used", default=0),
)  # fmt: skip
"""Claims used in a period. The row with period '' is the lock that serialises one person's claims and assignments."""

cooldown = Table(
    "sys_cooldown", system,
    Column("record_id", TEXT, primary_key=True), Column("user_id", TEXT, primary_key=True), _text("until", required=True),
)  # fmt: skip

approval = Table(
    "sys_approval", system, _id(),
    _text("flow", required=True), _text("entity", required=True), _text("record_id", required=True),
    _text("state", required=True), _int("round", default=1), _text("step"), _text("starter", required=True),
    _text("started_at", required=True), _text("ended_at"), _int("revision"), _text("decisive_hash"), _text("snapshot"),
    _int("record_version"), _text("previous"), _text("reason"), _int("version", default=1), _text("title"),
    Index("ix_approval_record", "record_id", "flow"), Index("ix_approval_starter", "starter", "state"),
    Index("ix_approval_live", "entity", "record_id", "flow", unique=True,
          sqlite_where=text("state IN ('running', 'returned', 'suspended')"),
          postgresql_where=text("state IN ('running', 'returned', 'suspended')")),
)  # fmt: skip

task = Table(
    "sys_task", system, _id(),
    Column("approval_id", TEXT, ForeignKey("sys_approval.id"), nullable=False),
    _text("step", required=True), _int("round", default=1), _int("position", default=0), _int("weight", default=1),
    _text("original", required=True), _text("holder"), _text("state", required=True), _int("version", default=1),
    _text("opened_at"), _text("decided_at"), _text("due_at"), _text("reminded_at"), _text("actor"),
    _text("on_behalf_of"), _text("comment"), _text("why"), _text("changes"), _text("channel"),
    Index("ix_task_approval", "approval_id", "id"), Index("ix_task_holder", "holder", "state", "opened_at"),
    Index("ix_task_due", "due_at", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    Index("ix_task_decided", "decided_at"),
)  # fmt: skip

approval_event = Table(
    "sys_approval_event", system, _id(),
    _text("approval_id", required=True), _text("at", required=True), _text("actor"), _text("on_behalf_of"),
    _text("kind", required=True), _text("from_state"), _text("to_state"), _text("step"), _int("round"), _text("task_id"),
    _text("note"), _text("data"), _text("previous_hash"), _text("hash", required=True),
    Index("ix_approval_event", "approval_id", "id"),
)  # fmt: skip

job = Table(
    "sys_job", system, _id(),
    _text("queue", required=True), _text("kind", required=True), _text("args", required=True),
    _text("state", required=True), _text("run_at", required=True), _int("attempts", default=0),
    _int("max_attempts", default=8), _text("lease"), _text("lease_until"), _text("error"),
    _text("created_at", required=True), _text("finished_at"), _text("event_id"), _text("rule"), _text("entity"),
    _text("record_id"), _int("done_steps", default=0), _int("revision"), _int("depth", default=0), _text("chain"),
    _text("order_key"), _text("unique_key"), _text("log"),
    Index("ix_job_due", "state", "queue", "run_at", "id"), Index("ix_job_record", "record_id"),
    # Only what is not finished: years of finished runs must not slow the question "is one before me?".
    Index("ix_job_order", "order_key", "id", sqlite_where=text("state IN ('ready', 'running')"),
          postgresql_where=text("state IN ('ready', 'running')")),
    Index("ix_job_unique", "unique_key", unique=True, sqlite_where=text("unique_key IS NOT NULL"),
          postgresql_where=text("unique_key IS NOT NULL")),
)  # fmt: skip

occurrence = Table(
    "sys_occurrence", system, _id(),
    _text("rule", required=True), _text("record_id", required=True), _text("entity"), _text("key", required=True),
    _text("fire_at", required=True), _text("state", required=True), _text("fired_at"), _text("result"),
    UniqueConstraint("rule", "record_id", "key", name="uq_occurrence"), Index("ix_occurrence_due", "state", "fire_at"),
    Index("ix_occurrence_record", "record_id", "rule"),
)  # fmt: skip

notification = Table(
    "sys_notification", system, _id(),
    _text("user_id", required=True), _text("at", required=True), _text("kind", required=True),
    _text("text", required=True),  # JSON {en:, zh:}
    _text("entity"), _text("record_id"), _text("link"), _text("read_at"), _text("unique_key"),
    Index("ix_notification_user", "user_id", "id"),
    Index("ix_notification_unread", "user_id", sqlite_where=text("read_at IS NULL"),
          postgresql_where=text("read_at IS NULL")),
    Index("ix_notification_unique", "unique_key", unique=True, sqlite_where=text("unique_key IS NOT NULL"),
          postgresql_where=text("unique_key IS NOT NULL")),
)  # fmt: skip

idempotency = Table(
    "sys_idempotency", system,
    Column("user_id", TEXT, primary_key=True), Column("key", TEXT, primary_key=True),
    _text("fingerprint", required=True), _int("status"), _text("headers"), _text("body"), _text("at", required=True),
)  # fmt: skip

sequence = Table(
    "sys_sequence", system,
    Column("name", TEXT, primary_key=True), Column("period", TEXT, primary_key=True), _int("value", default=0),
)  # fmt: skip
