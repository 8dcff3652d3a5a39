"""Published configurations: the text of every file, kept by its content, and who published it why."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.compiled.statement import DialectName
from fairlead.store import formats
from fairlead.store.append_only import refusals
from fairlead.store.database import Tx
from fairlead.store.statements import Once, Reads, insert_all, n, p
from fairlead.store.system import blob, revision, revision_file


@dataclass(frozen=True, slots=True)
class Revision:
    """One published configuration; immutable."""

    number: int
    digest: str
    at: str
    author: str
    message: str | None
    source: str
    """How it came: `cli`, `git`, `studio`, `api`, `rollback`."""
    engine: str
    plan: str | None
    """The plan that was confirmed, as JSON text."""
    identities: str | None
    result: str | None
    """What carrying it out did, as JSON text; None in revisions of earlier versions of the program."""
    git_commit: str | None
    """The commit of the folder it was published from; a `+` behind it when files had been changed since."""


_COLUMNS = (
    revision.c.number, revision.c.digest, revision.c.at, revision.c.author, revision.c.message,
    revision.c.source, revision.c.engine, revision.c.plan, revision.c.identities, revision.c.result,
    revision.c.git_commit,
)  # fmt: skip

_CURRENT = Once(lambda _: sa.select(*_COLUMNS).order_by(revision.c.number.desc()).limit(1))
_CURRENT_NUMBER = Once(lambda _: sa.select(sa.func.max(revision.c.number)))
_BY_NUMBER = Once(lambda _: sa.select(*_COLUMNS).where(revision.c.number == n("number")))
_LIST = Once(
    lambda _: (
        sa.select(*_COLUMNS)
        .where(revision.c.number < n("before"))
        .order_by(revision.c.number.desc())
        .limit(n("limit"))
    )
)
_FILES = Once(
    lambda _: (
        sa.select(revision_file.c.path, blob.c.text)
        .join(blob, blob.c.digest == revision_file.c.digest)
        .where(revision_file.c.revision == n("number"))
        .order_by(revision_file.c.path)
    )
)
_DIGESTS = Once(
    lambda _: (
        sa.select(revision_file.c.path, revision_file.c.digest)
        .where(revision_file.c.revision == n("number"))
        .order_by(revision_file.c.path)
    )
)
_TEXT = Once(lambda _: sa.select(blob.c.text).where(blob.c.digest == p("digest")))
_BY_DIGEST = Once(
    lambda _: (
        sa.select(*_COLUMNS)
        .where(revision.c.digest == p("digest"))
        .order_by(revision.c.number.desc())
        .limit(1)
    )
)
_ADD = Once(lambda d: insert_all(revision, d))
_ADD_FILE = Once(lambda d: insert_all(revision_file, d))
_ADD_BLOB = Once(lambda d: insert_all(blob, d, skip_duplicates=True))


PUBLISHING = 746_579
"""The advisory lock of PostgreSQL that a publisher holds alone, and writers share who must not straddle a publication."""


def text_digest(text: str) -> str:
    """Return the name under which a file's text is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def tree_digest(files: Mapping[str, str]) -> str:
    """Return one digest for a whole tree: the same paths with the same texts give the same one."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path}\0{text_digest(files[path])}\n".encode())
    return total.hexdigest()


def put(
    tx: Tx,
    files: Mapping[str, str],
    *,
    author: str,
    message: str | None,
    source: str,
    engine: str,
    now: str,
    plan: str | None = None,
    identities: str | None = None,
    result: str | None = None,
    git_commit: str | None = None,
) -> int:
    """Keep a tree of files as the next revision and return its number.

    Args:
        files: Path to text.
        engine: The version of the program that compiled it.

    Raises:
        Duplicate: Somebody else took the number at the same moment.
        Refused: A newer program has taken the database over meanwhile.
    """
    formats.assure_known(tx)
    number = (current_number(tx) or 0) + 1
    tx.run(
        _ADD.on(tx),
        {
            "number": number, "digest": tree_digest(files), "at": now, "author": author, "message": message,
            "source": source, "plan": plan, "engine": engine, "identities": identities,
            "result": result, "git_commit": git_commit,
        },
    )  # fmt: skip
    by_digest = {text_digest(text): text for text in files.values()}
    if files:
        # In one order, so that two transactions that keep the same texts cannot wait for each other.
        tx.run_many(_ADD_BLOB.on(tx), [{"digest": key, "text": by_digest[key]} for key in sorted(by_digest)])
        tx.run_many(
            _ADD_FILE.on(tx),
            [
                {"revision": number, "path": path, "digest": text_digest(files[path])}
                for path in sorted(files)
            ],
        )
    return number


def append_only(dialect: DialectName) -> tuple[str, ...]:
    """Return the statements that make the database itself refuse to change or delete what was published (CF-50)."""
    return tuple(
        statement for table in (revision, revision_file, blob) for statement in refusals(table, dialect)
    )


def current(where: Reads) -> Revision | None:
    """Return the newest revision; None before the first."""
    row = where.one(_CURRENT.on(where))
    return Revision(*row) if row else None


def current_number(where: Reads) -> int | None:
    """Return the number of the newest revision: cheap enough to ask at every request."""
    row = where.one(_CURRENT_NUMBER.on(where))
    return None if row is None or row[0] is None else int(row[0])


def by_number(where: Reads, number: int) -> Revision | None:
    """Return one revision."""
    row = where.one(_BY_NUMBER.on(where), {"number": number})
    return Revision(*row) if row else None


def listing(where: Reads, *, before: int | None = None, limit: int = 50) -> list[Revision]:
    """Return revisions, newest first, those before `before` only."""
    rows = where.all(_LIST.on(where), {"before": before or 2**62, "limit": limit})
    return [Revision(*row) for row in rows]


def files(where: Reads, number: int) -> dict[str, str]:
    """Return path to text of one revision; empty when there is no such revision."""
    return dict(tuple(row) for row in where.all(_FILES.on(where), {"number": number}))


def by_digest(where: Reads, digest: str) -> Revision | None:
    """Return the newest revision with exactly these documents."""
    row = where.one(_BY_DIGEST.on(where), {"digest": digest})
    return Revision(*row) if row else None


def file_digests(where: Reads, number: int) -> dict[str, str]:
    """Return path to digest of the text of one revision; empty when there is no such revision."""
    return dict(tuple(row) for row in where.all(_DIGESTS.on(where), {"number": number}))


def text(where: Reads, digest: str) -> str:
    """Return a text by its digest.

    Raises:
        LookupError: No revision has such a file.
    """
    row = where.one(_TEXT.on(where), {"digest": digest})
    if row is None:
        raise LookupError(digest)
    return str(row[0])
