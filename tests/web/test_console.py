"""The administration: who may enter which room, and what can be done there."""

from __future__ import annotations

import re

import pytest
from fairlead.store import jobs as store
from fairlead.store import people
from fairlead.store.jobs import NewJob

from tests.web.desk import PART, Screens, words

NOW = "2026-05-06T04:00:00.000000Z"
ROOMS = ("", "people/", "people/new/", "teams/", "roles/", "jobs/", "revisions/", "revisions/1", "history/")


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_opens_for_an_administrator(office: Screens, room: str) -> None:
    assert office.as_("ada").get(f"/console/{room}").status_code == 200


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_closed_to_the_others(office: Screens, room: str) -> None:
    assert office.as_("rui").get(f"/console/{room}").status_code == 403
    assert office.as_("mei").get(f"/console/{room}").status_code == 403
    assert office.stranger().get(f"/console/{room}").status_code == 302


def test_every_address_of_the_administration_is_guarded(office: Screens) -> None:
    """Those that the package adds by itself as well."""
    rules = [rule for rule in office.app.url_map.iter_rules() if str(rule).startswith("/console")]
    assert len(rules) > 20
    for rule in rules:
        path = re.sub(r"<[^>]*>", "1", str(rule))
        for method in {"GET", "POST"} & set(rule.methods):
            send = office.as_("rui").get if method == "GET" else office.as_("rui").post
            assert send(path).status_code in (403, 404, 405), (method, path)


def test_nothing_of_the_packages_own_look_leaks(office: Screens) -> None:
    for room in ROOMS:
        page = office.as_("ada").get(f"/console/{room}").text
        assert not re.search(r"bootstrap|jquery|select2|onclick|javascript:|style=", page), room
    for path in (
        "/console/static/vendor/jquery.min.js",
        "/console/static/admin/css/bootstrap4/admin.css",
        "/admin/static/x.js",
    ):
        assert office.as_("ada").get(path).status_code == 404


def test_a_write_needs_the_token_of_the_page(office: Screens) -> None:
    ada = office.as_("ada")
    for path in ("people/new/", "teams/delete/", "people/action/", "jobs/retry-all", "revisions/1/rollback"):
        assert ada.post(f"/console/{path}", csrf=False).status_code == 403, path


def test_a_person_is_added_changed_and_closed(office: Screens) -> None:
    ada = office.as_("ada")
    given = {
        "name": "Pia",
        "username": "pia",
        "roles": ["rep"],
        "teams": [],
        "password": "a long enough word",
    }
    answer = ada.post("/console/people/new/", given)
    assert answer.status_code == 302
    account = people.account_by_username(office.world.database, "pia")
    assert account is not None
    assert account.roles == ("rep",)
    ada.post(
        f"/console/people/edit/?id={account.id}",
        {"name": "Pia P.", "username": "pia", "roles": ["rep", "guest"]},
    )
    changed = people.account(office.world.database, account.id)
    assert changed is not None
    assert (changed.name, changed.roles) == ("Pia P.", ("rep", "guest"))
    assert "Who takes over" in words(ada.get(f"/console/people/{account.id}/close", PART))
    ada.post(f"/console/people/{account.id}/close", headers=PART)
    closed = people.account(office.world.database, account.id)
    assert closed is not None
    assert not closed.active
    assert "Pia P." in ada.text("/console/people/?state=closed")
    assert "Pia P." not in ada.text("/console/people/")


def test_what_cannot_be_kept_stands_beside_its_field(office: Screens) -> None:
    answer = office.as_("ada").post(
        "/console/people/new/", {"name": "Double", "username": "rui", "roles": ["nothing"]}
    )
    assert answer.status_code == 422
    assert "Double" in answer.text, "what was typed stays"
    assert "There is no role" in words(answer)


def test_nobody_changes_their_own_roles(office: Screens) -> None:
    ada = office.world.actors["ada"]
    answer = office.as_("ada").post(
        f"/console/people/edit/?id={ada.id}", {"name": "Ada", "username": "ada", "roles": ["rep"]}
    )
    assert answer.status_code == 422
    assert "own roles" in words(answer)
    answer = office.as_("ada").post(f"/console/people/{ada.id}/close", headers=PART)
    assert answer.status_code == 422


