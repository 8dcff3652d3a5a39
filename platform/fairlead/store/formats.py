"""The format of a database: a number that is raised when an older program could not work with it safely."""

from __future__ import annotations

import json

import sqlalchemy as sa

import fairlead
from fairlead.base.errors import Refused
from fairlead.base.texts import Label
from fairlead.compiled.statement import prepare
from fairlead.store import settings
from fairlead.store.database import Database, Tx

FORMAT = 1
"""The format that this program makes, and the newest that it works with."""

_KEY = "format"


def assure_known(where: Database | Tx) -> None:
    """Refuse a database that a newer program has made; nothing is written (acceptance 15).

    Raises:
        Refused: With both programs' versions.
    """
    if not _is_there(where):
        return
    kept = settings.get(where, _KEY)
    found = json.loads(kept) if kept else {}
    if found.get("format", FORMAT) <= FORMAT:
        return
    own, newer = fairlead.__version__, found.get("engine", "?")
    raise Refused("workspace.too-new", Label({
        "en": f"This workspace's database was written by Fairlead {newer} (format {found['format']}). This is Fairlead "
              f"{own}, which works with formats up to {FORMAT}; nothing was touched. Install Fairlead {newer} or newer.",
        "zh": f"此工作区的数据库由 Fairlead {newer} 写入（格式 {found['format']}）。当前程序为 Fairlead {own}，"
              f"最高支持格式 {FORMAT}；未作任何改动。请安装 Fairlead {newer} 或更新版本。",
    }), data={"format": found["format"], "engine": newer})  # fmt: skip


def note(tx: Tx) -> None:
    """Keep which format the database has now and which program made it."""
    settings.put(tx, _KEY, json.dumps({"format": FORMAT, "engine": fairlead.__version__}))


def _is_there(where: Database | Tx) -> bool:
    if where.dialect == "sqlite":
        found = where.one(
            prepare(sa.text("SELECT 1 FROM sqlite_master WHERE name = 'sys_setting'"), "sqlite")
        )
    else:
        found = where.one(
            prepare(sa.text("SELECT 1 WHERE to_regclass('sys_setting') IS NOT NULL"), "postgresql")
        )
    return found is not None
