"""Publish 2,000 random sound workspaces, export them, publish the export: nothing may change.

`python -m tools.fuzz.roundtrip`. The export is also published into another, empty database, and exported
from there: byte for byte the same again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import migrate, revisions
from fairlead.store.database import Database
from fairlead.work import planning, publishing

from tools.fuzz.workspaces import workspace

BLOCK = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the figures, and return 1 when a workspace did not come back as it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    ends = given.seed + given.number
    blocks = [range(start, min(start + BLOCK, ends)) for start in range(given.seed, ends, BLOCK)]
    with ProcessPoolExecutor(given.processes) as pool:
        parts = list(pool.map(block, blocks))
    faults = [fault for part in parts for fault in part[0]]
    documents = sum(part[1] for part in parts)
    print(f"{given.number:,} workspaces with {documents:,} documents in {time.monotonic() - begun:,.0f} s")
    print(f"not sound, changed, or not the same again: {len(faults)}")
    for fault in faults[:10]:
        print(fault)
    return 1 if faults else 0


def block(seeds: range) -> tuple[list[str], int]:
    """Return the faults of some seeds, and how many documents they had."""
    faults, documents = [], 0
    for seed in seeds:
        files = workspace(seed)
        documents += len(files)
        with tempfile.TemporaryDirectory() as folder:
            urls = [f"sqlite:///{folder}/{name}.db" for name in ("one", "two")]
            try:
                fault = there_and_back(files, urls, Path(folder))
            except Exception:
                fault = traceback.format_exc()
        if fault is not None:
            faults.append(f"seed {seed}: {fault}")
    return faults, documents


def there_and_back(files: Mapping[str, str], urls: Sequence[str], folder: Path) -> str | None:
    """Publish, export, publish the export: here, and into another database. Return what was wrong, or None."""
    tree = SourceTree.from_mapping(files)
    problems = load(tree).problems
    if problems:
        return f"check says\n{problems.render()}"
    exported: Mapping[str, str] = files
    for number, url in enumerate(urls):
        database = Database(url)
        try:
            migrate.prepare_system(database)
            first = publishing.apply(database, planning.plan(database, tree), author="fuzz")
            exported = revisions.files(database, first.revision)
            if dict(exported) != dict(files):
                return f"the export of database {number} differs: {_differing(files, exported)}"
            tree = SourceTree.from_folder(_written(exported, folder / f"export_{number}"))
            planned = planning.plan(database, tree)
            if not planned.empty:
                return (
                    f"publishing the export would change {[change.line() for change in planned.changes][:5]}"
                )
            if publishing.apply(database, planned, author="fuzz").changed:
                return "publishing the export made a revision"
        finally:
            database.close()
    return None


def _written(files: Mapping[str, str], folder: Path) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def _differing(one: Mapping[str, str], two: Mapping[str, str]) -> list[str]:
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


if __name__ == "__main__":
    sys.exit(main())
