"""What was measured: as a table for people, as JSON for the next run to compare with."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.asks import ASKS, Ask
from bench.load import Outcome
from bench.servers import ROOT

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("flask", "werkzeug", "sqlalchemy", "psycopg", "marshmallow", "orjson", "granian")
LEAST_NOISE = 0.10
"""Two cores shared with others: what differs by less is not said to differ."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One request on one database with so many processes: what each implementation cost, round by round."""

    ask: Ask
    database: str
    processes: int
    rounds: Mapping[str, Sequence[Outcome]]

    @property
    def name(self) -> str:
        return f"{self.ask.key}/{self.database}/{self.processes}"

    def cost(self, what: str) -> float:
        """Return the processor time of a request, server and database together, in microseconds."""
        return statistics.median(one.cost_us for one in self.rounds[what])

    def per_second(self, what: str) -> float:
        return statistics.median(one.per_second for one in self.rounds[what])

    def ratios(self, what: str, base: str) -> list[float]:
        """Return the share of the base's cost, round by round: neighbours in time share their noise."""
        pairs = zip(self.rounds[what], self.rounds[base], strict=True)
        return [mine.cost_us / theirs.cost_us if theirs.cost_us else 0.0 for mine, theirs in pairs]

    def ratio(self, what: str, base: str) -> float | None:
        """Return the median share, where both were measured."""
        if what not in self.rounds or base not in self.rounds:
            return None
        return statistics.median(self.ratios(what, base))

    def spread(self, what: str, base: str) -> float:
        """Return how far the rounds lie apart, as a share of their median."""
        found = self.ratios(what, base)
        middle = statistics.median(found)
        return (max(found) - min(found)) / 2 / middle if middle else 0.0


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model, "processors": os.cpu_count(), "memory_gb": round(memory, 1),
        "system": platform.system(), "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }  # fmt: skip


