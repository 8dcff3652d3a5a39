"""The life of a configuration on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from fairlead.base.errors import Refused
from fairlead.cli.common import FOLDER, FORMAT, WORKSPACE, author, house, shipped_root, show, tree
from fairlead.cli.provenance import Provenance, provenance
from fairlead.cli.standing import ONLY, refusal, remember, selected, selection_json, tell_selection
from fairlead.config import bundle, formats
from fairlead.config.load import load
from fairlead.config.source import shipped, shipped_templates, workspace_files
from fairlead.work import plan_report, planning, publishing
from fairlead.work.upgrading import keep_base


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--template", default="general_sales", show_default=True, help="Which shipped template to begin with."
)
def new(folder: Path, template: str) -> None:
    """Make a new workspace in FOLDER from a shipped template."""
    known = shipped_templates(shipped_root())
    if template not in known:
        raise click.UsageError(f"There is no template {template!r}. There are: {', '.join(known)}.")
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty.")
    make_workspace(folder, template)
    click.echo(f"Made {folder} from {template}. Next: fairlead check {folder} && fairlead apply {folder}")


def make_workspace(folder: Path, template: str) -> None:
    """Write the documents of a shipped template into a new folder."""
    documents = shipped(shipped_root(), template)
    version = load(documents).settings.template_version
    settings = f"name: {template}\nformat: {formats.FORMAT}\ntemplate: {template}\n"
    if version is not None:
        settings += f'template_version: "{version}"\n'
    files = workspace_files(documents, settings)
    files = {path: bundle.with_header(path, text) for path, text in files.items()}
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    keep_base(folder, files)
    bundle.write(folder)
    (folder / ".gitignore").write_text("var/\n", encoding="utf-8")


@click.command()
@FOLDER
@FORMAT
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the plan, sealed, for `fairlead apply FILE`.",
)
@ONLY
def plan(folder: Path, form: str, out: Path | None, only: tuple[str, ...]) -> None:
    """Show what publishing the workspace in FOLDER would change, and what data it touches."""
    own = house(folder)
    try:
        documents = tree(folder)
        selection = selected(own.database, documents, only)
        found = planning.plan(own.database, selection.tree if selection else documents)
        behind = refusal(own.database, folder, documents)
    except planning.Broken as error:
        click.echo(error.problems.render(), err=True)
        sys.exit(1)
    finally:
        own.close()
    if out is not None and behind is not None:
        raise behind
    if out is not None:
        out.write_text(
            json.dumps({**plan_report.to_json(found), "workspace": str(folder)}, ensure_ascii=False),
            encoding="utf-8",
        )
    if form == "json":
        show({
            **plan_report.to_json(found),
            "selection": selection_json(selection),
            "refused": behind.message() if behind else None,
        })  # fmt: skip
        return
    tell_selection(selection)
    click.echo(plan_report.render(found, command=f"fairlead apply {out or folder}"))
    if behind is not None:
        click.echo(f"apply would refuse: {behind.message()}")


@click.command()
@click.argument("target", type=click.Path(path_type=Path, exists=True))
@WORKSPACE
@FORMAT
@click.option("--yes", is_flag=True, help="Do not ask; says nothing about losing data.")
@click.option("--allow-destructive", is_flag=True, help="Values may be taken out of sight.")
@click.option("--message", "-m", help="Why, for the list of revisions.")
@ONLY
def apply(
    target: Path,
    folder: Path,
    form: str,
    yes: bool,
    allow_destructive: bool,
    message: str | None,
    only: tuple[str, ...],
) -> None:
    """Publish TARGET, a workspace folder or a sealed plan, as the next revision."""
    if only and not target.is_dir():
        raise click.UsageError("--only is for a folder; a sealed plan says already what it publishes.")
    own = house(target if target.is_dir() else folder)
    try:
        sealed = None if target.is_dir() else _sealed(target)
        if sealed is not None:
            source, selection = Provenance("cli"), None
            found = publishing.plan_from_json(own.database, sealed)
        else:
            documents = tree(target)
            source, selection = provenance(target), selected(own.database, documents, only)
            found = planning.plan(own.database, selection.tree if selection else documents)
            behind = refusal(own.database, target, documents)
            if behind is not None:
                raise behind
            if form == "text":
                tell_selection(selection)
        publish(own, found, form=form, yes=yes, allow_destructive=allow_destructive, message=message,
                source=source.source, commit=source.commit)  # fmt: skip
        remember(target if sealed is None else Path(str(sealed.get("workspace", ""))), found.files)
    except planning.Broken as error:
        click.echo(error.problems.render(), err=True)
        sys.exit(1)
    finally:
        own.close()


def _sealed(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("files"), dict):
            return found
    except (ValueError, OSError):
        pass
    raise click.ClickException(f"{path} is no plan made by `fairlead plan --out`.")


def publish(
    own: object,
    found: planning.Plan,
    *,
    form: str,
    yes: bool,
    allow_destructive: bool,
    message: str | None,
    source: str,
    commit: str | None = None,
) -> None:
    """Show a plan, ask, and publish it; nothing happens when there is nothing to do."""
    from fairlead.wiring import House

    assert isinstance(own, House)
    if form == "text":
        click.echo(plan_report.render(found))
    if found.empty:
        if form == "json":
            show({"revision": found.base, "changed": False})
        return
    if not yes and not click.confirm("Publish this?"):
        raise click.Abort
    try:
        done = publishing.apply(
            own.database,
            found,
            author=author(),
            message=message,
            source=source,
            git_commit=commit,
            allow_destructive=allow_destructive,
        )
    except Refused as refusal:
        click.echo(refusal.message(), err=True)
        sys.exit(1)
    if form == "json":
        show({"revision": done.revision, "changed": True, "copy": str(done.copy) if done.copy else None})
        return
    click.echo(f"Published revision {done.revision}.")
    if done.copy is not None:
        click.echo(f"The database as it was before: {done.copy}")
