"""Serve a workspace; serve a demonstration."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click

from fairlead.cli.common import WORKSPACE, author, house, settings, shipped_root, tree
from fairlead.cli.workspace import make_workspace
from fairlead.config.source import shipped_templates
from fairlead.settings import DEMO_PASSWORD
from fairlead.wiring import House, build
from fairlead.work import fitness, planning, publishing
from fairlead.work.applications import NothingPublished

HTTP_THREADS = 16


@click.command()
@WORKSPACE
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--threads", default=HTTP_THREADS, show_default=True, help="Requests served at once.")
@click.option("--no-jobs", is_flag=True, help="Leave background work to other processes.")
def serve(folder: Path, host: str, port: int, threads: int, no_jobs: bool) -> None:
    """Serve the screens and the API of a workspace, with background work in the same process."""
    own = house(folder)
    try:
        own.applications.refresh()
    except NothingPublished as error:
        own.close()
        raise click.ClickException(
            f"Nothing is published yet: run `fairlead apply {folder}` first."
        ) from error
    if found := fitness.misfits(own.database, own.applications.current()):
        click.echo(
            "The configuration is read-only until `fairlead doctor --repair`:\n  " + "\n  ".join(found),
            err=True,
        )
    click.echo(f"Fairlead serves {folder.absolute().name} at http://{host}:{port}")
    run(own, host, port, threads=threads, jobs=not no_jobs)


def run(own: House, host: str, port: int, *, threads: int, jobs: bool = True) -> None:
    """Serve until a signal says stop; what is under way is finished first."""
    import waitress

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    own.follow()
    if jobs:
        own.start_jobs()

    def stop(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    try:
        waitress.serve(
            own.web(), host=host, port=port, threads=threads, connection_limit=1000, ident=None, clear_untrusted_proxy_headers=True,
            channel_timeout=60, max_request_body_size=64 * 1024 * 1024, max_request_header_size=64 * 1024, backlog=1024,
        )  # fmt: skip
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen at {host}:{port}: {error.strerror}. Try --port with another number."
        ) from error
    finally:
        own.close()


@click.command()
@click.option("--template", default="general_sales", show_default=True, help="Which shipped template.")
@click.option("--host", default="127.0.0.1", hidden=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--threads", default=HTTP_THREADS, hidden=True)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Use this folder and keep it.")
def demo(template: str, host: str, port: int, threads: int, keep: Path | None) -> None:
    """Serve a throw-away workspace with demonstration people and records."""
    known = shipped_templates(shipped_root())
    if template not in known:
        raise click.UsageError(f"There is no template {template!r}. There are: {', '.join(known)}.")
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise click.UsageError("The demonstration has well-known passwords and only listens on this machine.")
    folder = keep or Path(tempfile.mkdtemp(prefix="fairlead-demo-"))
    try:
        own = make_demo(folder, template)
        click.echo(f"\nFairlead, template {template}: http://{host}:{port}")
        click.echo(f"Sign in as {', '.join(accounts())}; password {DEMO_PASSWORD}\n")
        sys.stdout.flush()
        run(own, host, port, threads=threads)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def accounts() -> list[str]:
    """Return the user names of the demonstration."""
    return ["admin", "manager", "manager2", "finance", *(f"rep{n}" for n in range(1, 7))]


def make_demo(folder: Path, template: str) -> House:
    """Make a workspace with demonstration data in `folder`, or open the one that is there."""
    from fairlead.work import demo as loading
    from fairlead.work.passwords import hash_password

    if (folder / "fairlead.yaml").exists():
        return build(settings(folder, demo=True))
    make_workspace(folder, template)
    own = build(settings(folder, demo=True))
    publishing.apply(
        own.database,
        planning.plan(own.database, tree(folder)),
        author=author(),
        message="The demonstration",
    )
    source = shipped_root() / "admin" / template / "demo"
    loading.load_demo(
        own.database, own.applications.refresh(), (source / "people.yaml").read_text(encoding="utf-8"),
        (source / "records.yaml").read_text(encoding="utf-8"), password_hash=hash_password(DEMO_PASSWORD),
    )  # fmt: skip
    return own
