"""Background work on the command line: look, retry, skip."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from fairlead.cli.common import FORMAT, WORKSPACE, author, show
from fairlead.cli.people import operator
from fairlead.store import jobs as store
from fairlead.store.jobs import Job, State
from fairlead.work import jobs as work


@click.group()
def jobs() -> None:
    """Look at background work; retry or skip what failed."""


@jobs.command("list")
@click.option("--state", type=click.Choice(get_args(State)), help="Only jobs in this state.")
@click.option("--record", "record_id", help="Only jobs of this record.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@FORMAT
@WORKSPACE
def list_jobs(state: State | None, record_id: str | None, limit: int, form: str, folder: Path) -> None:
    """List jobs, newest first, under the number of jobs in each state."""
    with operator(folder) as ctx:
        found = work.listing(ctx, state=state, record_id=record_id, limit=limit)
        counts = store.counts(ctx.database)
    if form == "json":
        show({
            "counts": [
                {"queue": queue, "state": name, "count": count} for (queue, name), (count, _) in counts.items()
            ],
            "jobs": [_as_json(job) for job in found],
        })  # fmt: skip
        return
    totals: dict[str, int] = {}
    for (_, name), (count, _) in counts.items():
        totals[name] = totals.get(name, 0) + count
    click.echo(", ".join(f"{count:,} {name}" for name, count in sorted(totals.items())) or "No jobs.")
    for job in found:
        what = f"{job.kind} {job.rule or ''}".strip()
        about = f"{job.entity or ''} {job.record_id or ''}".strip()
        click.echo(f"{job.id}  {job.state:<10} {job.created_at[:19]}  {what:<32} {about}")
        if job.error and job.state != "done":
            click.echo(f"    {job.error.strip().splitlines()[-1][:160]}")


@jobs.command("show")
@click.argument("job_id")
@FORMAT
@WORKSPACE
def show_job(job_id: str, form: str, folder: Path) -> None:
    """Show everything that is known of one job."""
    with operator(folder) as ctx:
        job = work.one(ctx, job_id)
    if form == "json":
        show(_as_json(job))
        return
    for key, value in _as_json(job).items():
        if value not in (None, "", [], {}):
            click.echo(f"{key:<14} {value}")


@jobs.command("retry")
@click.argument("job_ids", nargs=-1)
@click.option("--all-dead", is_flag=True, help="Every job that waits for a person.")
@WORKSPACE
def retry_jobs(job_ids: tuple[str, ...], all_dead: bool, folder: Path) -> None:
    """Run stuck jobs again, under the configuration in force."""
    if not job_ids and not all_dead:
        raise click.UsageError("Name the jobs, or say --all-dead.")
    with operator(folder) as ctx:
        count = work.retry_stuck(ctx) if all_dead else sum(work.retry(ctx, job_id) for job_id in job_ids)
    click.echo(f"{count} will run again.")
    if not all_dead and count < len(job_ids):
        raise click.ClickException("The others are not there, or are not stuck.")


@jobs.command("skip")
@click.argument("job_id")
@click.option("--same-error", is_flag=True, help="Every stuck job of the same rule with the same error too.")
@WORKSPACE
def skip_job(job_id: str, same_error: bool, folder: Path) -> None:
    """Say that a stuck or waiting job is not to be done."""
    with operator(folder) as ctx:
        count = work.skip(ctx, job_id, same_error=same_error, by=author())
    if not count:
        raise click.ClickException("It is not there, or it is done, or running.")
    click.echo(f"{count} skipped.")


def _as_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.id, "queue": job.queue, "kind": job.kind, "state": job.state, "rule": job.rule,
        "entity": job.entity, "record_id": job.record_id, "event_id": job.event_id, "attempts": job.attempts,
        "max_attempts": job.max_attempts, "created_at": job.created_at, "run_at": job.run_at,
        "finished_at": job.finished_at, "revision": job.revision, "chain": list(job.chain), "args": dict(job.args),
        "log": job.log, "error": job.error,
    }  # fmt: skip
