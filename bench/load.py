"""Ask a server as fast as it answers, on eight connections, and measure only right answers.

Runs as a process of its own (`python -m bench.load`), so that its work is not counted to the server's. One thread
with plain sockets is enough: what it does for each request is far less than what the server does.
"""

from __future__ import annotations

import pickle
import re
import selectors
import socket
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, field

from bench.clock import cpu_seconds

CONNECTIONS = 8
NUMBER = b"@NUMBER@"
"""Stands in a request where each one sent has another number of eight digits."""
VERSION = b"@VERSION@"
"""Stands where the ETag of the answer before belongs."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG = re.compile(rb"\r\netag: *([^\r]+)", re.IGNORECASE)
_MOMENT = re.compile(rb'"at":"[^"]*"')
_LOCATION = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)


def checksum(body: bytes | bytearray) -> int:
    """Return the CRC-32 of a body without the moment at which a report was made."""
    return zlib.crc32(_MOMENT.sub(b"", body) if body.endswith(b'Z"}') else body)


@dataclass(slots=True)
class Request:
    """One request that a connection repeats, and the answer it must get.

    `texts` are sent in turn; they carry NUMBER and VERSION where something changes from one to the next.
    """

    texts: tuple[bytes, ...]
    status: int
    checksum: int | None = None
    """Of the body (see `checksum`), where it is the same every time."""
    etag: bytes = b""
    turn: int = 0

    def next_text(self, number: int) -> bytes:
        """Return what to send now."""
        text = self.texts[self.turn % len(self.texts)]
        self.turn += 1
        if self.etag:
            text = text.replace(VERSION, self.etag)
        return text.replace(NUMBER, b"%08d" % number) if NUMBER in text else text


@dataclass(slots=True)
class Plan:
    """What is to be asked of whom, for how long."""

    port: int
    connections: list[list[Request]]
    warm_up_s: float
    seconds: float
    server_pid: int
    database_pid: int | None
    first_number: int = 0


@dataclass(slots=True)
class Outcome:
    """What came out of one window of time."""

    requests: int
    seconds: float
    server_us: float
    """Processor time of the server for each request, in microseconds."""
    database_us: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    last_number: int
    last_location: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def cost_us(self) -> float:
        """Server and database together."""
        return self.server_us + self.database_us


class _Connection:
    """One client: sends, waits for the whole answer, sends the next."""

    __slots__ = ("buffer", "current", "missing", "position", "requests", "sent_at", "socket")

    def __init__(self, port: int, requests: list[Request]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests = requests
        self.position = 0
        self.buffer = bytearray()
        self.missing = -1
        self.sent_at = 0.0
        self.current = requests[0]

    def send(self, number: int) -> None:
        self.current = self.requests[self.position % len(self.requests)]
        self.position += 1
        self.buffer.clear()
        self.missing = -1
        text = self.current.next_text(number)
        self.sent_at = time.perf_counter()
        self.socket.sendall(text)

    def receive(self) -> bool:
        """Read what is there; say whether the answer is complete."""
        part = self.socket.recv(1 << 20)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.buffer += part
        if self.missing < 0:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            length = _LENGTH.search(self.buffer, 0, end + 2)
            if length is None:
                raise ConnectionError("an answer without Content-Length")
            self.missing = end + 4 + int(length[1])
        return len(self.buffer) >= self.missing

    def check(self) -> str | None:
        """Return what is wrong with the answer, if anything."""
        request, buffer = self.current, self.buffer
        end = buffer.find(b"\r\n\r\n")
        status = int(buffer[9:12])
        if status != request.status:
            return f"{status} instead of {request.status}: {bytes(buffer[end + 4 : end + 304])!r}"
        if request.checksum is not None and checksum(buffer[end + 4 :]) != request.checksum:
            return f"another body than before: {bytes(buffer[end + 4 : end + 204])!r}"
        if request.etag:
            found = _ETAG.search(buffer, 0, end + 2)
            if found is None:
                return "an answer without ETag"
            request.etag = bytes(found[1])
        return None


def drive(plan: Plan) -> Outcome:
    """Carry out a plan in this process."""
    selector = selectors.DefaultSelector()
    number = plan.first_number
    for requests in plan.connections:
        connection = _Connection(plan.port, requests)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    begun = time.perf_counter()
    start, stop = begun + plan.warm_up_s, begun + plan.warm_up_s + plan.seconds
    for key in list(selector.get_map().values()):
        number += 1
        key.data.send(number)
    latencies: list[float] = []
    errors: list[str] = []
    location = ""
    server = database = 0.0
    measuring = False
    now = begun
    while now < stop and not errors:
        for key, _ in selector.select(timeout=30):
            connection = key.data
            if not connection.receive():
                continue
            now = time.perf_counter()
            if not measuring and now >= start:
                measuring = True
                server = cpu_seconds([plan.server_pid])
                database = cpu_seconds([plan.database_pid]) if plan.database_pid else 0.0
                start = time.perf_counter()
                stop = start + plan.seconds
            elif measuring:
                latencies.append(now - connection.sent_at)
            if wrong := connection.check():
                errors.append(wrong)
                break
            if connection.current.status == 201:
                end = connection.buffer.find(b"\r\n\r\n")
                found = _LOCATION.search(connection.buffer, 0, end + 2)
                location = found[1].decode() if found else location
            number += 1
            connection.send(number)
        else:
            if not selector.get_map():
                break
    ended = time.perf_counter()
    server = cpu_seconds([plan.server_pid]) - server
    database = (cpu_seconds([plan.database_pid]) if plan.database_pid else 0.0) - database
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    selector.close()
    latencies.sort()
    count = len(latencies)

    def at(share: float) -> float:
        return latencies[min(count - 1, int(count * share))] * 1000 if count else 0.0

    return Outcome(
        requests=count, seconds=ended - start, server_us=server / max(count, 1) * 1e6,
        database_us=database / max(count, 1) * 1e6, p50_ms=at(0.5), p95_ms=at(0.95), p99_ms=at(0.99),
        last_number=number, last_location=location, errors=errors,
    )  # fmt: skip


def run(plan: Plan) -> Outcome:
    """Carry out a plan in a process of its own."""
    command = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(command, input=pickle.dumps(plan), stdout=subprocess.PIPE, check=True)
    outcome = pickle.loads(done.stdout)
    assert isinstance(outcome, Outcome)
    return outcome


if __name__ == "__main__":
    # Under its real name, so that what goes back is of the class the asking process knows.
    from bench import load

    sys.stdout.buffer.write(pickle.dumps(load.drive(pickle.loads(sys.stdin.buffer.read()))))
