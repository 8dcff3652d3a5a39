"""Where the time of one request goes: `python -m bench.profile R1 --what fairlead --database sqlite`.

Calls the application directly, without a server, so that what is seen is its own work. The first line is the time
without the profiler, which slows small functions most.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import os
import pstats
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench import asks, data, fairlead_side, serve, servers
from bench.asks import ASKS, ByHand, Side, wire
from bench.load import VERSION, Request

Environ = dict[str, Any]


def environ_of(text: bytes) -> Environ:
    """Return a request as it goes over the wire in the form that an application gets it."""
    head, _, body = text.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    environ: Environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "wsgi.multithread": False,
        "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.input": io.BytesIO(body),
    }  # fmt: skip
    for line in lines:
        name, _, value = line.partition(": ")
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


def call(application: Any, text: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send one request to the application."""
    seen: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        seen.update(status=int(status[:3]), headers={name.lower(): value for name, value in headers})

    answer = application(environ_of(text), start)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return seen["status"], seen["headers"], body


def texts_of(ask: asks.Ask, side: Side, found: data.Data) -> list[Request]:
    """Return the requests of one row of the table."""
    if ask.questions:
        return [
            Request((wire("GET", side.path(question), question.who),), 200)
            for question in ask.questions(found)
        ]
    if ask.write == "create":
        return [request for requests in asks.creating(side, found) for request in requests]
    requests = []
    for rep, own in asks.leads_to_change(found):
        for one in own:
            texts = []
            for values in asks.CHANGES:
                method, where, body = side.change(one.id, values)
                texts.append(wire(method, where, rep, body, f"If-Match: {VERSION.decode()}\r\n"))
            requests.append(Request(tuple(texts), 200, etag=b'"1"'))
    return requests


def repeat(application: Any, requests: list[Request], count: int, numbers: Iterator[int]) -> float:
    """Send `count` requests in turn; return the time of one in microseconds."""
    spent = 0.0
    for turn in range(count):
        request = requests[turn % len(requests)]
        text = request.next_text(next(numbers))
        begun = time.perf_counter()
        status, headers, body = call(application, text)
        spent += time.perf_counter() - begun
        if status != request.status:
            raise asks.WrongAnswer(f"{status}: {body[:500]!r}")
        if request.etag:
            request.etag = headers["etag"].encode()
    return spent / count * 1e6


def main() -> int:
    """Print where the time goes."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("request", choices=[ask.key for ask in ASKS])
    parser.add_argument(
        "--what", default="fairlead", choices=["fairlead", "plain", "compiled", "compiled_history"]
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=45)
    parser.add_argument("--sort", choices=["tottime", "cumtime"], default="tottime")
    options = parser.parse_args()
    ask = next(one for one in ASKS if one.key == options.request)
    found = data.make(options.records)
    by_fairlead = options.what == "fairlead"
    with servers.place(options.database) as place:
        url = place.fresh("leads")
        fill: Callable[[data.Data, str], None] = fairlead_side.write if by_fairlead else data.write_by_hand
        fill(found, url)
        os.environ[serve.WHAT], os.environ[serve.URL] = options.what, url
        application = serve.application()
        requests = texts_of(ask, fairlead_side.Api() if by_fairlead else ByHand(), found)
        numbers = iter(range(10**7))
        repeat(application, requests, 200, numbers)
        print(
            f"{ask.key} {options.what}: {repeat(application, requests, options.count, numbers):,.0f} µs a request"
        )
        profiler = cProfile.Profile()
        profiler.enable()
        repeat(application, requests, options.count, numbers)
        profiler.disable()
        pstats.Stats(profiler).strip_dirs().sort_stats(options.sort).print_stats(options.lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
