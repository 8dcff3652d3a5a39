"""People and teams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import request
from flask_admin import expose
from markupsafe import Markup
from wtforms import PasswordField, SelectField, SelectMultipleField, StringField

from fairlead.base.errors import Failure, NotFound
from fairlead.fields.folding import fold, pinyin_keys
from fairlead.web import render
from fairlead.web.console.base import ConsoleModelView, asked, back_to, picked
from fairlead.work import people

_NAMES = ("name", "name_zh", "username", "email", "roles", "teams", "manager_id", "language", "password")


class PeopleView(ConsoleModelView):
    """Accounts: who signs in, with which roles, in which teams, below whom."""

    rooms = frozenset({"people"})
    title_key = "console.people"
    icon = "users"
    column_list = ("name", "username", "roles", "teams", "manager_id", "state")
    column_sortable_list = ("name", "username")
    column_searchable_list = ("name", "username")
    form_fields: ClassVar[Mapping[str, Any]] = {
        "name": StringField(), "name_zh": StringField(), "username": StringField(), "email": StringField(),
        "roles": SelectMultipleField(validate_choice=False), "teams": SelectMultipleField(validate_choice=False),
        "manager_id": SelectField(validate_choice=False), "language": SelectField(validate_choice=False),
        "password": PasswordField(),
    }  # fmt: skip

    def get_list(
        self,
        page: int,
        sort_field: Any,
        sort_desc: bool,
        search: str | None,
        filters: Any,
        page_size: int | None = None,
    ) -> tuple[int, list[Any]]:
        """Return one page of accounts; open ones first."""
        found = people.accounts(self.ctx)
        if asked("state") != "all":
            found = [one for one in found if one.active == (asked("state") != "closed")]
        if search:
            found = [one for one in found if _fits(one, search)]
        key = "username" if sort_field == "username" else "name"
        found.sort(key=lambda one: fold(getattr(one, key)), reverse=bool(sort_desc))
        size = page_size or self.page_size
        return len(found), found[page * size : (page + 1) * size]

    def get_one(self, id: Any) -> Any:
        """Return one account."""
        try:
            return people.account(self.ctx, str(id))
        except NotFound:
            return None

    def cell(self, model: Any, name: str) -> Any:
        lang, ctx = self.ctx.actor.language, self.ctx
        if name == "name":
            label = model.label.get(lang)
            return render.macro("kit/ui.html", "person")(
                label, render.initials(label), tone=render.tone_of(model.id)
            )
        if name == "roles":
            roles = ctx.app.workspace.roles
            return self.say("kit.comma").join(
                roles[one].label.get(lang) for one in model.roles if one in roles
            )
        if name == "teams":
            return self.say("kit.comma").join(self._team_names().get(one, "") for one in model.teams)
        if name == "manager_id":
            return self._people_names().get(model.manager_id or "", "")
        if name == "state":
            words = (
                ("console.active", "green", "done") if model.active else ("console.closed", "grey", "stopped")
            )
            return render.macro("kit/ui.html", "state")(self.say(words[0]), words[1], words[2])
        return getattr(model, name)

    def _team_names(self) -> Mapping[str, str]:
        found: dict[str, str] = _once(
            "teams",
            lambda: {one.id: one.label.get(self.ctx.actor.language) for one in people.teams(self.ctx)},
        )
        return found

    def _people_names(self) -> Mapping[str, str]:
        lang = self.ctx.actor.language
        found: dict[str, str] = _once(
            "people", lambda: {one.id: one.label.get(lang) for one in people.directory(self.ctx)}
        )
        return found

    def choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        lang = self.ctx.actor.language
        roles = [(name, role.label.get(lang)) for name, role in self.ctx.app.workspace.roles.items()]
        none = ("", "")
        return {
            "roles": roles, "teams": list(self._team_names().items()), "manager_id": [none, *self._people_names().items()],
            "language": [none, ("en", "English"), ("zh", "中文")],
        }  # fmt: skip

    def tabs(self) -> list[dict[str, Any]]:
        """Return the open, the closed and all."""
        chosen = asked("state")
        return [
            {"label": self.say(f"console.tab_{name or 'open'}"), "href": f"{self.url}/" + (f"?state={name}" if name else ""),
             "active": chosen == name}
            for name in ("", "closed", "all")
        ]  # fmt: skip

    def row_actions(self, model: Any) -> list[dict[str, Any]]:
        act, symbol = ("close", "user-off") if model.active else ("open", "user-check")
        return [
            {
                "label": self.say(f"console.{act}_account"),
                "icon": symbol,
                "attrs": {"data-dialog": f"{self.url}/{model.id}/{act}"},
            }
        ]

    # -------------------------------------------------- writing

    def create_model(self, form: Any) -> Any:
        """Add an account."""
        values = {name: value for name, value in _values(form).items() if value not in (None, "", ())}
        made = self.attempt(form, lambda: people.create_user(self.ctx, values))
        return people.account(self.ctx, made) if made else False

    def update_model(self, form: Any, model: Any) -> bool:
        """Change an account: only what is not as it was."""
        changes = {
            name: value
            for name, value in _values(form).items()
            if name != "password" and value != _before(model, name)
        }
        if form.password.data:
            changes["password"] = form.password.data
        return (
            not changes
            or self.attempt(form, lambda: people.update_user(self.ctx, model.id, changes)) is not None
        )

    @expose("/<id>/<act>", methods=("GET", "POST"))
    def change_state(self, id: str, act: str) -> Any:
        """Close an account, naming who takes over its approvals, or open it again."""
        account = people.account(self.ctx, id)
        if act not in ("close", "open"):
            raise NotFound("user", id)
        problem = None
        if request.method == "POST":
            try:
                if act == "close":
                    people.deactivate(self.ctx, id, successor=request.form.get("successor") or None)
                else:
                    people.update_user(self.ctx, id, {"active": True})
                return back_to(
                    f"{self.url}/",
                    self.say(f"console.{act}_done", name=account.label.get(self.ctx.actor.language)),
                )
            except Failure as failure:
                problem = failure.message(self.ctx.actor.language)
        others = [(key, name) for key, name in self._people_names().items() if key != id]
        return render.fragment(
            "console/close.html", 422 if problem else 200, act=act, url=f"{self.url}/{id}/{act}", problem=problem, others=others,
            person=account.label.get(self.ctx.actor.language),
        )  # fmt: skip


class TeamsView(ConsoleModelView):
    """Teams as a tree, each with its head."""

    rooms = frozenset({"people"})
    title_key = "console.teams"
    icon = "sitemap"
    can_delete = True
    column_list = ("name", "code", "head_id", "members")
    form_fields: ClassVar[Mapping[str, Any]] = {
        "name": StringField(), "name_zh": StringField(), "code": StringField(), "parent_id": SelectField(validate_choice=False),
        "head_id": SelectField(validate_choice=False),
    }  # fmt: skip

    def get_list(
        self,
        page: int,
        sort_field: Any,
        sort_desc: bool,
        search: str | None,
        filters: Any,
        page_size: int | None = None,
    ) -> tuple[int, list[Any]]:
        """Return the teams, each below the one it belongs to."""
        found = [team for team, _ in _tree(people.teams(self.ctx))]
        size = page_size or self.page_size
        return len(found), found[page * size : (page + 1) * size]

    def get_one(self, id: Any) -> Any:
        """Return one team."""
        return next((team for team in people.teams(self.ctx) if team.id == id), None)

    def cell(self, model: Any, name: str) -> Any:
        lang = self.ctx.actor.language
        if name == "name":
            depth = _once(
                "depths", lambda: {team.id: depth for team, depth in _tree(people.teams(self.ctx))}
            ).get(model.id, 0)
            return Markup('<span class="console-depth-{}">{}</span>').format(
                min(depth, 4), model.label.get(lang)
            )
        if name == "head_id":
            names = _once(
                "people", lambda: {one.id: one.label.get(lang) for one in people.directory(self.ctx)}
            )
            return names.get(model.head_id or "", "")
        if name == "members":
            counts: dict[str, int] = _once("members", lambda: _members(self.ctx))
            return counts.get(model.id, 0)
        return getattr(model, name)

    def choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        lang = self.ctx.actor.language
        teams = [
            (team.id, "　" * depth + team.label.get(lang)) for team, depth in _tree(people.teams(self.ctx))
        ]
        heads = [(one.id, one.label.get(lang)) for one in people.directory(self.ctx)]
        return {"parent_id": [("", ""), *teams], "head_id": [("", ""), *heads]}

    def create_model(self, form: Any) -> Any:
        """Add a team."""
        values = {name: field.data or None for name, field in form._fields.items()}
        values = {name: value for name, value in values.items() if value is not None}
        made = self.attempt(form, lambda: people.create_team(self.ctx, values))
        return self.get_one(made) if made else False

    def update_model(self, form: Any, model: Any) -> bool:
        """Change a team: only what is not as it was."""
        given = {name: field.data or None for name, field in form._fields.items()}
        changes = {name: value for name, value in given.items() if value != getattr(model, name)}
        return (
            not changes
            or self.attempt(form, lambda: people.update_team(self.ctx, model.id, changes)) is not None
        )

    @expose("/<id>/delete", methods=("POST",))
    def take_away(self, id: str) -> Any:
        """Take an empty team away."""
        try:
            people.delete_team(self.ctx, id)
        except Failure as failure:
            return back_to(f"{self.url}/", failure.message(self.ctx.actor.language), "amber")
        return back_to(f"{self.url}/", self.say("console.team_gone"))

    def delete_model(self, model: Any) -> bool:
        """Take a team away; the package's own way in."""
        people.delete_team(self.ctx, model.id)
        return True

    def row_actions(self, model: Any) -> list[dict[str, Any]]:
        question = self.say("console.delete_team", name=model.label.get(self.ctx.actor.language))
        attrs = {"hx-post": f"{self.url}/{model.id}/delete", "hx-confirm": question, "hx-swap": "none"}
        return [{"label": self.say("kit.remove"), "icon": "trash", "danger": True, "attrs": attrs}]


