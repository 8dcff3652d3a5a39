"""Signing in, and looking after people: who may, who may not, and what ends when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fairlead.base.errors import Failure, Forbidden, Invalid, NotFound, Refused, TooMany
from fairlead.store import history, jobs, sessions
from fairlead.store import people as store
from fairlead.store.database import Database
from fairlead.store.sessions import NewSession
from fairlead.work import passwords, people
from fairlead.work.authentication import authenticate

from tests.work.small_house import House

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def cheap_passwords() -> None:
    passwords.use_cost("low")


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    database = Database(database_url)
    yield House.open(database)
    database.close()


def give_password(house: House, name: str, password: str = PASSWORD) -> None:
    with house.database.write() as tx:
        store.set_password_hash(tx, house.ids[name], passwords.hash_password(password))


def sign_in(
    house: House, name: str, password: str = PASSWORD, address: str = "10.0.0.1", **more: str
) -> NewSession:
    return people.sign_in(house.database, name, password, address=address, now=house.clock(), **more)  # type: ignore[arg-type]


def who(house: House, secret: str) -> str | None:
    found = authenticate(house.database, secret, house.ctx("system").stamp)
    return found.actor.username if found else None


def codes(failure: Failure) -> list[str]:
    assert isinstance(failure, Invalid)
    return [f"{error.field}.{error.code}" for error in failure.errors]


# ---------------------------------------------------------------- signing in


def test_sign_in_and_out(house: House) -> None:
    """The secret leads to the person until the session ends."""
    give_password(house, "rui")
    session = sign_in(house, "  RUI ")
    assert who(house, session.secret) == "rui"
    people.sign_out(house.database, session.secret)
    assert who(house, session.secret) is None


def test_session_ends_by_itself(house: House) -> None:
    """A week later one signs in again."""
    give_password(house, "rui")
    session = sign_in(house, "rui")
    house.clock.advance(people.WEB_SESSION)
    assert who(house, session.secret) is None


def test_cookie_from_before_is_worth_nothing(house: House) -> None:
    """Signing in gives a new secret and ends the old one."""
    give_password(house, "rui")
    planted = sign_in(house, "rui").secret
    fresh = sign_in(house, "rui", replaces=planted).secret
    assert who(house, planted) is None
    assert who(house, fresh) == "rui"


@pytest.mark.parametrize("name", ["rui", "nobody", "closed", ""])
def test_all_wrong_answers_are_the_same(house: House, name: str) -> None:
    """A wrong password, an unknown name, a closed account: nobody learns which."""
    give_password(house, "rui")
    give_password(house, "sana")
    people.deactivate(house.ctx("ada"), house.ids["sana"])
    with pytest.raises(Refused) as failure:
        sign_in(house, "sana" if name == "closed" else name, PASSWORD if name == "closed" else "wrong")
    assert (failure.value.code, failure.value.status) == ("auth.wrong", 401)


@pytest.mark.parametrize("password", ["x" * 1_000_000, "\ud800" * 10, "", "a\x00b" * 5])
def test_strange_passwords_are_just_wrong(house: House, password: str) -> None:
    """No size and no character breaks anything."""
    give_password(house, "rui")
    with pytest.raises(Refused):
        sign_in(house, "rui", password)


@pytest.mark.parametrize("password", ["  spaces stay ", "🏠" * 200, "nul\x00inside", "密码密码密码密码"])
def test_password_is_what_was_typed(house: House, password: str) -> None:
    """Nothing is trimmed or cut off."""
    give_password(house, "rui", password)
    assert who(house, sign_in(house, "rui", password).secret) == "rui"
    with pytest.raises(Refused):
        sign_in(house, "rui", password.strip(" ") + "." if password.startswith(" ") else password[:-1])


def test_guessing_ends_with_a_wait(house: House) -> None:
    """After ten guesses from one place not even the right password is looked at; later it is."""
    give_password(house, "rui")
    for _ in range(people.PER_ACCOUNT_AND_ADDRESS):
        with pytest.raises(Refused):
            sign_in(house, "rui", "guess")
    with pytest.raises(TooMany) as failure:
        sign_in(house, "rui")
    assert 0 < failure.value.retry_after_s <= people.WINDOW.total_seconds()
    house.clock.advance(people.WINDOW)
    assert who(house, sign_in(house, "rui").secret) == "rui"


def test_guesses_from_everywhere_do_not_lock_the_owner_out(house: House) -> None:
    """A known place still gets in while all others are held off."""
    give_password(house, "rui")
    sign_in(house, "rui", address="office")
    for number in range(people.PER_ACCOUNT):
        with pytest.raises(Refused):
            sign_in(house, "rui", "guess", address=f"10.1.{number}.1")
    with pytest.raises(TooMany):
        sign_in(house, "rui", address="somewhere new")
    assert who(house, sign_in(house, "rui", address="office").secret) == "rui"


def test_last_use_is_noted_now_and_then(house: House) -> None:
    """Not at every request."""
    give_password(house, "rui")
    session = sign_in(house, "rui")

    def used() -> str | None:
        found = authenticate(house.database, session.secret, house.ctx("system").stamp)
        assert found is not None
        people.note_use(house.database, found.hash, found.last_used_at, house.clock())
        again = authenticate(house.database, session.secret, house.ctx("system").stamp)
        return again.last_used_at if again else None

    first = used()
    house.clock.advance(timedelta(minutes=4))
    assert used() == first
    house.clock.advance(timedelta(minutes=2))
    assert used() != first


# ---------------------------------------------------------------- tokens and passwords


def test_tokens_are_ones_own(house: House) -> None:
    """Nobody makes or ends somebody else's."""
    made = people.create_token(house.ctx("rui"), "script")
    assert made.secret.startswith(sessions.TOKEN_PREFIX)
    assert who(house, made.secret) == "rui"
    with pytest.raises(Forbidden):
        people.create_token(house.ctx("ada"), "spy", user_id=house.ids["rui"])
    with pytest.raises(NotFound):
        people.end_session(house.ctx("sana"), made.public_id)
    (listed,) = people.tokens(house.ctx("rui"))
    assert made.secret not in repr(listed)
    people.end_session(house.ctx("rui"), made.public_id)
    assert who(house, made.secret) is None


