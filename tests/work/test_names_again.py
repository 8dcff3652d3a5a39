"""What is deleted and added again under its name is another thing: nothing of the first comes back to life (A-G11)."""

from __future__ import annotations

import sqlalchemy as sa

from tests.support.world import World

GUEST = "admin/role_guest.yaml"


def test_a_g11_a_role_of_a_former_name_is_not_given_to_whoever_comes_back(world: World) -> None:
    """Otto has left; his role is deleted, and another is made with its name and with many rights."""
    with world.database.write() as tx:
        tx.ddl("UPDATE sys_user SET active = false WHERE username = 'otto'")
    text = world.files[GUEST]
    world.publish({GUEST: None})
    world.publish({GUEST: text.replace("grants:", "grants:\n  deal: {read: all, update: all}")})
    (row,) = world.database.all(
        world.database.prepare(sa.text("SELECT roles FROM sys_user WHERE username = 'otto'"))
    )
    assert row[0] == "[]"
