"""Do the tables fit the published configuration? Where they do not, records are served and nothing is published (CF-52)."""

from __future__ import annotations

from fairlead.base.errors import Refused
from fairlead.base.texts import Label
from fairlead.compiled.application import Application
from fairlead.store import drift
from fairlead.store.database import Database


def misfits(database: Database, app: Application) -> list[str]:
    """Return a sentence for everything that `app` needs and that is missing or of another type."""
    return [one.message for one in drift.look(database, app) if one.hurts]


def assure_fit(database: Database, app: Application) -> None:
    """Let a running server publish only onto tables that are what its configuration says.

    The command line may publish all the same: its plan shows what it would make whole.

    Raises:
        Refused: They are not; the configuration is read-only until they are.
    """
    found = misfits(database, app)
    if found:
        lines = "\n".join(found)
        raise Refused("config.read-only", Label({
            "en": "The tables are not what the published configuration says, so it is read-only here. An operator can "
                  f"look with `fairlead doctor` and mend with `fairlead doctor --repair`:\n{lines}",
            "zh": "数据库表与已发布的配置不一致，配置目前为只读。请运维人员使用“fairlead doctor”检查，"
                  f"并用“fairlead doctor --repair”修复：\n{lines}",
        }), data={"findings": found})  # fmt: skip