def test_new_password_ends_all_other_sessions(house: House) -> None:
    """The session that asked stays."""
    give_password(house, "rui")
    here, elsewhere = sign_in(house, "rui"), sign_in(house, "rui")
    token = people.create_token(house.ctx("rui"), "script")
    with pytest.raises(Invalid) as failure:
        people.change_password(house.ctx("rui"), "wrong", "a new password")
    assert codes(failure.value) == ["old_password.wrong"]
    keep = sessions.hash_of(here.secret)
    people.change_password(house.ctx("rui"), PASSWORD, "a new password", keep_session=keep)
    assert [who(house, one.secret) for one in (here, elsewhere, token)] == ["rui", None, None]
    sign_in(house, "rui", "a new password")


def test_own_settings(house: House) -> None:
    """Language, zone and theme are one's own business; roles are not."""
    changed = people.change_settings(
        house.ctx("rui"), {"language": "zh", "zone": "Europe/Berlin", "theme": "dark"}
    )
    assert (changed.language, changed.zone, changed.theme) == ("zh", "Europe/Berlin", "dark")
    for key, value in (("zone", "Mars/Base"), ("theme", "pink"), ("roles", ["admin"])):
        with pytest.raises(Invalid):
            people.change_settings(house.ctx("rui"), {key: value})


# ---------------------------------------------------------------- looking after people


def test_only_who_may(house: House) -> None:
    """Without the capability there is nothing to see and nothing to do."""
    rui = house.ctx("rui")
    for call in (
        lambda: people.accounts(rui),
        lambda: people.create_user(rui, {"username": "x", "name": "X"}),
        lambda: people.update_user(rui, house.ids["rui"], {"roles": ["admin"]}),
        lambda: people.deactivate(rui, house.ids["sana"]),
        lambda: people.create_team(rui, {"code": "t", "name": "T"}),
    ):
        with pytest.raises(Forbidden):
            call()
    assert [line.username for line in people.directory(rui)] == ["ada", "cleo", "rui", "sana"]


def test_nobody_lends_what_they_do_not_have(house: House) -> None:
    """Cleo looks after people, and can make nobody mightier than herself, herself included."""
    cleo = house.ctx("cleo")
    for call in (
        lambda: people.create_user(cleo, {"username": "x", "name": "X", "roles": ["admin"]}),
        lambda: people.update_user(cleo, house.ids["rui"], {"roles": ["admin"]}),
        lambda: people.update_user(cleo, house.ids["ada"], {"password": "taken over"}),
        lambda: people.deactivate(cleo, house.ids["ada"]),
        lambda: people.update_user(cleo, house.ids["cleo"], {"roles": ["rep"]}),
    ):
        with pytest.raises(Forbidden):
            call()
    people.update_user(cleo, house.ids["rui"], {"roles": ["clerk"]})


def test_somebody_must_be_left(house: House) -> None:
    """The last who can look after people cannot be closed or demoted, and nobody closes themselves."""
    ada = house.ctx("ada")
    with pytest.raises(Refused) as failure:
        people.deactivate(ada, house.ids["ada"])
    assert failure.value.code == "people.own-account"
    people.deactivate(ada, house.ids["cleo"])
    with pytest.raises(Forbidden):
        people.update_user(ada, house.ids["ada"], {"roles": ["rep"]})
    house.ids["eve"] = people.create_user(ada, {"username": "eve", "name": "Eve", "roles": ["admin"]})
    with pytest.raises(Refused) as failure:
        both_close_each_other(house)
    assert failure.value.code == "people.last-admin"


