"""Damage the shipped templates 10,000 times and judge every answer: `python -m tools.fuzz.config`."""

from __future__ import annotations

import argparse
import collections
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from fairlead.config.source import SourceTree, shipped, shipped_templates
from fairlead.store import migrate, revisions
from fairlead.store.database import Database
from fairlead.work import planning, publishing

from tools.fuzz.judging import Verdict, judge, read_once
from tools.fuzz.mutants import mutant

ROOT = Path(__file__).resolve().parents[2]
SHARE = 0.97
SECONDS = 2.0
MEGABYTES = 256
BLOCK = 250
EVERY = 10
"""Each so-many-th mutant is checked whole, and in some blocks tried on a published workspace, which it must not change."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the figures, and return 1 when one of them is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000, help="how many mutants, over all templates")
    parser.add_argument("--seed", type=int, default=1, help="where the seeds begin")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--show", type=int, default=10, help="how many misses to print")
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    templates = shipped_templates(ROOT)
    share = given.number // len(templates)
    blocks = [
        (template, range(given.seed + start, given.seed + min(start + BLOCK, share)))
        for start in range(0, share, BLOCK)
        for template in templates
    ]
    found = Found()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ProcessPoolExecutor(given.processes) as pool:
        try:
            for part in pool.map(block, blocks):
                found.add(part)
                print(f"{len(found.verdicts):,} of {given.number:,}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            # Whoever stops it gets the figures of what has been judged.
            pool.shutdown(wait=False, cancel_futures=True)
    return report(found, time.monotonic() - begun, given.show)


@dataclass
class Found:
    """What came of a block, or of all of them. `peak` is memory above idle, in MB."""

    verdicts: list[Verdict] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    """Seconds of whole checks, nothing kept from the one before."""
    faults: list[str] = field(default_factory=list)
    """Tracebacks, and mutants that changed what is published."""
    peak: int = 0
    tried: int = 0
    """How many were also tried on a published workspace."""

    def add(self, other: Found) -> None:
        """Take in what another block gave."""
        self.verdicts += other.verdicts
        self.whole_s += other.whole_s
        self.faults += other.faults
        self.tried += other.tried
        self.peak = max(self.peak, other.peak)


Block = tuple[str, range]


def block(given: Block) -> Found:
    """Judge one block of seeds, in a process of its own."""
    template, seeds = given
    files = shipped(ROOT, template).mapping()
    found = Found()
    judge(mutant(files, 0))
    idle = _megabytes()
    with read_once(files):
        for seed in seeds:
            try:
                made = mutant(files, seed)
                verdict = judge(made)
            except Exception:
                found.faults.append(f"{template} seed {seed}\n{traceback.format_exc()}")
                continue
            if verdict.told:
                where = f"{template} seed {seed} {made.kind} {made.file}:{made.lines[:1]} {made.what}"
                verdict = replace(verdict, told=f"{where}\n    {verdict.told}")
            found.verdicts.append(verdict)
    sample = [seed for seed in seeds if seed % EVERY == 0]
    found.whole_s += [judge(mutant(files, seed)).seconds for seed in sample]
    found.peak = _megabytes() - idle
    if seeds.start // BLOCK % 4 == 0:
        found.tried = len(sample)
        found.faults += unchanged(template, sample)
    return found


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def unchanged(template: str, seeds: Sequence[int]) -> Iterator[str]:
    """Try to publish mutants over a published workspace; yield each that is not refused, or changes it."""
    tree = shipped(ROOT, template)
    files = tree.mapping()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/fairlead.db")
        migrate.prepare_system(database)
        publishing.apply(database, planning.plan(database, tree), author="fuzz")
        before = _published(database)
        for seed in seeds:
            made = mutant(files, seed)
            if judge(made).place == "sound":
                continue
            try:
                planning.plan(database, SourceTree.from_mapping(made.files))
                yield f"{template} seed {seed} was planned in spite of its errors"
            except planning.Broken:
                pass
            if _published(database) != before:
                yield f"{template} seed {seed} changed what is published"
        database.close()


def _published(database: Database) -> object:
    number = revisions.current_number(database)
    assert number is not None
    return number, revisions.files(database, number), migrate.existing(database).fingerprint()


def report(found: Found, took: float, show: int) -> int:
    """Print the figures; 1 when a promise is not kept."""
    verdicts = found.verdicts
    places = collections.Counter(one.place for one in verdicts)
    wrong = len(verdicts) - places["sound"]
    hit = (places["line"] + places["use"]) / max(wrong, 1)
    slowest = max((*found.whole_s, *(one.seconds for one in verdicts)), default=0.0)
    incomplete = [text for one in verdicts for text in one.incomplete]
    print(
        f"{len(verdicts):,} mutants in {took:,.0f} s; {wrong:,} with errors, {places['sound']:,} still sound"
    )
    print(
        f"tracebacks or changes of the published revision ({found.tried} tried on one): {len(found.faults)}"
    )
    print(f"found in place: {hit:.2%} (at the line {places['line'] / max(wrong, 1):.2%}, "
          f"at a use {places['use'] / max(wrong, 1):.2%}, elsewhere {places['elsewhere']})")  # fmt: skip
    print(f"findings without file, line, column or key: {len(incomplete)}")
    print(f"slowest check {slowest:.2f} s of processor time; whole checks {min(found.whole_s, default=0):.2f} to "
          f"{max(found.whole_s, default=0):.2f} s; memory above idle at most {found.peak} MB")  # fmt: skip
    for kind in sorted({one.kind for one in verdicts}):
        of = collections.Counter(one.place for one in verdicts if one.kind == kind)
        print(
            f"  {kind:<17} "
            + "  ".join(f"{place} {of[place]}" for place in ("line", "use", "elsewhere", "sound"))
        )
    for text in [
        *found.faults[:show],
        *incomplete[:show],
        *[one.told for one in verdicts if one.told][:show],
    ]:
        print(text)
    kept = (
        not found.faults and not incomplete and hit >= SHARE and slowest < SECONDS and found.peak < MEGABYTES
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
