"""Whether this installation is well, in numbers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

import fairlead
from fairlead.store import revisions
from fairlead.store.database import Database, Unavailable
from fairlead.store.statements import Once
from fairlead.store.system import job
from fairlead.work.applications import Applications, NothingPublished

_JOBS = Once(lambda _: sa.select(job.c.state, sa.func.count()).group_by(job.c.state))


def readiness(database: Database, applications: Applications) -> dict[str, Any]:
    """Return whether requests can be served, and why not."""
    try:
        number = revisions.current_number(database)
        app = applications.current()
    except Unavailable:
        return {"ready": False, "reason": "the database is away"}
    except NothingPublished:
        return {"ready": False, "reason": "nothing is published"}
    return {"ready": True, "revision": app.revision, "newest": number, "version": fairlead.__version__}


def metrics(database: Database, applications: Applications) -> str:
    """Return counts in the text form of Prometheus."""
    lines = ["# HELP fairlead_jobs Jobs by state", "# TYPE fairlead_jobs gauge"]
    lines += [
        f'fairlead_jobs{{state="{state}"}} {count}' for state, count in database.all(_JOBS.on(database))
    ]
    lines += [
        "# HELP fairlead_revision Revision in force", "# TYPE fairlead_revision gauge",
        f"fairlead_revision {applications.current().revision}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