def both_close_each_other(house: House) -> None:
    """Two administrators whose requests were both let in before either was done."""
    ada, eve = house.ctx("ada"), house.ctx("eve")
    people.deactivate(ada, house.ids["eve"])
    people.deactivate(eve, house.ids["ada"])


def test_closing_an_account_ends_everything_at_once(house: House) -> None:
    """Sessions and tokens stop with the transaction that closes it."""
    give_password(house, "rui")
    session, token = sign_in(house, "rui"), people.create_token(house.ctx("rui"), "script")
    people.deactivate(house.ctx("ada"), house.ids["rui"])
    assert [who(house, one.secret) for one in (session, token)] == [None, None]
    people.activate(house.ctx("ada"), house.ids["rui"])
    assert who(house, session.secret) is None
    sign_in(house, "rui")


def test_every_wrong_value_is_named(house: House) -> None:
    """All at once, with what was perhaps meant."""
    with pytest.raises(Invalid) as failure:
        people.create_user(
            house.ctx("ada"),
            {
                "username": "a b",
                "roles": ["rpe"],
                "email": "nowhere",
                "zone": "Asia/Shangai",
                "nmae": "x",
                "active": "yes",
            },
        )
    assert sorted(codes(failure.value)) == [
        "active.invalid", "email.invalid", "name.required", "nmae.unknown_field", "roles.unknown_option",
        "username.invalid", "zone.unknown_option",
    ]  # fmt: skip
    assert "'rep'" in str(failure.value.errors)


@pytest.mark.parametrize("name", ["", " ", "a\u202eb", "x" * 121, "a\x00", 5, None])
def test_names_that_cannot_be_kept(house: House, name: object) -> None:
    """Nothing invisible, nothing endless."""
    with pytest.raises(Invalid):
        people.create_user(house.ctx("ada"), {"username": "new", "name": name})


def test_addresses_differ_by_more_than_case(house: House) -> None:
    """Two spellings of one address are one; a look-alike letter is another."""
    ada = house.ctx("ada")
    people.update_user(ada, house.ids["rui"], {"email": "Mike@Example.org"})
    with pytest.raises(Invalid) as failure:
        people.update_user(ada, house.ids["sana"], {"email": "MIKE@EXAMPLE.ORG"})
    assert codes(failure.value) == ["email.duplicate"]
    people.update_user(ada, house.ids["sana"], {"email": "mıke@example.org"})
    found = store.account_by_email(house.database, "mike@example.org")
    assert found is not None
    assert found.username == "rui"


def test_user_names_that_look_the_same_are_one(house: House) -> None:
    """Case and full-width letters do not make another person."""
    with pytest.raises(Invalid) as failure:
        people.create_user(house.ctx("ada"), {"username": "ＲＵＩ", "name": "Other"})
    assert codes(failure.value) == ["username.duplicate"]


def test_history_tells_what_changed_but_no_password(house: House) -> None:
    """Who made whom what, and when."""
    ada = house.ctx("ada")
    user_id = people.create_user(ada, {"username": "new", "name": "New", "password": "a secret one"})
    people.update_user(ada, user_id, {"roles": ["rep"], "password": "another secret"})
    events = history.of_record(house.database, user_id)
    assert [(event.kind, event.actor) for event in events] == [
        ("update", house.ids["ada"]),
        ("create", house.ids["ada"]),
    ]
    assert events[0].changes == {"roles": [[], ["rep"]]}
    assert "secret" not in repr(events)
    assert "argon2" not in repr(people.accounts(ada))


def test_teams_make_no_circle_and_are_not_lost(house: House) -> None:
    """A team below itself, an unknown head, a team with members: refused."""
    ada = house.ctx("ada")
    top = people.create_team(ada, {"code": "top", "name": "Top"})
    low = people.create_team(
        ada, {"code": "low", "name": "Low", "parent_id": top, "head_id": house.ids["sana"]}
    )
    for changes in ({"parent_id": low}, {"parent_id": top}, {"parent_id": "nowhere"}, {"head_id": "nobody"}):
        with pytest.raises(Invalid):
            people.update_team(ada, top, changes)
    people.update_user(ada, house.ids["rui"], {"teams": ["low"]})
    with pytest.raises(Refused):
        people.delete_team(ada, low)
    with pytest.raises(Refused):
        people.delete_team(ada, top)
    people.update_user(ada, house.ids["rui"], {"teams": []})
    people.delete_team(ada, low)
    assert [one.code for one in people.teams(ada)] == ["top"]
    assert jobs.counts(house.database) == {}
