"""15. An old engine opens a workspace written by a newer one: it refuses with the versions and touches nothing."""

from __future__ import annotations

import json
from pathlib import Path

import fairlead
import pytest
import sqlalchemy as sa
from fairlead.base.errors import Refused
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import formats, migrate, revisions, settings
from fairlead.store.database import Database
from fairlead.work import planning, publishing

from tests.cli.conftest import SMALL


def everything(database: Database) -> list[tuple[str, list[tuple[object, ...]]]]:
    """Every row of every table, to see that nothing was touched."""
    tables = sorted(migrate.existing(database).columns)
    return [
        (table, sorted((tuple(row) for row in database.all(database.prepare(sa.text(f'SELECT * FROM "{table}"')))), key=repr))
        for table in tables
    ]  # fmt: skip


def taken_over(database: Database) -> None:
    """What a program of a later format leaves behind."""
    with database.write() as tx:
        tx.ddl("CREATE TABLE sys_of_tomorrow (id TEXT PRIMARY KEY)")
        settings.put(tx, "format", json.dumps({"format": formats.FORMAT + 1, "engine": "9.4.0"}))


def test_scenario_15_a_database_of_a_newer_program_is_refused_and_not_touched(database_url: str) -> None:
    database = Database(database_url)
    migrate.prepare_system(database)
    publishing.apply(database, planning.plan(database, SourceTree.from_mapping(SMALL)), author="ada")
    taken_over(database)
    before = everything(database)
    with pytest.raises(Refused) as refused:
        migrate.prepare_system(database)
    for language in ("en", "zh"):
        said = refused.value.message(language)
        assert "9.4.0" in said and fairlead.__version__ in said
    assert refused.value.code == "workspace.too-new" and everything(database) == before
    database.close()


def test_scenario_15_a_program_that_runs_meanwhile_publishes_nothing_more(database_url: str) -> None:
    database = Database(database_url)
    migrate.prepare_system(database)
    plan = planning.plan(database, SourceTree.from_mapping(SMALL))
    with database.write() as tx:
        settings.put(tx, "format", json.dumps({"format": formats.FORMAT + 1, "engine": "9.4.0"}))
    with pytest.raises(Refused, match=r"9\.4\.0"):
        publishing.apply(database, plan, author="ada")
    assert revisions.current_number(database) is None and "e_lead" not in migrate.existing(database).columns
    database.close()


def test_scenario_15_documents_of_a_newer_format_are_one_problem_and_nothing_else(tmp_path: Path) -> None:
    files = SMALL | {
        "fairlead.yaml": SMALL["fairlead.yaml"] + "format: 2\ntelepathy: true\n",
        "schemas/lead.yaml": SMALL["schemas/lead.yaml"].replace("kind: entity", "kind: species"),
    }
    (problem,) = load(SourceTree.from_mapping(files)).problems
    assert (problem.code, str(problem.span)) == ("format_too_new", "fairlead.yaml:3:9")
    assert "format 2" in problem.message and f"Fairlead {fairlead.__version__}" in problem.message
    known = SMALL | {"fairlead.yaml": SMALL["fairlead.yaml"] + "format: 1\n"}
    assert not load(SourceTree.from_mapping(known)).problems.has_errors