def test_no_secret_is_on_any_page(office: Screens) -> None:
    """A-U11."""
    for room in ("people/", f"people/edit/?id={office.world.actors['rui'].id}", "history/"):
        page = office.as_("ada").get(f"/console/{room}").text
        assert "argon2" not in page
        assert "fl_" not in page


def test_people_are_found_by_name(office: Screens) -> None:
    text = office.as_("ada").text("/console/people/?search=sana")
    assert "Sana" in text
    assert "Rui" not in text


def test_teams_are_a_tree(office: Screens) -> None:
    ada = office.as_("ada")
    top = people.team_by_code(office.world.database, "hq")
    assert top is not None
    assert (
        ada.post("/console/teams/new/", {"name": "North", "code": "north", "parent_id": top.id}).status_code
        == 302
    )
    made = people.team_by_code(office.world.database, "north")
    assert made is not None
    circle = ada.post(
        f"/console/teams/edit/?id={top.id}", {"name": "Headquarters", "code": "hq", "parent_id": made.id}
    )
    assert circle.status_code == 422
    ada.post(f"/console/teams/{top.id}/delete")
    assert people.team_by_code(office.world.database, "hq") is not None, "it has people and teams"
    ada.post(f"/console/teams/{made.id}/delete")
    assert people.team_by_code(office.world.database, "north") is None


def test_roles_say_what_they_grant(office: Screens) -> None:
    text = office.as_("ada").text("/console/roles/?role=rep")
    for expected in ("Deal", "own", "hidden", "Margin", "admin/role_rep.yaml"):
        assert expected in text


@pytest.fixture
def dead(office: Screens) -> str:
    """A job that failed for good."""
    with office.world.database.write() as tx:
        failed = NewJob("mail", NOW, state="dead", error="The outside is away")
        id = store.enqueue(tx, failed, now=NOW)
    assert id is not None
    return id


def test_a_job_is_run_again_or_left(office: Screens, dead: str) -> None:
    ada = office.as_("ada")
    assert "The outside is away" in ada.text("/console/jobs/?state=dead")
    assert "Work that is stuck" in ada.text("/console/")
    assert "The outside is away" in ada.text(f"/console/jobs/details/?id={dead}")
    ada.post(f"/console/jobs/{dead}/retry", headers=PART)
    found = store.by_id(office.world.database, dead)
    assert found is not None
    assert found.state == "ready"
    ada.post(f"/console/jobs/{dead}/skip", headers=PART)
    found = store.by_id(office.world.database, dead)
    assert found is not None
    assert found.state == "skipped"


def test_a_revision_shows_what_it_changed_and_the_way_back(office: Screens) -> None:
    world, ada = office.world, office.as_("ada")
    before = world.app.revision
    label = world.files["admin/by_stage.yaml"]
    world.publish({"admin/by_stage.yaml": label.replace("By stage", "Per stage")}, message="Another name")
    now = world.app.revision
    assert "Another name" in ada.text("/console/revisions/")
    page = ada.get(f"/console/revisions/{before}").text
    seal = re.search(r'name="seal" value="([^"]+)"', page)
    assert seal is not None
    stale = ada.post(f"/console/revisions/{before}/rollback", {"seal": "something else"})
    assert stale.headers["Location"] == f"/console/revisions/{before}"
    assert world.app.revision == now
    ada.post(f"/console/revisions/{before}/rollback", {"seal": seal[1]})
    assert world.app.revision == now + 1
    assert world.app.workspace.reports["by_stage"].label.get("en") == "By stage"


def test_the_way_back_tells_who_gains_and_who_loses_with_counts(office: Screens) -> None:
    world, ada = office.world, office.as_("ada")
    before = world.app.revision
    role = world.files["admin/role_guest.yaml"]
    world.create("rui", name="Widely seen")
    world.publish({"admin/role_guest.yaml": role.replace("grants:", "grants:\n  deal: {read: all}")})
    page = ada.text(f"/console/revisions/{before}")
    for told in ("Who gains and who loses", "Guest", "Lost", "1 of 1 people lose", "admin/role_guest.yaml"):
        assert told in page
    world.publish({"admin/role_guest.yaml": role})


def test_history_reads_as_people_read(office: Screens) -> None:
    id = office.world.create("rui", name="Watched", amount="10")
    office.world.change("ada", id, margin="0.42")
    text = office.as_("ada").text("/console/history/?entity=deal")
    assert "Watched" in text
    assert "42 %" in text
