"""Records from files: through the rules that every door keeps, in batches, with nothing lost in silence.

A row that cannot be taken goes into a file of its own, with its line and the reason; mended, that file is imported
like any other, and what was taken before is recognised by its key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from fairlead.base.errors import Invalid
from fairlead.base.texts import did_you_mean
from fairlead.fields.kind import both
from fairlead.model.workflows import Connector
from fairlead.work import mapping, sheets
from fairlead.work.context import Context
from fairlead.work.import_outcome import (
    OnExisting,
    Outcome,
    Progress,
    Quarantine,
    ReasonCount,
    Summary,
    Taker,
)
from fairlead.work.import_people import PeopleImport
from fairlead.work.import_records import RecordImport

BATCH = 500
"""Rows of one transaction."""


def import_file(
    ctx: Context,
    entity: str,
    file: Path,
    *,
    connector: str | None = None,
    dry_run: bool = False,
    errors: Path | None = None,
    key: tuple[str, ...] = (),
    on_existing: OnExisting | None = None,
    skip: Sequence[str] = (),
    sheet: str | None = None,
    batch: int = BATCH,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Import the rows of a CSV or XLSX file as records of `entity`, or as people (`user`) or teams (`team`).

    Each batch is one transaction. When the process dies, whole batches are there and the rest is not; the same file
    imported again recognises what is there by its key.

    Args:
        ctx: On whose behalf; the door is `import` whatever it was.
        entity: What the rows become.
        file: CSV or XLSX.
        connector: The name of a mapping document; without one, columns are matched by names and labels of fields.
        dry_run: Say what would happen, write nothing.
        errors: Where the rows go that are not taken; None only counts them.
        key: Without a connector: the fields by which a row is recognised. A unique field stands in.
        on_existing: What happens to a row that is there already; the connector's word otherwise, else `skip`.
        skip: Without a connector: titles of columns not to be read.
        sheet: Of a workbook; the first one otherwise.
        batch: How many rows go into one transaction.
        progress: Called after each batch.

    Raises:
        NotFound: There is no such entity for this actor.
        Forbidden: The actor may not import it.
        Invalid: The file or its columns do not fit; nothing was imported.
    """
    ctx = replace(ctx, door="import", _memo={})
    document = _connector(ctx, entity, connector)
    begun = time.monotonic()
    made = PeopleImport if entity in ("user", "team") else RecordImport
    taker: Taker = made(ctx, entity, dry_run=dry_run)
    found = sheets.open_sheet(file, encoding=document.encoding if document else "auto", name=sheet)
    zone = ZoneInfo(ctx.app.workspace.zone if ctx.actor.is_system else ctx.actor.zone)
    if document is not None:
        rows = mapping.from_connector(taker.target, document, found.header, zone)
    else:
        rows = mapping.from_titles(taker.target, found.header, zone, key=key, skip=skip)
    taker.begin(rows, on_existing or (document.on_existing if document else "skip"))
    summary = Summary(entity, file.name, found.count, dry_run, unused_columns=rows.unused)
    quarantine = Quarantine(errors, found.header, ctx.actor.language)
    with ExitStack() as stack:
        stack.callback(quarantine.close)
        source = found.rows(rows.patterns())
        while chunk := list(islice(source, batch)):
            _count(summary, quarantine, taker.take(chunk))
            if progress is not None:
                progress(Progress(summary.done, summary.total, summary.quarantined))
    summary.errors_file = quarantine.close()
    summary.seconds = time.monotonic() - begun
    return summary


def _connector(ctx: Context, entity: str, name: str | None) -> Connector | None:
    if name is None:
        return None
    known = ctx.app.workspace.connectors
    found = known.get(name)
    if found is None or found.entity != entity:
        fitting = sorted(one.name for one in known.values() if one.entity == entity)
        hint = did_you_mean(name, fitting)
        message = both(
            "There is no mapping {name} for {entity}." + (" Did you mean {hint}?" if hint else ""),
            "“{entity}”没有名为“{name}”的映射。",
        ).format(name=repr(name), entity=entity, hint=repr(hint))
        raise Invalid.field("mapping", "unknown_connector", message)
    return found


def _count(summary: Summary, quarantine: Quarantine, outcome: Outcome) -> None:
    summary.created += outcome.created
    summary.updated += outcome.updated
    summary.unchanged += outcome.unchanged
    summary.skipped += outcome.skipped
    summary.also_created.update(outcome.also_created)
    for row, reasons in sorted(outcome.rejected, key=lambda one: one[0][0]):
        summary.quarantined += 1
        quarantine.add(row, reasons)
        for reason in reasons:
            known = summary.reasons.get((reason.field, reason.code))
            if known is None:
                summary.reasons[reason.field, reason.code] = ReasonCount(
                    reason.field, reason.code, reason.message, 1, row[0]
                )
            else:
                known.count += 1
