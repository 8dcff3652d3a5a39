"""What changed from one revision to another, by meaning."""

from __future__ import annotations

from fairlead.compiled.changes import Change
from fairlead.config.source import SourceTree
from fairlead.work import revisions

from tests.support.world import World


def lines(changes: list[Change]) -> list[str]:
    return [change.line().partition("  (")[0] for change in changes]


def test_cf_51_a_new_name_is_one_change_both_ways(world: World) -> None:
    deal = "schemas/deal.yaml"
    renamed = world.files[deal].replace("  hot: {", "  warm: {was: hot, ")
    world.publish({deal: renamed.replace("max_length: 80", "max_length: 90")})
    widened = "~ entity.deal.fields.name.params.max_length: {} → {}"
    there = lines(revisions.difference(world.database, 1, 2))
    assert there == ["~ entity.deal.fields.warm: hot → warm", widened.format(80, 90)]
    back = lines(revisions.difference(world.database, 2, 1))
    assert back == ["~ entity.deal.fields.hot: warm → hot", widened.format(90, 80)]


def test_cf_51_a_folder_is_compared_like_a_revision(world: World) -> None:
    files = {
        **world.files,
        "schemas/deal.yaml": world.files["schemas/deal.yaml"].replace("en: Hot", "en: Warm"),
    }
    (change,) = revisions.difference(world.database, 1, SourceTree.from_mapping(files))
    assert change.line().startswith("~ entity.deal.fields.hot.label")
    assert revisions.difference(world.database, 1, SourceTree.from_mapping(world.files)) == []
