"""What the server is told to serve: `granian --interface wsgi --factory bench.serve:application`.

The same server for everybody, one thread in each process: threads of one process would only wait for each other.
"""

from __future__ import annotations

import os
from typing import Any

from bench import compiled_by_hand, plain

WHAT, URL = "BENCH_WHAT", "BENCH_URL"


def application() -> Any:
    """Return the application that the environment names."""
    what, url = os.environ[WHAT], os.environ[URL]
    if what == "fairlead":
        from bench import fairlead_side

        return fairlead_side.application(url)
    module = {"plain": plain, "compiled": compiled_by_hand}[what.partition("_")[0]]
    return module.create_app(url, keeps_history=what.endswith("_history"))
