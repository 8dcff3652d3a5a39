"""The small office at its screens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fairlead.work import passwords

from tests.support.world import open_world
from tests.web.desk import Screens, screens_of
from tests.web.office import OFFICE

passwords.use_cost("low")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    """An office with deals, notes, a board and a picture of rooms; one for each module of tests."""
    folder: Path = tmp_path_factory.mktemp("screens")
    with open_world(f"sqlite:///{folder / 'fairlead.sqlite3'}", OFFICE) as world:
        yield screens_of(world, demo=True)
