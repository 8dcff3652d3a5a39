"""Schemas for editors on the command line."""

from __future__ import annotations

import json

from fairlead.config.shapes import check_shape


def test_one_schema_is_printed_and_all_are_written(fairlead, tmp_path):
    calendar = json.loads(fairlead("schema", "calendar").out)
    assert "holidays" in calendar["properties"]
    written = fairlead("schema", "--out", tmp_path)
    assert written.status == 0
    files = sorted(path.name for path in (tmp_path / ".fairlead/schema").iterdir())
    assert {"fairlead.json", "workspace.json", "calendar.json"} <= set(files)
    assert json.loads((tmp_path / ".fairlead/schema/calendar.json").read_text("utf-8")) == calendar
    assert f"{len(files)} schemas" in written.out


def test_an_unknown_kind_is_wrong_usage(fairlead):
    for words in (("schema", "nosuch"), ("schema",)):
        done = fairlead(*words)
        assert done.status == 2
        assert "There are: entity" in done.err


def test_a_workspace_gets_the_schemas_of_the_program_that_made_it(fairlead, tmp_path):
    assert fairlead("new", tmp_path / "acme").status == 0
    schema = json.loads((tmp_path / "acme/.fairlead/schema/pool.json").read_text("utf-8"))
    assert schema["properties"]["kind"] == {"const": "pool"}
    assert check_shape("pool", {"kind": "pool", "name": "x", "entity": "lead"})[0]
