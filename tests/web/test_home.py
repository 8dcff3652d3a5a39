"""The first screen: what is due, what is about to be lost, what the menu opens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.web.desk import Screens, counted, words


def day(offset: int) -> str:
    """Return a date so many days from today, where the people are."""
    return (datetime.now(UTC) + timedelta(hours=8, days=offset)).date().isoformat()


def test_what_is_due_stands_there_the_latest_first(office: Screens) -> None:
    office.world.create("rui", name="Late deal", close_on=day(-2))
    office.world.create("rui", name="Today's deal", close_on=day(0))
    office.world.create("rui", name="Later deal", close_on=day(9))
    office.world.create("sana", name="Not his", close_on=day(-1))
    text = office.as_("rui").text("/").partition("About to go back")[0]
    assert "Late deal" in text
    assert text.index("Late deal") < text.index("Today's deal")
    assert "2 d late" in text
    assert "2 due, 1 overdue" in text
    assert "Later deal" not in text
    assert "Not his" not in text


def test_whoever_heads_a_team_sees_what_the_team_has_due(office: Screens) -> None:
    text = office.as_("mei").text("/").partition("About to go back")[0]
    assert "my team" in text
    assert "Not his" in text
    assert "Sana" in text


def test_what_is_about_to_be_lost_is_told_in_time(office: Screens) -> None:
    from fairlead.compiled.statement import prepare
    from sqlalchemy import text as sql

    id = office.world.create("rui", name="Slipping away")
    soon = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    with office.world.database.write() as tx:
        tx.run(
            prepare(sql("UPDATE e_deal SET due_at = :soon WHERE id = :id"), tx.dialect),
            {"soon": soon, "id": id},
        )
    assert "Slipping away" in office.as_("rui").text("/")
    assert "Slipping away" not in office.as_("sana").text("/")


def test_nothing_due_says_so(office: Screens) -> None:
    assert "Nothing is due today" in office.as_("ada").text("/") or "my team" in office.as_("ada").text("/")
    assert office.as_("otto").get("/").status_code == 200


def test_the_menu_opens_only_what_the_role_opens(office: Screens) -> None:
    assert 'href="/l/deal"' in office.as_("rui").get("/").text
    page = office.as_("otto").get("/").text
    assert 'href="/l/deal"' not in page
    assert 'href="/b/deal_board"' not in page
    assert 'href="/reports/by_stage"' in page
    assert 'href="/r/deal/new"' not in page


def test_only_those_who_may_configure_see_the_way_there(office: Screens) -> None:
    assert 'href="/studio"' in office.as_("ada").get("/").text
    assert 'href="/studio"' not in office.as_("rui").get("/").text


def test_the_first_screen_takes_few_statements(office: Screens) -> None:
    for who in ("rui", "mei", "ada", "otto"):
        office.as_(who).get("/")
        with counted() as ran:
            answer = office.as_(who).get("/")
        assert len(ran) <= 10, ran
        assert len(answer.data) < 100_000


def test_every_text_is_there_in_both_languages() -> None:
    import re
    from pathlib import Path

    import fairlead.web
    from fairlead.web.texts import texts

    folder = Path(fairlead.web.__file__).parent
    known = texts()
    assert not [key for key, entry in known.items() if not entry.get("en") or not entry.get("zh")]
    places = re.compile(r"\{(\w+)\}")
    differ = [k for k, e in known.items() if set(places.findall(e["en"])) != set(places.findall(e["zh"]))]
    assert set(differ) <= {"screens.long_date"}, differ
    used: dict[str, str] = {}
    for path in [*folder.rglob("*.html"), *folder.rglob("*.py")]:
        for key in re.findall(r"""\bt\(\s*["']([a-z_]+\.[a-z_0-9]+)["']""", path.read_text(encoding="utf-8")):
            used.setdefault(key, path.name)
    # A key that ends in an underscore is the beginning of several.
    missing = {
        k: n
        for k, n in used.items()
        if k not in known and not (k.endswith("_") and any(o.startswith(k) for o in known))
    }
    assert not missing


def test_words_are_words(office: Screens) -> None:
    assert "kit." not in words(office.as_("rui").get("/"))
