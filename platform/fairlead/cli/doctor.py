"""Compare the database with the published configuration, and what is kept beside the records with the records."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fairlead.cli.common import FORMAT, WORKSPACE, author, show
from fairlead.cli.people import operator
from fairlead.work import doctor as work


@click.command()
@click.option(
    "--fix",
    is_flag=True,
    help="Put right what can be: tables and indexes, totals, search terms, loose locks.",
)
@click.option(
    "--repair",
    is_flag=True,
    help="The same, and make the tables what the configuration says; what does not belong is kept aside.",
)
@click.option(
    "--adopt", is_flag=True, help="Leave what does not belong in the database where it is, as known."
)
@click.option(
    "--sample", default=work.SAMPLE, show_default=True, type=click.IntRange(0, 100_000),
    help="How many of the newest records of each entity are worked out anew.",
)  # fmt: skip
@FORMAT
@WORKSPACE
def doctor(fix: bool, repair: bool, adopt: bool, sample: int, form: str, folder: Path) -> None:
    """Compare the database with the published configuration.

    Exit status 1 when something is wrong and was not put right. Notes are worth knowing and wrong in nothing.
    """
    if repair and adopt:
        raise click.UsageError(
            "Say --repair or --adopt: one takes away what does not belong, the other leaves it."
        )
    with operator(folder) as ctx:
        found = work.examine(ctx, sample=sample)
        if repair:
            found = work.repair(ctx, found, author=author())
        elif fix:
            found = work.mend(ctx, found)
        elif adopt:
            found = work.adopt(ctx, found)
        if (fix or repair) and any(one.code in ("structure", "engine-table", "type") for one in found):
            # The other checks could not run before the tables were whole.
            found += work.mend(ctx, work.examine(ctx, sample=sample))
    wrong = [one for one in found if one.level == "error" and not one.mended]
    if form == "json":
        show({"ok": not wrong, "findings": [one.to_json() for one in found]})
    else:
        for one in found:
            state = "mended" if one.mended else "note" if one.level == "note" else "wrong"
            click.echo(f"{state:<7} {one.message}")
        click.echo(_summary(found, len(wrong)))
    sys.exit(1 if wrong else 0)


def _summary(found: list[work.Finding], wrong: int) -> str:
    if not wrong:
        return "Everything agrees." if not found else "Nothing is wrong."
    mendable = sum(one.mend and not one.mended for one in found if one.level == "error")
    hint = f" `fairlead doctor --fix` can put {mendable} of them right." if mendable else ""
    return f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.{hint}"
