"""Keep one server running for as long as the process that asked for it lives.

Run as a program of its own, with nothing but the standard library:

    python supervise.py FIFO LOG USER READY_TEXT STOP_SIGNAL -- PROGRAM ARGUMENT…

The asking process holds the FIFO open for writing. When it writes a byte, closes it or dies, however
abruptly, the read here ends and the server is stopped: no run leaves a server behind, and nobody
has to poll. `ready` on standard output says that the server has printed READY_TEXT.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

STOP_WITHIN_S = 10


def main(arguments: list[str]) -> int:
    """Start the server, say when it is ready, stop it when the FIFO says so."""
    fifo, log, user, ready_text, stop_signal, _, *command = arguments
    # Held to the end: whoever gets this lock knows that the server is gone.
    alive = os.open(f"{fifo}.alive", os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    identity = {"user": user, "group": Path(log).parent.stat().st_gid, "extra_groups": []} if user else {}
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **identity,  # type: ignore[call-overload]
    )
    stopped = threading.Event()

    def follow() -> None:
        said = False
        with Path(log).open("ab", buffering=0) as out:
            for line in server.stdout:
                out.write(line)
                if not said and ready_text.encode() in line:
                    said = True
                    print("ready", flush=True)
        server.wait()
        if not stopped.is_set():
            # Died by itself: end at once, so that the asking side does not wait for a `ready`.
            os._exit(1)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    with Path(fifo).open("rb", buffering=0) as asking:
        asking.read(1)
    stopped.set()
    server.send_signal(getattr(signal, stop_signal))
    try:
        server.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    with contextlib.suppress(RuntimeError):
        follower.join(1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
