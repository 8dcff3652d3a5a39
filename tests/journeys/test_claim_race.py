"""Fifty people in each of four processes claim the same two hundred records at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from fairlead.base.clock import iso_utc, utc_now
from fairlead.compiled.statement import prepare
from fairlead.store import people

from tests.support.world import DEAL, ROOT, open_world

PEOPLE, PROCESSES, RECORDS, CAPACITY = 50, 4, 200, 5


@pytest.mark.slow
def test_every_record_has_one_owner_and_no_limit_is_passed(database_url: str, tmp_path: Path) -> None:
    with open_world(database_url, DEAL) as world:
        world.now = utc_now()
        ids = [world.create("ada", owner=None, name=f"free {n}") for n in range(RECORDS)]
        with world.database.write() as tx:
            users = [
                people.create_user(
                    tx, username=f"u{n}", name=f"U {n}", created_at=iso_utc(world.now), roles=["rep"]
                )
                for n in range(PEOPLE)
            ]
        (tmp_path / "ids").write_text("\n".join(ids))
        (tmp_path / "users").write_text("\n".join(users))
        answers = _race(database_url, tmp_path)
        owners = world.database.all(
            prepare(
                sa.text("SELECT owner, count(*) FROM e_deal WHERE owner IS NOT NULL GROUP BY owner"),
                world.database.dialect,
            )
        )
        claims = world.database.all(
            prepare(sa.text("SELECT record_id, count(*) FROM sys_ownership_event WHERE kind = 'claim' GROUP BY record_id"),
                    world.database.dialect)
        )  # fmt: skip
    held = dict(owners)
    assert sum(held.values()) == len(claims) == answers["claimed"]
    assert all(count == 1 for _, count in claims), "a record was claimed twice"
    assert max(held.values()) <= CAPACITY
    assert set(answers) <= {"claimed", "taken", "pool.yours", "pool.holding-limit", "pool.quota"}, answers
    assert answers["claimed"] >= RECORDS * 0.7  # they did meet: most records were wanted by several
    assert answers["taken"] > 0 and answers["pool.holding-limit"] > 0


def _race(url: str, folder: Path) -> Counter[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}"}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.claimers", url, str(n), str(folder / "ids"), str(folder / "users")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    for one in started:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    found: Counter[str] = Counter()
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in started:
        out, _ = one.communicate(timeout=300)
        assert one.returncode == 0
        found.update(json.loads(out.strip()))
    return found
