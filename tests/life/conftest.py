"""The small office, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.world import World, open_world


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A published workspace with Ada, Mei, Rui, Sana and Otto."""
    with open_world(database_url) as made:
        yield made
