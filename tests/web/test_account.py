"""One's own account and notices at the screen."""

from __future__ import annotations

import re

from fairlead.base.texts import Label
from fairlead.store import notifications, people
from fairlead.work.passwords import hash_password

from tests.web.desk import Screens

PASSWORD = "a long enough word"


def give_password(office: Screens, who: str) -> None:
    """Give somebody a password."""
    with office.world.database.write() as tx:
        people.set_password_hash(tx, office.world.actors[who].id, hash_password(PASSWORD))


def test_the_page_says_who_i_am(office: Screens) -> None:
    text = office.as_("rui").text("/account")
    for expected in ("Rui", "rui", "Rep", "East", "Time zone"):
        assert expected in text
    assert office.as_("rui").get("/me").headers["Location"] == "/account"
    assert office.stranger().get("/account").status_code == 302


def test_settings_are_kept(office: Screens) -> None:
    answer = office.as_("sana").post(
        "/account/settings", {"language": "zh", "zone": "Europe/Berlin", "theme": "dark"}
    )
    assert answer.status_code == 303
    kept = people.account(office.world.database, office.world.actors["sana"].id)
    assert kept is not None
    assert (kept.language, kept.zone, kept.theme) == ("zh", "Europe/Berlin", "dark")
    assert "个人设置" in office.as_("sana").text("/account")
    office.as_("sana").post("/account/settings", {"language": "en", "zone": "Asia/Shanghai", "theme": "auto"})


def test_a_choice_that_is_none_is_refused(office: Screens) -> None:
    answer = office.as_("sana").post("/account/settings", {"language": "xx", "zone": "Mars/Base"})
    assert answer.status_code == 422
    assert office.as_("sana").post("/account/settings", {"theme": "dark"}, csrf=False).status_code == 403


def test_a_new_password_needs_the_old_one_and_ends_the_others(office: Screens) -> None:
    """A-U04."""
    give_password(office, "otto")
    otto = office.as_("otto")
    wrong = otto.post(
        "/account/password",
        {"old_password": "wrong", "new_password": "another long one", "again": "another long one"},
    )
    assert wrong.status_code == 422
    assert "not your present password" in wrong.text
    differs = otto.post(
        "/account/password", {"old_password": PASSWORD, "new_password": "another long one", "again": "else"}
    )
    assert "not the same" in differs.text
    short = otto.post(
        "/account/password", {"old_password": PASSWORD, "new_password": "short", "again": "short"}
    )
    assert short.status_code == 422
    made = otto.post("/account/tokens", {"name": "Nightly"})
    secret = re.search(r'value="(fl_[^"]+)"', made.text)
    assert secret is not None
    done = otto.post(
        "/account/password",
        {"old_password": PASSWORD, "new_password": "another long one", "again": "another long one"},
    )
    assert done.status_code == 303
    assert otto.get("/account").status_code == 200, "the one who changed it stays"
    answer = office.stranger().get("/api/v1/me", headers={"Authorization": f"Bearer {secret[1]}"})
    assert answer.status_code == 401


def test_a_token_is_shown_once_and_ends_when_told(office: Screens) -> None:
    mei = office.as_("mei")
    made = mei.post("/account/tokens", {"name": "Nightly export"})
    secret = re.search(r'value="(fl_[^"]+)"', made.text)
    assert secret is not None
    bearer = {"Authorization": f"Bearer {secret[1]}"}
    assert office.stranger().get("/api/v1/me", headers=bearer).status_code == 200
    page = mei.get("/account").text
    assert "Nightly export" in page
    assert secret[1] not in page
    id = re.search(r"/account/sessions/([^/]+)/end", page)
    assert id is not None
    assert office.as_("rui").post(f"/account/sessions/{id[1]}/end").status_code == 303, (
        "another's is not there"
    )
    assert office.stranger().get("/api/v1/me", headers=bearer).status_code == 200
    mei.post(f"/account/sessions/{id[1]}/end")
    assert office.stranger().get("/api/v1/me", headers=bearer).status_code == 401


def test_a_token_needs_a_name(office: Screens) -> None:
    assert office.as_("mei").post("/account/tokens", {"name": " "}).status_code == 422


def notify(office: Screens, who: str, text: str, link: str | None = None) -> str:
    """Tell somebody something; return the notice."""
    with office.world.database.write() as tx:
        notifications.add(
            tx,
            [office.world.actors[who].id],
            kind="due",
            text=Label({"en": text}),
            now="2026-05-06T04:00:00.000000Z",
            link=link,
        )
    return notifications.listing(office.world.database, office.world.actors[who].id)[0].id


def test_a_notice_is_read_by_opening_it(office: Screens) -> None:
    id = notify(office, "rui", "Look at this", link="/l/deal")
    rui = office.as_("rui")
    assert "Look at this" in rui.text("/notices")
    assert rui.get(f"/notices/{id}/read").status_code == 405, "a link marks nothing"
    answer = rui.post(f"/notices/{id}/read")
    assert answer.headers["Location"] == "/l/deal"
    assert "Look at this" not in rui.text("/notices?only=unread")


def test_notices_are_ones_own(office: Screens) -> None:
    id = notify(office, "rui", "Only for Rui")
    assert office.as_("sana").post(f"/notices/{id}/read").status_code == 404
    assert "Only for Rui" not in office.as_("sana").text("/notices")


def test_a_notice_leads_nowhere_else(office: Screens) -> None:
    """A-W04."""
    for link in ("//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)"):
        id = notify(office, "rui", "Strange", link=link)
        assert office.as_("rui").post(f"/notices/{id}/read").headers["Location"] == "/notices"


def test_all_are_read_at_once(office: Screens) -> None:
    notify(office, "mei", "One")
    office.as_("mei").post("/notices/read")
    assert "You have read everything" in office.as_("mei").text("/notices?only=unread")
