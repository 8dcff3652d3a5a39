"""Accounts, teams and tokens on the command line; the doctor's exit status."""

from __future__ import annotations

import sqlite3

from tests.cli.conftest import Run

PASSWORD = "a long enough sentence"


def test_a_person_is_added_changed_closed_and_opened(fairlead: Run, published):
    where = ("-w", published)
    assert fairlead("team", "add", "east", "--name", "East", *where).status == 0
    added = fairlead("user", "add", "rui", "--name", "Rui", "--role", "rep", "--team", "east", "--password-stdin", *where,
                     given=f"{PASSWORD}\n")  # fmt: skip
    assert added.out == "Added rui.\n"
    assert PASSWORD not in added.out + added.err
    (rui,) = fairlead("user", "list", "--format", "json", *where).json
    assert (rui["username"], rui["roles"], rui["teams"]) == ("rui", ["rep"], ["east"])
    assert fairlead("user", "change", "rui", "--name", "Rui Silva", *where).status == 0
    assert fairlead("user", "close", "rui", *where).status == 0
    assert fairlead("user", "list", "--format", "json", *where).json == []
    assert fairlead("user", "open", "rui", *where).status == 0


def test_an_account_with_a_role_that_does_not_exist_is_not_made(fairlead: Run, published):
    assert fairlead("user", "add", "rui", "--role", "wizard", "-w", published).status == 1
    assert fairlead("user", "list", "-w", published).out.startswith("There are no accounts yet.")


def test_a_token_is_shown_once_listed_and_ended(fairlead: Run, published):
    where = ("--user", "rui", "-w", published)
    assert fairlead("user", "add", "rui", "--role", "rep", "-w", published).status == 0
    made = fairlead("token", "create", *where, "--format", "json").json
    assert made["token"] not in fairlead("token", "list", *where).out
    assert fairlead("token", "end", made["id"], *where).out == "Ended.\n"
    assert fairlead("token", "list", *where).out == "There are no tokens.\n"


def test_the_doctor_exits_with_1_until_it_has_mended(fairlead: Run, published):
    assert fairlead("doctor", "-w", published).status == 0
    with sqlite3.connect(published / "var/fairlead.sqlite3") as database:
        database.execute("DROP INDEX ix_e_lead_team_id")
    found = fairlead("doctor", "-w", published, "--format", "json")
    assert found.status == 1
    assert [one["code"] for one in found.json["findings"]] == ["structure"]
    mended = fairlead("doctor", "-w", published, "--fix")
    assert mended.status == 0
    assert "mended  The index ix_e_lead_team_id on e_lead is missing." in mended.out
    assert fairlead("doctor", "-w", published).status == 0
