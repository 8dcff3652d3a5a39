"""Public sales data that nobody wrote for this project, brought in by the template's own mappings, figure by figure."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fairlead.base.errors import Forbidden
from fairlead.compiled.statement import prepare
from fairlead.store import people
from fairlead.work import doctor, exports, reading, reports
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Context
from fairlead.work.import_outcome import Summary
from fairlead.work.imports import import_file
from fairlead.work.queries import ListQuery

from tests.support.world import ROOT, World, open_world

DATA = ROOT.parent / "shared/data/b2b_sales"

FILES = (
    ("user", "sales_teams.csv", "b2b_managers"), ("team", "sales_teams.csv", "b2b_teams"),
    ("user", "sales_teams.csv", "b2b_agents"), ("customer", "accounts.csv", "b2b_accounts"),
    ("product", "products.csv", "b2b_products"), ("opportunity", "sales_pipeline.csv", "b2b_pipeline"),
)  # fmt: skip

WON_BY_MANAGER = {
    "Melvin Marxen": 2_251_930, "Summer Sewald": 1_964_750, "Rocco Neubert": 1_960_545, "Celia Rouche": 1_603_897,
    "Cara Losch": 1_130_049, "Dustin Brinkmann": 1_094_363,
}  # fmt: skip


@cache
def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def bring_in(world: World, entity: str, file: Path, mapping: str, **options: Any) -> Summary:
    return import_file(world.as_("system"), entity, file, connector=mapping, **options)


def as_named(world: World, name: str) -> Context:
    found = next(one for one in people.accounts(world.database) if one.name == name)
    return Context(world.app, world.database, actor_of(found), world.now, "api")


def count(ctx: Context, entity: str = "opportunity", **query: Any) -> int:
    found = reading.page(ctx, entity, ListQuery(page_size=1, count=True, **query)).total
    assert found is not None
    return found


def taken_out(ctx: Context) -> list[dict[str, str]]:
    text = b"".join(exports.export(ctx, "opportunity").chunks).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def number(world: World, sql: str) -> int:
    row = world.database.one(prepare(sa.text(sql), world.database.dialect))
    assert row is not None
    return int(row[0])


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """The general sales template, published into an empty database."""
    if not DATA.is_dir():
        pytest.fail(
            "The public sales data is missing: it belongs into shared/data/b2b_sales beside the repository."
        )
    with open_world(database_url, template="general_sales") as made:
        yield made


def test_the_whole_data_set(world: World) -> None:
    """One long journey, because the data is brought in once: people, customers, products, 8,800 deals."""
    for entity, file, mapping in FILES:
        summary = bring_in(world, entity, DATA / file, mapping)
        assert summary.quarantined == 0, summary.to_json()
        assert summary.done == summary.total == len(rows(file))
    everything = world.as_("system")

    # The figures that were computed apart, to the unit.
    by_stage = {row.keys[0]: row.values[0] for row in _report(everything, "sales_funnel").rows}
    assert by_stage == {"won": 4238, "lost": 2473, "needs": 1589, "first_contact": 500}
    assert count(everything) == 8800
    won = {row.labels[0].get("en"): Decimal(row.values[0]) for row in _report(everything, "won_by_team").rows}
    assert won == WON_BY_MANAGER
    assert count(everything, "customer") == 85
    assert count(everything, filter="record.customer == null") == 1425

    # The mess: a product written otherwise, sectors misspelt, parents that stand below their daughters.
    (pro,) = reading.page(everything, "product", ListQuery(filter="record.name == 'GTX Pro'")).items
    assert count(everything, filter=f"record.product == '{pro['id']}'") == sum(
        row["product"] == "GTXPro" for row in rows("sales_pipeline.csv")
    )
    assert count(everything, "customer", filter="record.industry == 'technology'") == 12
    assert count(everything, "customer", filter="record.parent != null") == 15

    _nothing_was_left_out(world)
    _everybody_sees_their_own(world)

    # The same files again change nothing at all.
    before = number(world, "SELECT count(*) FROM sys_event")
    for entity, file, mapping in FILES:
        summary = bring_in(world, entity, DATA / file, mapping)
        assert (summary.created, summary.updated, summary.quarantined) == (0, 0, 0), summary.to_json()
    assert number(world, "SELECT count(*) FROM sys_event") == before


def _report(ctx: Context, name: str) -> reports.ReportResult:
    # The engine has no role, and so no list of reports; an administrator's roles open them all.
    admin = next(one for one in people.accounts(ctx.database) if "admin" in one.roles)
    actor = actor_of(admin) if ctx.actor is SYSTEM else ctx.actor
    return reports.run(Context(ctx.app, ctx.database, actor, ctx.now, "api"), name)


def _nothing_was_left_out(world: World) -> None:
    """A batch leaves behind what a single record would: history, stage visits, search terms, planned moments."""
    assert (
        number(world, "SELECT count(*) FROM sys_event WHERE entity = 'opportunity' AND kind = 'import'")
        == 8800
    )
    assert number(world, "SELECT count(*) FROM sys_stage_visit WHERE entity = 'opportunity'") == 8800
    assert number(world, "SELECT count(*) FROM sys_job WHERE rule = 'opportunity_won'") == 4238
    assert number(world, "SELECT count(*) FROM sys_job WHERE queue <> 'bulk'") == 0
    everything = world.as_("system")
    basic = sum(row["product"] in ("GTX Basic", "GTX Plus Basic") for row in rows("sales_pipeline.csv"))
    assert count(everything, search="gtx basic") == basic
    # Kept totals, search terms, computed values: nothing that is kept beside the records would have to be mended.
    assert [found for found in doctor.examine(everything) if found.mend] == []
    event = world.database.one(
        prepare(
            sa.text("SELECT door, actor, version FROM sys_event WHERE entity = 'opportunity' LIMIT 1"),
            world.database.dialect,
        )
    )
    assert tuple(event or ()) == ("import", "system", 1)


def _everybody_sees_their_own(world: World) -> None:
    deals, teams = rows("sales_pipeline.csv"), rows("sales_teams.csv")
    of_agent = Counter(row["sales_agent"] for row in deals)
    of_manager: dict[str, set[str]] = defaultdict(set)
    for row in teams:
        of_manager[row["manager"]].add(row["sales_agent"])
    for row in teams:
        agent = as_named(world, row["sales_agent"])
        assert count(agent) == of_agent[row["sales_agent"]]
        assert (
            sum(line.values[0] for line in _report(agent, "sales_funnel").rows)
            == of_agent[row["sales_agent"]]
        )
        with pytest.raises(Forbidden):  # the template gives sales no export
            exports.export(agent, "opportunity")
    for name, agents in of_manager.items():
        manager = as_named(world, name)
        theirs = {row["opportunity_id"] for row in deals if row["sales_agent"] in agents}
        assert count(manager) == len(theirs)
        assert {row["source_ref"] for row in taken_out(manager)} == theirs
        (line,) = _report(manager, "won_by_team").rows
        assert (line.labels[0].get("en"), Decimal(line.values[0])) == (name, WON_BY_MANAGER[name])


def test_a_mended_row_is_added_once(world: World, tmp_path: Path) -> None:
    for entity, file, mapping in FILES[:-1]:
        bring_in(world, entity, DATA / file, mapping)
    lines = (DATA / "sales_pipeline.csv").read_text(encoding="utf-8-sig").splitlines()[:201]
    broken = [*lines]
    broken[3] = broken[3].replace(broken[3].split(",")[5], "2016-10-25")
    broken[7] = broken[7].replace(broken[7].split(",")[1], "Nobody Known")
    broken[150] = broken[150].replace(broken[150].split(",")[4], "Perhaps")
    file, rejected = tmp_path / "deals.csv", tmp_path / "rejected.csv"
    file.write_text("\n".join(broken), encoding="utf-8")

    first = bring_in(world, "opportunity", file, "b2b_pipeline", errors=rejected)
    assert (first.created, first.quarantined) == (197, 3)
    with rejected.open(encoding="utf-8-sig", newline="") as opened:
        told = {row["_line"]: row["_reason"] for row in csv.DictReader(opened)}
    assert set(told) == {"4", "8", "151"}
    assert told["4"].startswith("engage_date: This does not fit the format M/D/YYYY")
    assert told["8"] == "sales_agent: There is no person 'Nobody Known'."
    assert told["151"].startswith("deal_stage: “Perhaps” is not one of the options")

    mended = rejected.read_text(encoding="utf-8-sig")
    for wrong, line, place in (("2016-10-25", 3, 5), ("Nobody Known", 7, 1), ("Perhaps", 150, 4)):
        mended = mended.replace(wrong, lines[line].split(",")[place], 1)
    rejected.write_text(mended, encoding="utf-8")
    second = bring_in(world, "opportunity", rejected, "b2b_pipeline", errors=tmp_path / "again.csv")
    assert (second.created, second.total) == (3, 3), second.to_json()

    file.write_text("\n".join(lines), encoding="utf-8")
    third = bring_in(world, "opportunity", file, "b2b_pipeline")
    assert (third.created, third.updated, third.unchanged) == (0, 0, 200)
