"""Signing in and out at the browser."""

from __future__ import annotations

import re

import pytest
from fairlead.store import people
from fairlead.web.request import COOKIE
from fairlead.work import passwords
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.desk import Screens, words


@pytest.fixture(scope="module", autouse=True)
def _passwords(office: Screens) -> None:
    with office.world.database.write() as tx:
        for actor in office.world.actors.values():
            people.set_password_hash(tx, actor.id, passwords.hash_password("fairlead-demo"))


def token(page: str) -> str:
    """Return the token of the sign-in form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def attempt(
    browser: FlaskClient, username: str, password: str = "fairlead-demo", **more: str
) -> TestResponse:
    """Fill in the form and send it."""
    page = browser.get("/signin").text
    return browser.post(
        "/signin", data={"csrf_token": token(page), "username": username, "password": password, **more}
    )


def test_whoever_knows_the_password_comes_in(office: Screens) -> None:
    browser = office.stranger()
    answer = attempt(browser, "rui", next="/l/deal")
    assert (answer.status_code, answer.location) == (303, "/l/deal")
    cookie = answer.headers.get_all("Set-Cookie")[0]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    ("username", "password"), [("rui", "wrong"), ("nobody", "fairlead-demo"), ("rui", "")]
)
def test_everything_else_gets_the_same_sentence(office: Screens, username: str, password: str) -> None:
    answer = attempt(office.stranger(), username, password)
    assert answer.status_code == 401
    assert "do not fit" in words(answer) or "wrong" in words(answer).lower()
    assert f'value="{username}"' in answer.text, "what was typed stays"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test",
        "/\\evil.test",
        "https:evil.test",
        "https://evil.test/",
        "/\r\nSet-Cookie:a=b",
        "javascript:1",
        "",
    ],
)
def test_nobody_is_led_to_another_site(office: Screens, target: str) -> None:
    """A-W04."""
    assert attempt(office.stranger(), "rui", next=target).location == "/"


def test_a_cookie_planted_before_is_worth_nothing_after(office: Screens) -> None:
    """A-U03."""
    browser = office.stranger()
    attempt(browser, "rui")
    before = browser.get_cookie(COOKIE)
    assert before is not None
    fresh = office.stranger()
    fresh.set_cookie(COOKIE, before.value)
    page = office.stranger().get("/signin")
    form = re.search(r"fairlead_form=([^;]+)", ";".join(page.headers.get_all("Set-Cookie")))
    assert form
    fresh.set_cookie("fairlead_form", form[1])
    answer = fresh.post(
        "/signin", data={"csrf_token": form[1], "username": "sana", "password": "fairlead-demo"}
    )
    assert answer.status_code == 303
    assert browser.get("/").status_code == 302, "the old one is dead"


def test_a_form_of_another_browser_is_refused(office: Screens) -> None:
    stolen = token(office.stranger().get("/signin").text)
    answer = office.stranger().post(
        "/signin", data={"csrf_token": stolen, "username": "rui", "password": "fairlead-demo"}
    )
    assert answer.status_code == 403


def test_signing_out_ends_the_session_everywhere(office: Screens) -> None:
    browser = office.stranger()
    attempt(browser, "rui")
    kept = browser.get_cookie(COOKIE)
    page = browser.get("/").text
    csrf = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert kept
    assert csrf
    assert browser.post("/signout", data={"csrf_token": csrf[1]}).location == "/signin"
    browser.set_cookie(COOKIE, kept.value)
    assert browser.get("/").status_code == 302


def test_strangers_are_led_back_after_signing_in(office: Screens) -> None:
    answer = office.stranger().get("/l/deal?view=all")
    assert answer.status_code == 302
    assert answer.location == "/signin?next=/l/deal%3Fview%3Dall"


def test_a_part_of_a_page_is_told_that_the_session_is_over(office: Screens) -> None:
    assert office.stranger().get("/l/deal/count", headers={"HX-Request": "true"}).status_code == 401


def test_the_demonstration_offers_its_accounts(office: Screens) -> None:
    text = words(office.stranger().get("/signin"))
    assert "Demo accounts" in text
    assert "rui" in text


def test_the_page_speaks_the_chosen_language(office: Screens) -> None:
    browser = office.stranger()
    assert browser.get("/signin?lang=zh").status_code == 303
    assert "登录" in words(browser.get("/signin"))


def test_a_person_changes_the_language_where_they_are(office: Screens) -> None:
    ada = office.as_("ada")
    assert ada.post("/me/language", {"lang": "zh", "next": "/l/deal"}).location == "/l/deal"
    assert "交易" in ada.text("/l/deal")
    ada.post("/me/language", {"lang": "en", "next": "/"})
    assert ada.post("/me/language", {"lang": "xx"}).status_code in (403, 422)


def test_every_page_is_safe_to_show(office: Screens) -> None:
    """A-W07."""
    headers = office.as_("rui").get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Referrer-Policy" in headers
