"""Why a plan cannot be carried out now: somebody else publishes, or has published, or the data have moved (CF-22, CF-30)."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.base.errors import Refused
from fairlead.base.texts import Label
from fairlead.compiled.changes import Change
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import revisions
from fairlead.store.database import Blocked, Database, Tx
from fairlead.store.publisher import Holder
from fairlead.work.differing import differences

SHOWN = 20
"""How many of the changes that came between are told."""


def busy(holder: Holder | None) -> Refused:
    """Return the refusal of a publisher who finds another one at work."""
    if holder is None:
        return Refused("plan.publishing", Label({
            "en": "Somebody else is publishing at this moment. Nothing was changed; try again shortly.",
            "zh": "当前有其他人正在发布配置。未作任何更改，请稍后重试。",
        }))  # fmt: skip
    return Refused(
        "plan.publishing",
        Label({
            "en": f"{holder.by} has been publishing since {holder.since}. Nothing was changed; try again when it is done.",
            "zh": f"{holder.by} 自 {holder.since} 起正在发布配置。未作任何更改，请在其完成后重试。",
        }),
        current={"by": holder.by, "since": holder.since},
    )  # fmt: skip


def stale(where: Database | Tx, base: int | None) -> Refused:
    """Return the refusal of a plan whose ground has moved, with what came between.

    Args:
        base: The revision that the plan was made on.
    """
    newest = revisions.current(where)
    if newest is None or newest.number <= (base or 0):
        last = (
            f" {newest.author} published revision {newest.number}, the newest, at {newest.at}."
            if newest
            else ""
        )
        last_zh = f"最新版本 {newest.number} 由 {newest.author} 于 {newest.at} 发布。" if newest else ""
        return Refused("plan.stale", Label({
            "en": "The plan was made for another state: the documents, the program or the tables of the database are not "
                  f"those it was made for, though no revision came since.{last} Make a new plan; `fairlead doctor` names "
                  "what does not belong in the database.",
            "zh": f"该计划所依据的状态已变化：文档、程序或数据库表与生成计划时不同（没有发布新版本）。{last_zh}请重新生成计划；"
                  "“fairlead doctor”会指出数据库中不应存在的内容。",
        }))  # fmt: skip
    between = [one for one in revisions.listing(where, limit=50) if one.number > (base or 0)]
    changes = _changes(where, base, newest.number)
    return Refused(
        "plan.stale",
        Label({
            "en": f"The plan was made for another state. {newest.author} published revision {newest.number} at "
                  f"{newest.at}. Make a new plan." + _told("\nSince your plan:", [one.line() for one in changes]),
            "zh": f"该计划所依据的状态已变化。{newest.author} 已于 {newest.at} 发布版本 {newest.number}。请重新生成计划。"
                  + _told("\n自您的计划以来：", [one.line("zh") for one in changes]),
        }),
        current={
            "revision": newest.number, "by": newest.author, "at": newest.at,
            "between": [
                {"number": one.number, "by": one.author, "at": one.at, "message": one.message}
                for one in reversed(between)
            ],
            "changes": [one.line() for one in changes],
        },
    )  # fmt: skip


def _changes(where: Database | Tx, base: int | None, newest: int) -> list[Change]:
    older, newer = (
        SourceTree.from_mapping(revisions.files(where, number) if number else {}) for number in (base, newest)
    )
    return differences(older, load(older), load(newer)) if newer.mapping() else []


def _told(before: str, changes: Sequence[str]) -> str:
    if not changes:
        return ""
    more = [f"… {len(changes) - SHOWN}"] if len(changes) > SHOWN else []
    return "\n  ".join([before, *changes[:SHOWN], *more])


def data_moved(changes: Sequence[Change]) -> Refused:
    """Return the refusal of a plan that the data of now no longer allow."""
    lines, in_chinese = ("\n".join(change.line(lang) for change in changes) for lang in ("en", "zh"))
    return Refused("plan.data-changed", Label({
        "en": f"Since the plan was made the data have changed, and this is no longer possible. Nothing was done:\n{lines}",
        "zh": f"生成计划后数据已发生变化，以下更改已无法执行。未作任何更改：\n{in_chinese}",
    }))  # fmt: skip


def held(error: Blocked) -> Refused:
    """Return the refusal of a publisher who waited too long for others."""
    return Refused("plan.held", Label({
        "en": f"Other work held the tables for too long ({str(error).splitlines()[0]}). Nothing was changed; try again, "
              "perhaps when a long report or export has ended.",
        "zh": "其他操作长时间占用相关数据表。未作任何更改，请在报表或导出结束后重试。",
    }), data={"retry_after_s": 10})  # fmt: skip
