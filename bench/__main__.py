"""`python -m bench`: run everything in turn, print the table, keep the result."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from bench import asks, data, fairlead_side, load, results, servers
from bench.asks import ASKS, Ask, ByHand, Side, WrongAnswer
from bench.load import Outcome, Plan, Request
from bench.schema import Dialect
from bench.servers import Place, Server

BY_HAND = ("plain", "compiled")
WITH_HISTORY = "compiled_history"
FAIRLEAD = "fairlead"


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--requests", default="", help="such as R1,R2; all when not given")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="measured for each figure, all rounds together"
    )
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds before, all rounds together")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", default="1,2", help="of the server: 1, 2, or 1,2")
    parser.add_argument("--without-fairlead", action="store_true", help="only the versions written by hand")
    parser.add_argument("--no-save", action="store_true", help="print, and keep nothing")
    parser.add_argument("--check", action="store_true", help="fail when worse than the last recorded result")
    found = parser.parse_args(given)
    known = {ask.key: ask for ask in ASKS}
    wanted = [key for key in found.requests.split(",") if key] or list(known)
    if unknown := [key for key in wanted if key not in known]:
        parser.error(f"there is no request {', '.join(unknown)}; there are {', '.join(known)}")
    found.asks = [ask for ask in ASKS if ask.key in wanted]
    found.databases = ["sqlite", "postgresql"] if found.database == "both" else [found.database]
    found.counts = [int(count) for count in found.processes.split(",")]
    return found


class Bench:
    """One run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.with_fairlead = not options.without_fairlead
        self.cells: list[results.Cell] = []
        self.database_versions: list[str] = []
        self.number = 0
        say(f"Making {options.records:,} leads")
        self.data = data.make(options.records)

    @property
    def contenders(self) -> list[str]:
        """Whom to measure."""
        found = list(BY_HAND)
        if any(ask.write for ask in self.options.asks):
            found.append(WITH_HISTORY)
        return [*found, FAIRLEAD] if self.with_fairlead else found

    def run(self) -> None:
        """Measure everything on every database."""
        for dialect in self.options.databases:
            with servers.place(dialect) as place:
                self.database_versions.append(place.version())
                self._fill(place)
                for processes in self.options.counts:
                    self._measure(place, dialect, processes)

    def _fill(self, place: Place) -> None:
        say(f"{place.version()}: writing the leads by hand")
        data.write_by_hand(self.data, place.fresh("byhand"))
        if self.with_fairlead:
            say(f"{place.version()}: writing the leads for Fairlead")
            fairlead_side.write(self.data, place.fresh("engine"))

    def _measure(self, place: Place, dialect: Dialect, processes: int) -> None:
        with ExitStack() as stack:
            running: dict[str, tuple[Server, Side]] = {}
            for what in self.contenders:
                # Each writes into a copy of its own, and every count of processes begins with the same data.
                url = place.copy("engine" if what == FAIRLEAD else "byhand", f"copy_{what}")
                server = stack.enter_context(servers.serving(what, url, processes=processes))
                running[what] = (server, fairlead_side.Api() if what == FAIRLEAD else ByHand())
            for ask in self.options.asks:
                rounds = self._ask(ask, running, place.pid)
                cell = results.Cell(ask, dialect, processes, rounds)
                self.cells.append(cell)
                say(
                    f"{cell.name}: "
                    + ", ".join(
                        f"{what} {cell.cost(what):,.0f} µs {cell.per_second(what):,.0f}/s" for what in rounds
                    )
                )

    def _ask(
        self, ask: Ask, running: dict[str, tuple[Server, Side]], database_pid: int | None
    ) -> dict[str, list[Outcome]]:
        taking_part = {what: pair for what, pair in running.items() if ask.write or what != WITH_HISTORY}
        reads = self._reads(ask, taking_part) if ask.questions else {}
        rounds: dict[str, list[Outcome]] = {what: [] for what in taking_part}
        for _ in range(self.options.rounds):
            for what, (server, side) in taking_part.items():
                requests = reads[what] if ask.questions else self._writes(ask, server, side)
                outcome = self._window(server, requests, database_pid)
                if outcome.errors:
                    raise WrongAnswer(f"{what}, {ask.key}: {outcome.errors[0]}")
                if ask.write == "create":
                    asks.check_created(server, self.data, outcome.last_location)
                elif ask.write == "change":
                    asks.check_traces(server, side, self.data)
                rounds[what].append(outcome)
        return rounds

    def _reads(self, ask: Ask, running: dict[str, tuple[Server, Side]]) -> dict[str, list[list[Request]]]:
        """Ask everybody everything once; all must agree."""
        assert ask.questions is not None
        questions = ask.questions(self.data)
        found: dict[str, list[list[Request]]] = {}
        agreed: list[str] = []
        for what, (server, side) in running.items():
            pairs = [asks.checked_read(server, side, question) for question in questions]
            digests = [digest for _, digest in pairs]
            for question, mine, theirs in zip(questions, digests, agreed or digests, strict=True):
                if mine != theirs:
                    raise WrongAnswer(f"{what} answers {question} unlike {next(iter(found))}")
            agreed = agreed or digests
            found[what] = asks.spread([request for request, _ in pairs])
        return found

    def _writes(self, ask: Ask, server: Server, side: Side) -> list[list[Request]]:
        if ask.write == "create":
            return asks.creating(side, self.data)
        return asks.changing(server, side, self.data)

    def _window(self, server: Server, requests: list[list[Request]], database_pid: int | None) -> Outcome:
        options = self.options
        plan = Plan(
            port=server.port, connections=requests, warm_up_s=options.warm_up / options.rounds,
            seconds=options.seconds / options.rounds, server_pid=server.pid, database_pid=database_pid,
            first_number=self.number,
        )  # fmt: skip
        outcome = load.run(plan)
        self.number = outcome.last_number
        return outcome

    def about(self) -> dict[str, Any]:
        """Return what belongs to the figures."""
        options = self.options
        return {
            "date": results.stamp(), "commit": results.commit(), "records": options.records,
            "seconds": options.seconds, "rounds": options.rounds, "databases": self.database_versions,
            "machine": results.machine(),
        }  # fmt: skip


def main() -> int:
    """Run the bench; return what the shell gets."""
    options = arguments()
    bench = Bench(options)
    try:
        bench.run()
    except WrongAnswer as problem:
        say(f"A wrong answer; nothing is recorded. {problem}")
        return 1
    about = bench.about()
    print(results.document(bench.cells, about))
    for sentence in results.missed(bench.cells):
        say(f"Above the bar: {sentence}")
    if options.check:
        return _compare(bench)
    if not options.no_save:
        say(f"Kept in {results.save(bench.cells, about).relative_to(servers.ROOT)}")
    return 0


def _compare(bench: Bench) -> int:
    path = results.last_recorded()
    if path is None:
        say("There is no recorded result to compare with; run `make bench` first.")
        return 1
    sentences = results.worse(bench.cells, json.loads(path.read_text(encoding="utf-8")))
    for sentence in sentences:
        say(f"Worse than {path.stem}: {sentence}")
    if not sentences:
        say(f"No ratio is worse than in {path.stem} by more than the noise.")
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main())
