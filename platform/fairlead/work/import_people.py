"""People and teams from files, through the same door as by hand.

Who has no user name in the file gets one made from the name: `Anna Snelling` becomes `anna.snelling`, `张伟`
`zhang.wei`; where that is taken by somebody else, a number follows. Codes of teams are made alike. Nobody brought in
this way has a password, unless the file gives one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from fairlead.base.errors import Failure, Invalid
from fairlead.base.texts import Label, did_you_mean
from fairlead.fields.folding import fold, sounds
from fairlead.fields.kind import both
from fairlead.fields.spec import Field
from fairlead.store import people as store
from fairlead.store.people import Account, Team
from fairlead.work import people
from fairlead.work.context import Context
from fairlead.work.import_outcome import OnExisting, Outcome, Taker
from fairlead.work.lookups import Lookups
from fairlead.work.mapping import Reason, RowMap, Target, Wanted
from fairlead.work.people_values import PersonValues, team_values
from fairlead.work.sheets import Row

_EXISTS = both("{what} is here already.", "“{what}”已存在。")
_SEVERAL = both(
    "{count} have this {what}: who is meant is not clear.", "有 {count} 个相同的“{what}”，无法确定。"
)
_NO_KEY = both(
    "{what} is empty, so the row cannot be recognised when it comes again.",
    "“{what}”为空，无法识别重复导入的行。",
)
_NO_ROLE = both("There is no role {text}.", "没有角色“{text}”。")


def _field(name: str, kind: str, en: str, zh: str) -> Field:
    return Field(name, kind, both(en, zh))


USER_FIELDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        _field("username", "text", "User name", "用户名"), _field("name", "text", "Name", "姓名"),
        _field("name_zh", "text", "Chinese name", "中文名"), _field("email", "text", "Email", "邮箱"),
        _field("team", "team", "Team", "团队"), _field("manager", "user", "Manager", "上级"),
        _field("roles", "text", "Roles", "角色"), _field("language", "text", "Language", "语言"),
        _field("active", "boolean", "Active", "在职"), _field("password", "text", "Password", "密码"),
    )
}  # fmt: skip

TEAM_FIELDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        _field("code", "text", "Code", "编码"), _field("name", "text", "Name", "名称"),
        _field("name_zh", "text", "Chinese name", "中文名"), _field("parent", "team", "Parent team", "上级团队"),
        _field("head", "user", "Head", "负责人"),
    )
}  # fmt: skip

_Key = tuple[tuple[str, ...], tuple[str, ...]]
"""The fields that tell people apart, and their folded values."""

_KEYS = {"user": ("username", "email", "name"), "team": ("code", "name")}
_NOT_KEPT = Field("phone", "text", both("Phone", "电话"))


class PeopleImport(Taker):
    """Rows become accounts or teams."""

    def __init__(self, ctx: Context, name: str, *, dry_run: bool) -> None:
        people.require_people(ctx)
        self.ctx = ctx
        self.dry_run = dry_run
        self.name = name
        fields = USER_FIELDS if name == "user" else TEAM_FIELDS
        label = both("Person", "人员") if name == "user" else both("Team", "团队")
        # An account has no telephone number: a mapping that gives one is told so, not obeyed in part.
        everything = {**fields, _NOT_KEPT.name: _NOT_KEPT} if name == "user" else fields
        self.target = Target(name, label, everything, frozenset(fields), {})
        self.lookups = Lookups(ctx)

    def begin(self, rows: RowMap, on_existing: OnExisting) -> None:
        self.map = rows
        self.on_existing = on_existing
        # Without a key of the mapping's: whatever tells people apart best and is not empty in a row.
        self.keys = (
            (rows.key,) if rows.key else tuple((name,) for name in _KEYS[self.name] if name in rows.fields)
        )
        if not self.keys:
            raise Invalid.field("file", "unmapped_key", both(
                "The file needs a column for one of: {names}.", "文件须包含以下列之一：{names}。",
            ).format(names=", ".join(_KEYS[self.name])))  # fmt: skip
        self._fixed = {column.spec.name for column in rows.columns if column.position is None}
        self._known: dict[_Key, list[str]] = {}
        directory = self.lookups.directory
        for one in directory.accounts.values() if self.name == "user" else directory.teams.values():
            self._note(one)
        self._taken = {one.username for one in directory.accounts.values()} | {
            one.code for one in directory.teams.values()
        }

    def _note(self, one: Account | Team) -> None:
        for names in self.keys:
            key = tuple(fold(str(getattr(one, name, None) or "")) for name in names)
            self._known.setdefault((names, key), []).append(one.id)

    def _key_of(self, values: Mapping[str, Any]) -> _Key | None:
        for names in self.keys:
            if values.get(names[0]):
                return names, tuple(fold(str(values.get(name) or "")) for name in names)
        return None

    def take(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        for row in rows:
            try:
                self._one(row, outcome)
            except Failure as failure:
                outcome.reject(row, self._reasons(failure))
        return outcome

    def _one(self, row: Row, outcome: Outcome) -> None:
        self._resolve(row, outcome)
        given, reasons = self.map.read(row[1], self.lookups.found)
        values = given.values
        key = self._key_of(values)
        first = key[0][0] if key is not None else self.keys[0][0]
        what = self.target.fields[first].label
        if not reasons and key is None:
            reasons = [Reason(self.map.title(first), first, "key_empty", _NO_KEY.format(what=what))]
        if reasons or key is None:
            outcome.reject(row, reasons)
            return
        found = self._known.get(key, [])
        if not found:
            self._refresh(self._add_user(values) if self.name == "user" else self._add_team(values))
            outcome.created += 1
            if self.dry_run:
                self._known[key] = [""]
        elif self.on_existing == "skip":
            outcome.skipped += 1
        elif self.on_existing == "quarantine" or len(found) > 1:
            message = _EXISTS.format(what=values[first])
            if len(found) > 1:
                message = _SEVERAL.format(count=len(found), what=what)
            outcome.reject(row, [Reason(self.map.title(first), first, "exists", message)])
        elif found == [""]:
            outcome.updated += 1  # a row before it would have made it
        elif (
            self._change_user(found[0], values)
            if self.name == "user"
            else self._change_team(found[0], values)
        ):
            self._refresh(found[0])
            outcome.updated += 1
        else:
            outcome.unchanged += 1

    def _resolve(self, row: Row, outcome: Outcome) -> None:
        every: dict[Wanted, bool] = {}
        for column in self.map.lookups():
            assert column.lookup is not None
            for wanted in self.map.wanted(column, row[1]):
                every[wanted] = every.get(wanted, False) or column.lookup.missing == "create"
        for wanted in self.lookups.resolve(self.ctx.database, every):
            if every[wanted]:
                self._make(wanted, outcome)
        self.lookups.resolve(self.ctx.database, every)

    def _make(self, wanted: Wanted, outcome: Outcome) -> None:
        target, _, text = wanted
        if self.dry_run:
            self.lookups.remember(wanted, text)
        elif target == "team":
            key = people.create_team(self.ctx, {"name": text, "code": self._free(text)})
            self._refresh_team(key)
            self.lookups.remember(wanted, key)
        else:
            key = people.create_user(self.ctx, {"name": text, "username": self._free(text)})
            self._refresh_user(key)
            self.lookups.remember(wanted, key)
        outcome.also_created[target] += 1

    # ------------------------------------------------------------ accounts

    def _add_user(self, given: Mapping[str, Any]) -> str:
        values = self._user_values(given)
        name = given.get("name") or given.get("username") or str(given.get("email") or "").partition("@")[0]
        values.setdefault("name", name)
        values.setdefault("username", self._free(name))
        if "roles" in given:
            values["roles"] = self._roles(given["roles"])
        if given.get("team"):
            values["teams"] = [given["team"]]
        if self.dry_run:
            PersonValues(self.ctx, values, required=("username", "name")).clean()
            return str(values["username"])
        return people.create_user(self.ctx, values)

    def _change_user(self, id: str, given: Mapping[str, Any]) -> bool:
        before = self.lookups.directory.accounts[id]
        values = self._user_values(given)
        active = values.pop("active", None)
        # A constant is for those who are new: it must not take the roles from somebody who has others by now.
        if "roles" in given and "roles" not in self._fixed:
            values["roles"] = self._roles(given["roles"])
        team = given.get("team")
        if team and team != (before.teams[0] if before.teams else None):
            values["teams"] = [team, *(key for key in before.teams[1:] if key != team)]
        changed = {
            name: value
            for name, value in values.items()
            if name == "password" or value != getattr(before, name)
        }
        if active is not None and active != before.active:
            if active:
                changed["active"] = True
            elif not self.dry_run:
                people.deactivate(self.ctx, id)
        elif not changed:
            return False
        if self.dry_run:
            PersonValues(self.ctx, changed).clean()
        elif changed:
            people.update_user(self.ctx, id, changed)
        return True

    def _user_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        same = ("username", "name", "name_zh", "email", "language", "active", "password")
        values = {name: given[name] for name in same if given.get(name) is not None}
        if given.get("manager"):
            values["manager_id"] = given["manager"]
        return values

    def _roles(self, text: str) -> tuple[str, ...]:
        """Return the roles that a cell names, by name or label."""
        known: dict[str, str] = {}
        for role in self.ctx.app.workspace.roles.values():
            for word in (role.name, *role.label.texts.values()):
                known.setdefault(fold(word), role.name)
        found = []
        for part in re.split("[,;，；、]", text):
            if not part.strip():
                continue
            name = known.get(fold(part))
            if name is None:
                hint = did_you_mean(part.strip(), sorted(self.ctx.app.workspace.roles))
                message = _NO_ROLE.format(text=repr(part.strip()))
                if hint:
                    message = Label({lang: f"{said} ({hint}?)" for lang, said in message.texts.items()})
                raise Invalid.field("roles", "unknown_option", message)
            found.append(name)
        return tuple(dict.fromkeys(found))

    # ------------------------------------------------------------ teams

    def _add_team(self, given: Mapping[str, Any]) -> str:
        values = self._team_values(given)
        values.setdefault("name", given.get("code"))
        values.setdefault("code", self._free(values["name"]))
        if self.dry_run:
            team_values(values, required=("code", "name"))
            return str(values["code"])
        key = people.create_team(self.ctx, values)
        self._seat(values.get("head_id"), key)
        return key

    def _change_team(self, id: str, given: Mapping[str, Any]) -> bool:
        before = self.lookups.directory.teams[id]
        changed = {
            name: value for name, value in self._team_values(given).items() if value != getattr(before, name)
        }
        if not changed:
            return False
        if self.dry_run:
            team_values(changed)
        else:
            people.update_team(self.ctx, id, changed)
            self._seat(changed.get("head_id"), id)
        return True

    def _team_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: given[name] for name in ("code", "name", "name_zh") if given.get(name) is not None}
        for name in ("parent", "head"):
            if given.get(name):
                values[f"{name}_id"] = given[name]
        return values

    def _seat(self, head: str | None, team: str) -> None:
        """Whoever heads a team and is in none belongs to it: otherwise nobody would stand above them."""
        if head is not None and not self.lookups.directory.accounts[head].teams:
            people.update_user(self.ctx, head, {"teams": [team]})
            self._refresh_user(head)

    # ------------------------------------------------------------ what is known by now

    def _refresh(self, key: str) -> None:
        if self.name == "user":
            self._refresh_user(key)
        else:
            self._refresh_team(key)

    def _refresh_user(self, key: str) -> None:
        found = None if self.dry_run else store.account(self.ctx.database, key)
        if found is None:
            return
        new = key not in self.lookups.directory.accounts
        self.lookups.directory.note_account(found)
        self._after(found, new and self.name == "user")

    def _refresh_team(self, key: str) -> None:
        found = None if self.dry_run else store.team_by_id(self.ctx.database, key)
        if found is None:
            return
        new = key not in self.lookups.directory.teams
        self.lookups.directory.note_team(found)
        self._after(found, new and self.name == "team")

    def _after(self, one: Account | Team, new: bool) -> None:
        self.lookups.forget_unknown()
        if new:
            self._note(one)

    def _free(self, name: str | None) -> str:
        """Return a user name or code made from `name` that nobody has."""
        plain = derived(name or "") or "user"
        found, number = plain, 2
        while found in self._taken:
            found, number = f"{plain}{number}", number + 1
        self._taken.add(found)
        return found

    def _reasons(self, failure: Failure) -> list[Reason]:
        if isinstance(failure, Invalid) and failure.errors:
            return [self.map.reason(error) for error in failure.errors]
        return [Reason("", "", failure.code, Label.of(failure.label))]


_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_LETTERS = str.maketrans({
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
})  # fmt: skip


def derived(name: str) -> str:
    """Return a user name made from a name: ascii letters and digits, words parted by dots.

    >>> derived("Zoë  O'Neill-Łuk")
    'zoe.oneill.luk'
    >>> derived("张伟")
    'zhang.wei'
    """
    words: list[str] = []
    folded = fold(name)
    for word in re.split(r"[\s.,_\-/·•]+", folded):
        for han, other in re.findall(
            rf"({_HAN.pattern})|([^\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)", word
        ):
            words += _sounds(han) if han else [_plain(other)]
    found = ".".join(word for word in words if word)
    if found:
        return found[:60].strip(".")
    # Letters of other scripts have no agreed ascii form; a user name may have them.
    return ".".join(re.findall(r"[^\W_]+", folded))[:60].strip(".")


def _sounds(han: str) -> Iterable[str]:
    first, *rest = sounds(han)
    return [first, "".join(rest)]


def _plain(word: str) -> str:
    split = unicodedata.normalize("NFKD", word.translate(_LETTERS))
    return "".join(char for char in split if char.isascii() and char.isalnum())
