"""A real server process for tests: `fairlead serve` or `fairlead demo` on a free port, and a small HTTP client."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.world import ROOT

PASSWORD = "fairlead-demo"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Client:
    """Speaks to one server, as several people."""

    base: str
    tokens: dict[str, str] = field(default_factory=dict)

    def call(
        self, method: str, path: str, who: str | None = None, body: Any = None, **headers: str
    ) -> Answer:
        """Send one request; any status comes back as an answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            sent["Authorization"] = f"Bearer {self.token(who)}"
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def token(self, who: str) -> str:
        """Return a token of one of the demonstration's people."""
        if who not in self.tokens:
            made = self.call("POST", "/api/v1/tokens", body={"username": who, "password": PASSWORD})
            assert made.status == 201, made.body
            self.tokens[who] = made.json["token"]
        return self.tokens[who]

    def get(self, path: str, who: str) -> Any:
        """Return the JSON of a GET that must succeed."""
        answer = self.call("GET", path, who)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(check: Callable[[], Any], *, seconds: float = 20.0, what: str = "") -> Any:
    """Ask again until `check` gives something true; fail after `seconds`."""
    until = time.monotonic() + seconds
    gate = threading.Event()
    while True:
        try:
            found = check()
            if found:
                return found
        except (urllib.error.URLError, ConnectionError, AssertionError):
            if time.monotonic() > until:
                raise
        if time.monotonic() > until:
            raise AssertionError(f"did not happen within {seconds} s: {what}")
        gate.wait(0.05)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a Fairlead process."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "platform"), "PYTHONUNBUFFERED": "1", **more}


def fairlead(*arguments: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "fairlead.cli", *arguments], text=True, capture_output=True, cwd=ROOT,
        env=environment(**env), check=check, timeout=120,
    )  # fmt: skip


@contextmanager
def running(*arguments: str, port: int, log: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run a server until the block ends; its log is shown when it does not come up."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "fairlead.cli", *arguments, "--port", str(port)], stdout=out, stderr=out, text=True,
            cwd=ROOT, env=environment(**env),
        )  # fmt: skip
        try:

            def up() -> bool:
                if process.poll() is not None:
                    raise RuntimeError(f"the server ended: {log.read_text()}")
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                    return bool(answer.status == 200)

            eventually(up, seconds=60, what=f"the server: {log}")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
