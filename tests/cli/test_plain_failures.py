"""What lies outside the documents (disks, addresses, servers) fails in a sentence with exit 1, never in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from fairlead.cli import main

from tests.cli.conftest import Run


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    assert ended.value.code == 1
    text = capsys.readouterr().err
    assert text.count("\n") <= 3
    return text


def test_folders_that_are_not_there(
    fairlead: Run, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fairlead("apply", small, "--yes").status == 0
    file = tmp_path / "file"
    file.write_text("mine")
    for command in (
        ("plan", small, "--out", file / "plan"),
        ("new", file / "acme", "--template", "general_sales"),
        ("export", file / "out", "-w", small),
        ("export-records", "lead", tmp_path / "no" / "leads.csv", "-w", small),
    ):
        assert str(tmp_path) in said(capsys, *command)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("address", ["nonsense", "mysql://u:secret@host/db"])
def test_an_address_that_is_none(
    fairlead: Run,
    small: Path,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FAIRLEAD_DATABASE_URL", address)
    text = said(capsys, "plan", small)
    assert "postgresql://" in text and "secret" not in text


def test_a_server_that_does_not_answer(
    fairlead: Run, small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAIRLEAD_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/db")
    text = said(capsys, "status", small)
    assert "does not answer" in text and "secret" not in text


def test_a_file_that_is_no_database(
    fairlead: Run,
    small: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "notes.txt").write_text("not a database, only words, and quite many of them\n" * 40)
    monkeypatch.setenv("FAIRLEAD_DATABASE_URL", f"sqlite:///{tmp_path / 'notes.txt'}")
    assert "not a database" in said(capsys, "plan", small)
    assert (tmp_path / "notes.txt").read_text().startswith("not a database")
