"""Kill applies at random moments: `python -m tools.fuzz.apply`; or time a rename on many rows with `--rename`.

After each kill the database is wholly that of the old or of the new revision, with every value, and the next apply
succeeds (lifecycle 4.11, scenario 9). A rename moves names and no rows, so a million of them take no longer than ten.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Sequence
from typing import get_args

from fairlead.config.source import SourceTree
from fairlead.store.database import Database
from fairlead.work import plan_report, planning, publishing

from bench.schema import Dialect
from bench.servers import place
from tests.life import interrupted

KILLS, ROWS = 200, 50_000
MANY_ROWS, RENAME_S = 1_000_000, 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print what came of it, and return 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--rename", action="store_true", help="time renames instead")
    parser.add_argument("--on", choices=get_args(Dialect), action="append", help="only this database")
    given = parser.parse_args(arguments)
    ok = True
    for dialect in given.on or get_args(Dialect):
        with place(dialect) as where:
            if given.rename:
                ok &= renames(dialect, where.fresh("renames"), given.rows or MANY_ROWS)
            else:
                kills(dialect, where.fresh("kills"), given.rows or ROWS, given.kills, given.seed)
    return 0 if ok else 1


def kills(dialect: str, url: str, rows: int, count: int, seed: int) -> None:
    """Kill `count` applies; a promise that is not kept is an assertion that fails."""
    begun = time.perf_counter()
    interrupted.prepare(url, rows)
    tally = interrupted.campaign(url, rows=rows, kills=count, seed=seed)
    print(
        f"{dialect}: killed {tally.kills} of applies on {rows:,} rows (seed {seed}): the old revision was whole "
        f"{tally.old} times, the new one {tally.new} times; {tally.too_late} had ended before; the next apply succeeded "
        f"every time; {time.perf_counter() - begun:.0f} s",
        flush=True,
    )


def renames(dialect: str, url: str, rows: int) -> bool:
    """Rename a field with an index and kept totals, two fields that change places, and the entity; print the times."""
    interrupted.prepare(url, rows)
    database = Database(url)
    files = dict(interrupted.OLD)
    lead = "schemas/lead.yaml"
    steps = {
        "an indexed field": {lead: files[lead].replace("  fax: {", "  telefax: {was: fax, ")},
        "a field that totals add up": {lead: files[lead].replace("  amount: {", "  worth: {was: amount, "),
                                       "admin/report.yaml": files["admin/report.yaml"].replace("sum: amount", "sum: worth")},
        "two fields that change places": {lead: files[lead].replace(
            "  code: {type: text, unique: true}\n  mark: {type: text}\n",
            "  mark: {type: text, unique: true, was: code}\n  code: {type: text, was: mark}\n")},
        "the entity": {
            lead: files[lead].replace("name: lead\n", "name: prospect\nwas: lead\n"),
            "admin/role.yaml": files["admin/role.yaml"].replace("lead:", "prospect:"),
            "admin/report.yaml": files["admin/report.yaml"].replace("entity: lead", "entity: prospect"),
        },
    }  # fmt: skip
    ok = True
    try:
        for what, changed in steps.items():
            plan = planning.plan(database, SourceTree.from_mapping({**files, **changed}))
            assert plan.grade == "safe", plan_report.render(plan)
            begun = time.perf_counter()
            done = publishing.apply(database, plan, author="ada")
            took = time.perf_counter() - begun
            ok &= took < RENAME_S
            print(
                f"{dialect}: {what}, {rows:,} rows: {took * 1000:.0f} ms, {len(plan.operations)} statements",
                flush=True,
            )
            publishing.apply(database, planning.plan_rollback(database, done.revision - 1), author="ada")
    finally:
        database.close()
    return ok


if __name__ == "__main__":
    raise SystemExit(main())
