"""2. The same without `was`: the values go out of sight, the way to a rename is shown, and "yes" alone is not enough."""

from __future__ import annotations

from fairlead.config.rename import rename, target_of
from fairlead.config.source import SourceTree
from fairlead.work import publishing

from tests.support.bulk import ask, deals
from tests.support.world import World, refusal


def test_scenario_02_a_field_that_goes_and_one_that_comes_are_not_guessed_to_be_one(world: World) -> None:
    deals(world, 40, phone="'+86139' || CAST(10000000 + n AS TEXT)")
    tree = SourceTree.from_mapping(world.files)
    world.files = rename(tree, target_of("entity.deal.fields.phone"), "mobile", remember=False).tree.mapping()
    plan = world.plan()
    assert plan.grade == "lossy"
    gone, come = (
        next(one for one in plan.changes if one.path == ("entity", "deal", "fields", name))
        for name in ("phone", "mobile")
    )
    assert (gone.action, gone.grade, gone.count) == ("remove", "lossy", 40) and len(gone.samples) == 5
    assert "rename it to mobile" in str(gone.note) and "was: phone" in str(gone.note)
    assert (come.action, come.grade) == ("add", "safe")
    # Answering "yes" is `apply` without consent to losing anything (CF-21).
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.needs-consent"
    assert ask(world, "SELECT count(phone) FROM e_deal") == [(40,)]
    publishing.apply(world.database, plan, author="ada", allow_destructive=True)
    assert ask(world, "SELECT count(mobile), count(_2_phone) FROM e_deal") == [(0, 40)]
