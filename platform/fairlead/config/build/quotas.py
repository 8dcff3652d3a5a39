"""Targets for people and teams, held against a measure of a report."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from fairlead.config.document import Node
from fairlead.config.link import Linker
from fairlead.model.governance import Report
from fairlead.model.quotas import QuotaPlan, Target

_FIELD = {"user": "owner", "team": "owner.team"}
_PERIODS = {"year": 4, "quarter": 7, "month": 7}


def build_quota(node: Node, linker: Linker, reports: dict[str, Report]) -> QuotaPlan | None:
    """Make the targets of one document; the report must have the measure, and tell whose a number is."""
    report = reports.get(linker.name("report", node.get("report")) or "")
    if report is None:
        return None
    names = [one.name for one in report.measures]
    part = node.get("measure")
    measure = names[0] if part is None else str(part.value)
    if part is not None and measure not in names:
        linker.unknown("measure", part, measure, names)
    by, per = node.text("by"), node.text("per")
    path = node.text("field", _FIELD[by])
    known = [".".join(one.path) for one in report.dimensions]
    if path not in known:
        where = node.get("field") or node.get("by") or node
        linker.unknown("dimension", where, path, known)
    if node.get("default") is None and node.get("targets") is None:
        linker.missing(node, "targets", "'targets' is missing: what should be reached? Or give a `default`")
    return QuotaPlan(
        name=node.document.name,
        span=node.span,
        label=node.label(name=node.document.name),
        report=report.name,
        measure=measure,
        by=cast(Any, by),
        field=path,
        per=cast(Any, per),
        default=None if node.get("default") is None else Decimal(str(cast(Node, node.get("default")).value)),
        targets=_targets(node, linker, per),
    )


def _targets(node: Node, linker: Linker, per: str) -> tuple[Target, ...]:
    made: dict[tuple[str, str | None], Target] = {}
    for part in node.each("targets"):
        period = part.maybe("period")
        where = part.get("period")
        if period is not None and where is not None and not _fits(period, per):
            linker.add("contradiction", where, f"{period} is not one {per}, which is what each target is for")
            continue
        target = Target(part.text("for"), period, Decimal(str(cast(Node, part.get("value")).value)))
        if (target.whose, period) in made:
            when = "every period" if period is None else period
            linker.add("duplicate_value", part, f"{target.whose!r} has a target for {when} already")
        made[target.whose, period] = target
    return tuple(made.values())


def _fits(period: str, per: str) -> bool:
    if per == "quarter":
        return "Q" in period
    return "Q" not in period and len(period) == _PERIODS[per]
