"""The tests' own ground: the servers and the browser are real, fresh and fit for Chinese text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa
from playwright.sync_api import Page

from tests.support import axe, servers

PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>x</title>
<body style="font: 32px system-ui, sans-serif; margin: 0"><span id="x">{text}</span>"""


def test_each_database_is_fresh_and_writable(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE customers (name TEXT PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO customers VALUES ('上海示例科技')"))
        assert connection.execute(sa.text("SELECT length(name) FROM customers")).scalar_one() == 6
    engine.dispose()


def test_postgres_is_utf8_and_compares_by_code_point(postgres_url: str) -> None:
    """In a C database the letters of Chinese words would not count as letters."""
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT current_setting('server_encoding'), '科技' ~ '^\\w+$'").fetchone()
    assert row == ("UTF8", True)


@pytest.mark.parametrize("round_", [1, 2])
def test_redis_is_empty_for_each_test(redis_url: str, round_: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("lead", round_)


def test_a_server_stops_when_whoever_asked_for_it_dies(tmp_path: Path) -> None:
    """Also by SIGKILL: no run may leave a server behind."""
    script = """
import os, signal, sys
from pathlib import Path
from tests.support import axe, servers
folder = Path(sys.argv[1])
lifeline = servers.Lifeline.make(folder / "fifo")
print(servers.start_redis(folder, lifeline.fifo), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    died = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, tmp_path],
        cwd=servers.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.stdout.startswith("unix://"), died.stderr
    with servers.locked(tmp_path / "fifo.alive"):
        # The lock is free only when the supervisor has stopped the server.
        assert not (tmp_path / "redis.sock").exists()


def test_a_missing_server_is_a_failure_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(servers, "NODE_MODULES", tmp_path)
    monkeypatch.setenv("FAIRLEAD_TEST_POSTGRES", "bundled")
    with pytest.raises(servers.ServerMissing, match="make test-setup"):
        servers.find_postgres()


def test_a_variable_that_names_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_TEST_REDIS", "/nowhere/redis-server")
    with pytest.raises(servers.ServerMissing, match="FAIRLEAD_TEST_REDIS names /nowhere/redis-server"):
        servers.find_redis()


@pytest.mark.browser
def test_the_browser_shows_chinese(page: Page, tmp_path: Path) -> None:
    """A browser without a Chinese font draws nothing at all for these characters, and no test would notice."""
    page.set_viewport_size({"width": 400, "height": 60})
    pictures = {}
    for text in ("客户线索", "审批流程", ""):
        page.set_content(PAGE.format(lang="zh-CN", text=text))
        pictures[text] = page.screenshot()
    assert len(set(pictures.values())) == 3


@pytest.mark.browser
def test_the_browser_sends_what_is_typed(page: Page) -> None:
    page.set_content("<label>Name <input></label>")
    page.get_by_label("Name").fill("示例")
    assert page.get_by_label("Name").input_value() == "示例"


@pytest.mark.browser
def test_axe_finds_what_is_wrong(page: Page) -> None:
    page.set_content("<!doctype html><html lang=en><title>x</title><main><h1>x</h1><input></main>")
    assert [line.split(":")[0] for line in axe.serious_problems(page)] == ["label"]


@pytest.mark.browser
def test_a_silent_page_hears_the_console(silent_page: Page) -> None:
    silent_page.set_content("<script>console.log('fine')</script>")
