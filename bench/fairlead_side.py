"""Fairlead's side: the workspace published, the leads written in bulk, the API spoken to."""

from __future__ import annotations

from typing import Any


def available() -> bool:
    """Say whether the engine can be served yet."""
    return False


def application(url: str) -> Any:
    raise NotImplementedError
