"""Files as people have them: what fits comes in under the rules of every door, what does not is named."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from fairlead.base.errors import Failure, Invalid
from fairlead.store import people
from fairlead.store.database import Tx
from fairlead.work import reading, records
from fairlead.work.authentication import actor_of
from fairlead.work.import_outcome import Progress, Summary
from fairlead.work.imports import import_file
from fairlead.work.lookups import Directory, Same
from fairlead.work.queries import ListQuery

from tests.support.world import DEAL, World, open_world, refusal

MAPPED = {
    "workflows/old_deals.yaml": """
kind: connector
name: old_deals
label: {en: Old deals, zh: 旧交易}
entity: deal
key: [code]
on_existing: update
columns:
  code: {column: No}
  name: {column: Title}
  amount: {column: Value}
  stage: {column: State, values: {Offered: offer, Done: won}}
  owner: {column: Seller, lookup: name}
  close_on: {column: Closes, format: M/D/YYYY}
  region: {column: Area, values: {N: north}, default: south}
  hot: {constant: true}
decimal: ","
thousands: "."
""",
    "workflows/notes.yaml": """
kind: connector
name: old_notes
label: {en: Old notes, zh: 旧记录}
entity: note
columns:
  text: What
  about: {column: Deal, lookup: code, missing: create}
""",
}

ROLES = {
    "admin/role_clerk.yaml": """
kind: role
name: clerk
label: {en: Clerk, zh: 文员}
grants:
  deal: {read: own, create: own, update: own, import: own, fields: {margin: hidden, phone: readonly}}