# ---------------------------------------------------------------- small things


def _fits(account: Any, search: str) -> bool:
    wanted = fold(search)
    texts = [fold(text) for text in (account.name, account.name_zh, account.username, account.email) if text]
    return any(wanted in text for text in texts) or any(
        key.startswith(wanted) for text in texts for key in pinyin_keys(text)
    )


def _values(form: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _NAMES:
        data = form._fields[name].data
        found[name] = picked(data or ()) if name in ("roles", "teams") else (data or None)
    return found


def _before(account: Any, name: str) -> Any:
    return getattr(account, name)


def _tree(teams: Sequence[Any]) -> list[tuple[Any, int]]:
    known = {team.id for team in teams}
    below: dict[str | None, list[Any]] = {}
    for team in teams:
        below.setdefault(team.parent_id if team.parent_id in known else None, []).append(team)
    found: list[tuple[Any, int]] = []

    def add(parent: str | None, depth: int) -> None:
        for team in sorted(below.get(parent, ()), key=lambda one: fold(one.name)):
            found.append((team, depth))
            add(team.id, depth + 1)

    add(None, 0)
    return found


def _members(ctx: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for account in people.accounts(ctx):
        for team in account.teams if account.active else ():
            found[team] = found.get(team, 0) + 1
    return found


def _once(key: str, make: Any) -> Any:
    """Return what is asked for many times in one request, worked out once."""
    from flask import g

    kept = g.setdefault("console_kept", {})
    if key not in kept:
        kept[key] = make()
    return kept[key]
