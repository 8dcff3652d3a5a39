"""What was published stays as it was: the database itself refuses to change or delete it (CF-50)."""

from __future__ import annotations

import pytest
from fairlead.store import migrate, revisions
from fairlead.store.database import Database

NOW = "2026-05-06T04:00:00.000000Z"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sys_revision SET author = 'otto'",
        "DELETE FROM sys_revision",
        "UPDATE sys_revision_file SET path = 'admin/other.yaml'",
        "DELETE FROM sys_revision_file",
        "UPDATE sys_blob SET text = ''",
        "DELETE FROM sys_blob",
    ],
)
def test_cf_50_the_database_refuses_to_change_a_revision(database: Database, statement: str) -> None:
    migrate.prepare_system(database)
    with database.write() as tx:
        revisions.put(
            tx, {"fairlead.yaml": "name: a\n"}, author="ada", message=None, source="git", engine="1", now=NOW,
            result="{}", git_commit="3f2a+",
        )  # fmt: skip
    with pytest.raises(Exception, match="append-only"), database.write() as tx:
        tx.ddl(statement)
    kept = revisions.current(database)
    assert kept is not None and (kept.author, kept.git_commit) == ("ada", "3f2a+")
    assert revisions.files(database, 1) == {"fairlead.yaml": "name: a\n"}
    assert revisions.by_digest(database, kept.digest) == kept