""",
}


def file(folder: Path, *lines: str, name: str = "deals.csv") -> Path:
    found = folder / name
    found.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return found


def bring(world: World, path: Path, who: str = "ada", entity: str = "deal", **options: Any) -> Summary:
    return import_file(world.as_(who), entity, path, **options)


def told(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return {row["_line"]: row["_reason"] for row in csv.DictReader(opened)}


@pytest.fixture
def house(database_url: str) -> Any:
    """The small office with mappings and a clerk, who may import what becomes their own."""
    with open_world(database_url, {**DEAL, **MAPPED, **ROLES}) as made:
        with made.database.write() as tx:
            account = people.account_by_username(tx, "otto")
            assert account is not None
            people.update_user(tx, account, {"roles": ["clerk"]})
        account = people.account_by_username(made.database, "otto")
        assert account is not None
        made.actors["otto"] = actor_of(account)
        yield made


# ---------------------------------------------------------------- columns


def test_titles_are_names_or_labels_of_fields(world: World, tmp_path: Path) -> None:
    path = file(tmp_path, "名称,Amount,region,截止", '甲,"1,250.50",北区,2026-07-01', "乙,3万,South,")
    assert bring(world, path).created == 2
    one, two = world.sees("ada", order_by="amount")
    assert (one["name"], one["amount"], one["region"], one["close_on"]) == (
        "甲",
        "1250.50",
        "north",
        "2026-07-01",
    )
    assert (two["amount"], two["region"], two["close_on"]) == ("30000.00", "south", None)


@pytest.mark.parametrize(
    ("title", "code"),
    [("id", "readonly_field"), ("created_at", "readonly_field"), ("double", "readonly_field"), ("lines", "readonly_field"),
     ("amont", "unknown_column"), ("Name", "ambiguous_column")],
)  # fmt: skip
def test_a_column_that_cannot_be_read_stops_the_file(
    world: World, tmp_path: Path, title: str, code: str
) -> None:
    failure = refusal(bring, world, file(tmp_path, f"name,{title}", "x,y"))
    assert isinstance(failure, Invalid)
    assert [(error.field, error.code) for error in failure.errors] == [(title, code)]
    assert world.sees("ada") == []


def test_a_column_may_be_left_out_by_name(world: World, tmp_path: Path) -> None:
    summary = bring(world, file(tmp_path, "name,remark", "x,y"), skip=["Remark"])
    assert (summary.created, summary.unused_columns) == (1, ("remark",))


def test_a_mapping_says_which_columns_are_missing(house: World, tmp_path: Path) -> None:
    failure = refusal(bring, house, file(tmp_path, "Nr,Title,Value", "1,x,2"), connector="old_deals")
    assert isinstance(failure, Invalid)
    assert {error.field for error in failure.errors} == {"No", "State", "Seller", "Closes", "Area"}
    assert (
        refusal(bring, house, file(tmp_path, "a"), connector="old_deal").errors[0].code == "unknown_connector"
    )  # type: ignore[attr-defined]


# ---------------------------------------------------------------- rows


OLD = (
    "No,Title,Value,State,Seller,Closes,Area",
    '1,First,"1.250,50",Offered,Rui,3/31/2026,N',
    "2,Second,200,Done,Sana,,",
    "3,Third,,open,rui,12/1/2026,South",
)


def test_a_mapping_reads_words_numbers_dates_and_people(house: World, tmp_path: Path) -> None:
    summary = bring(house, file(tmp_path, *OLD), connector="old_deals")
    assert (summary.created, summary.quarantined) == (3, 0), summary.to_json()
    first, second, third = house.sees("ada", order_by="code")
    assert (first["amount"], first["stage"], first["close_on"], first["region"]) == (
        "1250.50",
        "offer",
        "2026-03-31",
        "north",
    )
    assert (second["stage"], second["region"], second["hot"]) == ("won", "south", True)
    rui = house.actors["rui"]
    assert (first["owner"], first["team"], third["owner"]) == (rui.id, rui.team, rui.id)
    assert first["double"] == "2501.00"  # formulas are worked out as anywhere
    assert house.sees("rui", search="thir") != []  # and words are found


def test_what_is_wrong_is_named_with_line_and_column(house: World, tmp_path: Path) -> None:
    path = file(
        tmp_path, OLD[0], OLD[1],
        "4,Bad date,1,open,Rui,2026-03-31,N",
        "5,,1,open,Rui,,",
        "6,Nobody,1,open,Nemo,,",
        "7,Too much,\"2.000.000,00\",open,Rui,,",
        ",No key,1,open,Rui,,",
        "8,\"Two\nlines\",x,Never,Rui,,",
        "9,Too long,1,open,Rui,,N,more,cells",
    )  # fmt: skip
    errors = tmp_path / "errors.csv"
    summary = bring(house, path, connector="old_deals", errors=errors)
    assert (summary.created, summary.quarantined, summary.done, summary.total) == (1, 7, 8, 8)
    assert told(errors) == {
        "3": "Closes: This does not fit the format M/D/YYYY.",
        "4": "Title: This is needed.",
        "5": "Seller: There is no person 'Nemo'.",
        "6": "Value: Too much.",
        "7": "No: Code is empty, so the row cannot be recognised when it comes again.",
        "8": "Title: There is a character in it that cannot be kept.; Value: This is not a number.; "
             "State: “Never” is not one of the options.",
        "10": "The row has more cells than the file has titles.",
    }  # fmt: skip
    assert {(one.field, one.code) for one in summary.reasons.values()} >= {
        ("close_on", "invalid"),
        ("name", "required"),
    }


def test_a_row_that_comes_again_is_recognised(house: World, tmp_path: Path) -> None:
    bring(house, file(tmp_path, *OLD), connector="old_deals")
    again = bring(house, file(tmp_path, *OLD), connector="old_deals")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)
    changed = bring(house, file(tmp_path, OLD[0], "3,Renamed,,open,Rui,,"), connector="old_deals")
    assert (changed.updated, changed.created) == (1, 0)
    third = house.sees("ada", filter="code == '3'")[0]
    # An empty cell says nothing about a record that is there.
    assert (third["name"], third["close_on"], third["version"]) == ("Renamed", "2026-12-01", 2)


@pytest.mark.parametrize(
    ("policy", "counts"), [("update", (1, 1, 0, 0)), ("skip", (1, 0, 1, 0)), ("quarantine", (1, 0, 0, 1))]
)
def test_a_key_twice_in_one_file(house: World, tmp_path: Path, policy: Any, counts: tuple[int, ...]) -> None:
    path = file(tmp_path, OLD[0], "1,Once,1,open,Rui,,", "1,Twice,1,open,Rui,,")
    summary = bring(house, path, connector="old_deals", on_existing=policy)
    assert (summary.created, summary.updated, summary.skipped, summary.quarantined) == counts
    dry = bring(house, file(tmp_path, OLD[0], "7,A,1,open,Rui,,", "7,B,1,open,Rui,,"), connector="old_deals",
                on_existing=policy, dry_run=True)  # fmt: skip
    assert (dry.created, dry.updated, dry.skipped, dry.quarantined) == counts


def test_a_dry_run_writes_nothing(house: World, tmp_path: Path) -> None:
    path = file(tmp_path, *OLD, "4,,1,open,Rui,,")
    summary = bring(house, path, connector="old_deals", dry_run=True)
    assert (summary.created, summary.quarantined, summary.dry_run) == (3, 1, True)
    assert house.sees("ada") == []


def test_a_reference_may_be_made_on_the_way(house: World, tmp_path: Path) -> None:
    path = file(tmp_path, "What,Deal", "Called,D-1", "Visited,D-1", "Wrote,D-2", name="notes.csv")
    refused = bring(house, path, entity="note", who="system", connector="old_notes")
    # A deal needs a name, and its code alone is none: the rule holds for what is made on the way as well.
    assert (refused.created, refused.quarantined) == (0, 3)
    house.create("ada", name="One", code="D-1")
    summary = bring(house, path, entity="note", who="system", connector="old_notes")
    assert (summary.created, summary.quarantined) == (2, 1)


def test_a_unique_value_is_taken_once(world: World, tmp_path: Path) -> None:
    world.create("ada", code="A")
    path = file(tmp_path, "name,code", "x,A", "y,B", "z,B")
    summary = bring(world, path, key=("name",))
    assert (summary.created, summary.quarantined) == (1, 2)
    assert [one.code for one in summary.reasons.values()] == ["duplicate"]


def test_what_is_unique_together_is_taken_once(database_url: str, tmp_path: Path) -> None:
    unique = DEAL["schemas/deal.yaml"] + "indexes: [{fields: [name, region], unique: true}]\n"
    with open_world(database_url, {**DEAL, "schemas/deal.yaml": unique}) as made:
        made.create("ada", name="x", region="north")
        path = file(tmp_path, "name,region", "x,north", "X,north", "x,south", "x,south", "x,")
        errors = tmp_path / "errors.csv"
        assert bring(made, path, errors=errors).created == 3
        assert told(errors) == {
            "2": "name: There is a record with this Name, Region already.",
            "5": "name: Line 4 has the same Name, Region.",
        }


def test_without_a_mapping_a_unique_field_is_the_key(world: World, tmp_path: Path) -> None:
    path = file(tmp_path, "name,code", "x,A", "y,B")
    assert bring(world, path).created == 2
    again = bring(world, path)
    assert (again.created, again.skipped) == (0, 2)


def test_one_row_that_spoils_the_writing_does_not_take_the_others_with_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The record with this code comes from somebody else between the question and the writing.
    world.create("ada", name="Faster", code="B")
    monkeypatch.setattr(Same, "find", lambda *_: {})
    summary = bring(world, file(tmp_path, "name,code", "x,A", "y,B", "z,C"))
    assert (summary.created, summary.quarantined) == (2, 1)
    assert [one.field for one in summary.reasons.values()] == ["code"]


# ---------------------------------------------------------------- rights


def test_whoever_may_not_import_does_not(world: World, tmp_path: Path) -> None:
    path = file(tmp_path, "name", "x")
    assert refusal(bring, world, path, "rui").code == "forbidden"
    assert refusal(bring, world, path, "otto").code == "not-found"


def test_fields_and_rows_of_others_stay_theirs(house: World, tmp_path: Path) -> None:
    failure = refusal(bring, house, file(tmp_path, "name,margin,phone", "x,0.5,13800138000"), "otto")
    assert [(error.field, error.code) for error in failure.errors] == [  # type: ignore[attr-defined]
        ("margin", "readonly_field"), ("phone", "readonly_field"),
    ]  # fmt: skip
    house.create("rui", name="Hers", code="R")
    path = file(tmp_path, "name,code,owner", "Mine,O,otto", "Taken,R,", "Given,G,rui")
    errors = tmp_path / "errors.csv"
    summary = bring(house, path, "otto", on_existing="update", errors=errors)
    assert (summary.created, summary.quarantined) == (1, 2)
    assert set(told(errors).values()) == {
        "There is such a record, and it is not yours to change.", "The record would lie outside of what you may create.",
    }  # fmt: skip
    assert [row["name"] for row in house.sees("otto")] == ["Mine"]


def test_capacity_counts_for_files_too(world: World, tmp_path: Path) -> None:
    path = file(tmp_path, "name,owner", *[f"d{number},rui" for number in range(7)])
    summary = bring(world, path, batch=2)
    assert (summary.created, summary.quarantined) == (5, 2)
    assert [one.code for one in summary.reasons.values()] == ["pool.holding-limit"]


def test_nobodys_records_go_to_the_pool(world: World, tmp_path: Path) -> None:
    bring(world, file(tmp_path, "name,owner", "free,"))
    (row,) = world.sees("ada")
    assert (row["owner"], row["pool"]) == (None, "deal_pool")


def test_a_stage_changes_only_as_a_person_could_change_it(house: World, tmp_path: Path) -> None:
    bring(house, file(tmp_path, *OLD), connector="old_deals")
    # From open to won there is a move, but its guard wants an amount.
    summary = bring(
        house, file(tmp_path, OLD[0], "3,Third,,Done,Rui,,"), connector="old_deals", errors=tmp_path / "e.csv"
    )
    assert summary.quarantined == 1
    assert told(tmp_path / "e.csv") == {"2": "An amount first."}
    summary = bring(house, file(tmp_path, OLD[0], "3,Third,5,Done,Sana,,"), connector="old_deals")
    assert summary.updated == 1
    (third,) = house.sees("ada", filter="code == '3'")
    assert (third["stage"], third["owner"]) == ("won", house.actors["sana"].id)


# ---------------------------------------------------------------- people


def test_people_and_teams_from_one_file(world: World, tmp_path: Path) -> None:
    path = file(tmp_path, "name,code,head,parent", "North,,Mei,hq", "South,south,,North", name="teams.csv")
    assert bring(world, path, entity="team").created == 2
    path = file(
        tmp_path, "姓名,email,team,角色", "Zoë O'Neill,zoe@example.com,North,rep", "张伟,,South,\"销售, manager\"",
        "Zoe O Neill,,,rep", "Bad,,Nowhere,rep", "Worse,,North,king", name="people.csv",
    )  # fmt: skip
    errors = tmp_path / "errors.csv"
    summary = bring(world, path, entity="user", key=("name",), errors=errors)
    assert (summary.created, summary.quarantined) == (3, 2)
    assert told(errors) == {"5": "team: There is no team 'Nowhere'.", "6": "角色: There is no role 'king'."}
    found = {one.username: one for one in people.accounts(world.database)}
    teams = {one.code: one.id for one in people.teams(world.database)}
    assert found["zoe.oneill"].teams == (teams["north"],)
    assert found["zhang.wei"].roles == ("rep", "manager")
    assert "zoe.o.neill" in found
    assert teams["south"] in found["mei"].oversees
    again = bring(world, path, entity="user", key=("name",), on_existing="update")
    assert (again.created, again.unchanged, again.quarantined) == (0, 3, 2)


def test_people_are_for_those_who_look_after_them(world: World, tmp_path: Path) -> None:
    assert refusal(bring, world, file(tmp_path, "name", "x"), "mei", "user").code == "forbidden"


def test_a_name_that_two_people_have_means_neither(world: World) -> None:
    with world.database.write() as tx:
        people.create_user(tx, username="rui2", name="Rui", created_at=world.as_("ada").stamp)
    directory = Directory(world.database)
    assert getattr(directory.person("Rui", "name"), "code", None) == "ambiguous"
    assert directory.person("rui2") != directory.person("rui", "username")


# ---------------------------------------------------------------- large files


def test_few_statements_for_many_rows(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    for name in ("run", "run_many", "one", "all"):
        plain = getattr(Tx, name)

        def counted(self: Tx, statement: Any, *args: Any, _plain: Any = plain) -> Any:
            ran.append(statement.sql)
            return _plain(self, statement, *args)

        monkeypatch.setattr(Tx, name, counted)
    path = file(
        tmp_path,
        "name,amount,owner",
        *[f"d{number},{number},{'rui' if number < 4 else 'ada'}" for number in range(9)],
    )
    seen: list[Progress] = []
    ada = world.as_("ada")
    with monkeypatch.context() as quiet:
        quiet.setattr("fairlead.work.import_records._Held.add", lambda *_: None)
        assert import_file(ada, "deal", path, progress=seen.append).created == 9
    assert len(ran) <= 8, ran
    assert [(one.done, one.total) for one in seen] == [(9, 9)]


def test_every_single_record_is_written_the_same_way(world: World, tmp_path: Path) -> None:
    """A record from a batch and one through the form differ in nothing but their ids."""
    bring(world, file(tmp_path, "name,amount,owner", "a,5,rui", "b,5,rui"))
    by_hand = records.create(
        world.as_("ada"), "deal", {"name": "a", "amount": "5", "owner": world.actors["rui"].id}
    )
    ids = [row["id"] for row in world.sees("ada")]
    rows = {id: world.get("ada", id) for id in ids}
    one, other = (
        rows[by_hand.id],
        next(row for id, row in rows.items() if id != by_hand.id and row["name"] == "a"),
    )
    assert {k: v for k, v in one.items() if k != "id"} == {k: v for k, v in other.items() if k != "id"}
    report = reading.page(world.as_("ada"), "deal", ListQuery(count=True)).total
    assert report == 3


def test_a_configuration_published_meanwhile_stops_the_import_and_blames_no_row(
    world: World, tmp_path: Path
) -> None:
    path = file(tmp_path, "name,code", *[f"d{number},c{number}" for number in range(5)])
    changed = DEAL["workflows/deal_stages.yaml"].replace("en: Open", "en: Begun")

    def publish(progress: Progress) -> None:
        if progress.done == 2:
            world.publish({"workflows/deal_stages.yaml": changed})

    assert refusal(bring, world, path, batch=2, progress=publish).code == "config_changed"
    assert len(world.sees("ada")) == 2
    again = bring(world, path, batch=2)
    assert (again.created, again.skipped, again.quarantined) == (3, 2, 0)


def test_failures_are_ours(world: World, tmp_path: Path) -> None:
    with pytest.raises(Failure):
        bring(world, file(tmp_path, ""))
