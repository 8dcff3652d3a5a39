"""Renaming, upgrading to a newer template, and where a value is from."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from fairlead.cli.common import FOLDER, FORMAT, WORKSPACE, house, shipped_root, show, tree
from fairlead.config import bundle
from fairlead.config.load import load
from fairlead.config.rename import CannotRename, target_of
from fairlead.config.rename import rename as rename_in
from fairlead.config.source import SETTINGS_FILE, SourceTree, shipped, shipped_templates, workspace_files
from fairlead.wiring import run_tests
from fairlead.work import plan_report, planning, revisions, upgrading
from fairlead.work.scenarios.run import Results


@click.command()
@click.argument("old")
@click.argument("new")
@WORKSPACE
@FORMAT
def rename(old: str, new: str, folder: Path, form: str) -> None:
    """Give OLD (such as entity.car.fields.colour) the name NEW, here and wherever it is spoken of.

    The definition gets `was:`, so that publishing keeps all data.
    """
    try:
        done = rename_in(tree(folder), target_of(old), new.rpartition(".")[2])
    except CannotRename as error:
        raise click.ClickException(str(error)) from error
    texts = done.tree.mapping()
    for path in done.changed:
        (folder / path).write_text(texts[path], encoding="utf-8", newline="")
    if form == "json":
        show({"files": list(done.changed), "places": done.places})
        return
    for path in done.changed:
        click.echo(f"  {path}")
    click.echo(f"Renamed in {done.places} places of {len(done.changed)} files. Next: fairlead plan {folder}")


@click.command()
@FOLDER
@FORMAT
@click.option(
    "--from", "source", default="shipped", show_default=True,
    help="Where the newer template is: shipped with this program, or a folder with its documents.",
)  # fmt: skip
def upgrade(folder: Path, form: str, source: str) -> None:
    """Bring the newer version of its template into the workspace in FOLDER; what is yours stays.

    What comes out is checked, the tests of the template and yours are run in memory, and where something is published
    the plan is shown, with what everybody gains and loses. Nothing is published.

    Exit 1 when there are conflicts (answer each file in conflicts/, then run it again) or when a test fails.
    """
    own = house(folder)
    try:
        done = upgrading.upgrade(folder, _newer(folder, source), own.database)
        bundle.write(folder)
    except upgrading.CannotMerge as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    merged = done.merged
    proof = _prove(folder) if done.written or done.deleted else Proof(None, None)
    if form == "json":
        show({
            "from": done.from_version, "to": done.to_version, "written": list(done.written), "deleted": list(done.deleted),
            "taken": merged.taken, "kept": merged.kept, "access": merged.access, "hints": merged.hints,
            "conflicts": list(done.conflicts),
            "tests": proof.results.to_json() if proof.results else None,
            "plan": plan_report.to_json(proof.plan) if proof.plan else None,
        })  # fmt: skip
    else:
        _tell(done, folder)
        if proof.results:
            click.echo(proof.results.render())
        if proof.plan:
            click.echo(plan_report.render(proof.plan))
    sys.exit(1 if done.conflicts or (proof.results is not None and not proof.results.passed) else 0)


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a merged workspace before anybody publishes it (CF-76)."""

    results: Results | None
    """None when it has no tests."""
    plan: planning.Plan | None
    """None when nothing is published yet."""


def _prove(folder: Path) -> Proof:
    documents = tree(folder)
    workspace = load(documents).workspace
    results = run_tests(workspace) if workspace is not None and workspace.tests else None
    own = house(folder)
    try:
        published = revisions.history(own.database, limit=1)
        return Proof(results, planning.plan(own.database, documents) if published else None)
    finally:
        own.close()


def _newer(folder: Path, source: str) -> SourceTree:
    if source != "shipped":
        return SourceTree.from_folder(Path(source))
    name = load(tree(folder)).settings.template
    if name not in shipped_templates(shipped_root()):
        raise click.ClickException(f"No template {name!r} is shipped; say --from FOLDER.")
    files = workspace_files(shipped(shipped_root(), name), "")
    del files[SETTINGS_FILE]
    return SourceTree.from_mapping({path: bundle.with_header(path, text) for path, text in files.items()})


def _tell(done: upgrading.Upgraded, folder: Path) -> None:
    merged = done.merged
    click.echo(f"Template {done.from_version or '?'} → {done.to_version or '?'}")
    for title, paths in (
        ("changes somebody's rights", merged.access),
        ("taken from the template", merged.taken),
        ("kept as you have it", merged.kept),
    ):
        if paths:
            click.echo(f"{title} ({len(paths)})")
            click.echo("\n".join(f"  {path}" for path in paths))
    for hint in merged.hints:
        click.echo(f"hint: {hint}")
    if done.conflicts:
        click.echo(
            f"{len(done.conflicts)} conflicts; nothing was changed. Write `take: yours` or `take: template` in"
        )
        click.echo("\n".join(f"  {path}" for path in done.conflicts))
        click.echo(f"and run `fairlead upgrade {folder}` again.")
    elif done.written or done.deleted:
        click.echo(
            f"{len(done.written)} files written, {len(done.deleted)} deleted. Next: fairlead plan {folder}"
        )
    else:
        click.echo("Nothing to do.")


@click.command()
@click.argument("path")
@WORKSPACE
@FORMAT
def origin(path: str, folder: Path, form: str) -> None:
    """Say where the value at PATH (such as entity.car.fields.colour.label) is from."""
    try:
        found = upgrading.origin(folder, path)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    number = None
    if found.source == "yours" and (folder / "var").is_dir():
        own = house(folder)
        try:
            number = next(revisions.blame(own.database, path)).revision.number
        except LookupError:
            number = None  # written, and not published yet
        finally:
            own.close()
    if form == "json":
        show({
            "source": found.source, "value": found.value, "template": found.template, "at": found.where or None,
            "revision": number,
        })  # fmt: skip
        return
    words = {"template": "from the template", "yours": "yours", "engine": "the engine's default"}[
        found.source
    ]
    if number is not None:
        words += f" since revision {number}"
    click.echo(words + (f", at {found.where}" if found.where else ""))
    if found.source == "yours" and found.template is not None:
        from fairlead.config import notation

        click.echo(f"The template has: {notation.one_line(found.template)}")