def commit() -> str:
    """Return the short name of what is checked out; `+` where something is changed."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "platform", "bench")
    return (git("rev-parse", "--short=10", "HEAD") or "unknown") + ("+" if changed else "")


# ---------------------------------------------------------------- for people


def table(cells: Iterable[Cell]) -> list[str]:
    """Return the lines of a Markdown table."""
    head = (
        "| request | database | processes | Fairlead µs (server + database) | plain µs | compiled µs "
        "| ÷ plain | ÷ compiled | ÷ compiled with history | req/s: Fairlead, plain, compiled | p50 / p99 ms | bar | |"
    )
    lines = [head, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |"]
    return lines + [_row(cell) for cell in cells]


def _row(cell: Cell) -> str:
    rounds = cell.rounds
    mine = rounds.get("fairlead")
    cost = "–"
    if mine:
        server = statistics.median(one.server_us for one in mine)
        database = statistics.median(one.database_us for one in mine)
        cost = f"{server + database:,.0f} ({server:,.0f} + {database:,.0f})"
    others = [f"{cell.cost(what):,.0f}" if what in rounds else "–" for what in ("plain", "compiled")]
    ratios = [_ratio_text(cell.ratio("fairlead", what)) for what in ("plain", "compiled", "compiled_history")]
    speed = " ".join(
        f"{cell.per_second(what):,.0f}" if what in rounds else "–"
        for what in ("fairlead", "plain", "compiled")
    )
    shown = mine or rounds["plain"]
    p50 = statistics.median(one.p50_ms for one in shown)
    p99 = statistics.median(one.p99_ms for one in shown)
    bars, verdicts = [], []
    for base, bar in cell.ask.bars.items():
        bars.append(f"≤ {bar:g} × {base.replace('_', ' with ')}")
        ratio = cell.ratio("fairlead", base)
        verdicts.append("–" if ratio is None else "pass" if ratio <= bar else "**FAIL**")
    return (
        f"| {cell.ask.key} | {cell.database} | {cell.processes} | {cost} | {' | '.join(others)} "
        f"| {' | '.join(ratios)} | {speed} | {p50:.1f} / {p99:.1f} | {', '.join(bars)} | {', '.join(verdicts)} |"
    )


def _ratio_text(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"


def document(cells: Sequence[Cell], about: Mapping[str, Any]) -> str:
    """Return the whole report."""
    packages = ", ".join(f"{name} {number}" for name, number in about["machine"]["packages"].items())
    mine = about["machine"]
    head = (
        f"{about['records']:,} leads, eight connections; {about['seconds']:g} seconds in {about['rounds']} rounds for"
        " each figure, the implementations in turn. Costs are processor time of the server and the database for one"
        " request; a ratio is the median over the rounds. PostgreSQL runs without fsync, SQLite with it."
    )
    place = (
        f"Machine: {mine['processor']}, {mine['processors']} processors, {mine['memory_gb']} GB, {mine['system']}."
        f" Python {mine['python']}, {', '.join(about['databases'])}, {packages}."
    )
    named = [f"- {ask.key}: {ask.title}" for ask in ASKS if any(cell.ask is ask for cell in cells)]
    title = f"# Bench of {about['date']}, commit {about['commit']}"
    lines = [title, "", head, "", place, "", *table(cells), "", "Requests:", "", *named, ""]
    return "\n".join(lines)


# ---------------------------------------------------------------- for the next run


def save(cells: Sequence[Cell], about: Mapping[str, Any]) -> Path:
    """Write both forms and return the JSON file."""
    FOLDER.mkdir(exist_ok=True)
    stem = f"{about['date']}-{about['commit'].replace('+', '-changed')}"
    (FOLDER / f"{stem}.md").write_text(document(cells, about), encoding="utf-8")
    path = FOLDER / f"{stem}.json"
    path.write_text(
        json.dumps({**about, "cells": [_plain(cell) for cell in cells]}, indent=1), encoding="utf-8"
    )
    return path


def _plain(cell: Cell) -> dict[str, Any]:
    bases = [
        what for what in ("plain", "compiled", "compiled_history") if cell.ratio("fairlead", what) is not None
    ]
    return {
        "request": cell.ask.key, "database": cell.database, "processes": cell.processes,
        "ratios": {base: round(cell.ratio("fairlead", base) or 0, 4) for base in bases},
        "spreads": {base: round(cell.spread("fairlead", base), 4) for base in bases},
        "rounds": {
            what: [
                {key: round(value, 2) for key, value in asdict(one).items() if isinstance(value, (int, float))}
                for one in outcomes
            ]
            for what, outcomes in cell.rounds.items()
        },
    }  # fmt: skip


def last_recorded() -> Path | None:
    """Return the newest result of a whole state of the code, or None."""
    found = sorted(path for path in FOLDER.glob("*.json") if "-changed" not in path.name)
    return found[-1] if found else None


def worse(cells: Iterable[Cell], recorded: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each ratio that is worse than the recorded one by more than the noise of both."""
    before = {f"{one['request']}/{one['database']}/{one['processes']}": one for one in recorded["cells"]}
    found = []
    for cell in cells:
        old = before.get(cell.name)
        if old is None:
            continue
        for base, was in old["ratios"].items():
            now = cell.ratio("fairlead", base)
            if now is None or not was:
                continue
            noise = max(LEAST_NOISE, old["spreads"].get(base, 0), cell.spread("fairlead", base))
            if now > was * (1 + noise):
                found.append(
                    f"{cell.name}: {now:.3f} × {base}, recorded {was:.3f}; that is more than the noise of {noise:.0%}"
                )
    return found


def missed(cells: Iterable[Cell]) -> list[str]:
    """Return a sentence for each bar that is not reached."""
    found = []
    for cell in cells:
        for base, bar in cell.ask.bars.items():
            ratio = cell.ratio("fairlead", base)
            if ratio is not None and ratio > bar:
                found.append(f"{cell.name}: {ratio:.3f} × {base}, the bar is {bar:g}")
    return found


def stamp() -> str:
    """Return today, as file names carry it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H%M}"
