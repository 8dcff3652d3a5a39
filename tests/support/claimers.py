"""One process of many people who claim at the same moment; a program of its own, started by `test_claim_race`.

Arguments: database address, a seed, a file of ids, one of user ids. Waits for a line on standard input, then lets one
thread for each person try records in a random order; prints what each answer was.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections import Counter
from pathlib import Path

from fairlead.base.clock import utc_now
from fairlead.base.errors import Failure
from fairlead.store import people
from fairlead.store.database import Database
from fairlead.work import pools
from fairlead.work.applications import Applications
from fairlead.work.authentication import actor_of
from fairlead.work.context import Context

ATTEMPTS = 9


def main(url: str, seed: str, ids_file: str, users_file: str) -> None:
    """Claim, and print a count of the answers as JSON."""
    ids = Path(ids_file).read_text(encoding="ascii").split()
    users = Path(users_file).read_text(encoding="ascii").split()
    database = Database(url)
    app = Applications(database).current()
    accounts = [people.account(database, user) for user in users]
    answers: Counter[str] = Counter()
    start = threading.Event()

    def claim(number: int) -> None:
        account = accounts[number]
        assert account is not None
        choice = random.Random(f"{seed}-{number}")
        start.wait()
        for id in choice.sample(ids, ATTEMPTS):
            ctx = Context(app, database, actor_of(account), utc_now(), "api")
            try:
                pools.claim(ctx, "deal", id)
                answers["claimed"] += 1
            except Failure as failure:
                answers[failure.code] += 1

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(len(users))]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.readline()
    start.set()
    for thread in threads:
        thread.join()
    database.close()
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
