"""Make random workspaces that are sound by construction, with a little of everything the language has.

The same seed gives the same documents. Some are written as JSON, some in one line, some indented, some with
comments: what is exported must be what was published, whatever its notation.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

Data = dict[str, Any]

_WORDS = (
    "offer",
    "order",
    "case",
    "visit",
    "task",
    "parcel",
    "claim",
    "asset",
    "plan",
    "note",
    "batch",
    "route",
)
_ZH = ("报价", "订单", "案例", "拜访", "任务", "包裹", "索赔", "资产", "计划", "笔记", "批次", "路线")
_COLORS = ("gray", "#00aaff", "green")


def workspace(seed: int) -> dict[str, str]:
    """Return the files of the workspace that belongs to a seed."""
    return _Maker(random.Random(seed)).files()  # noqa: S311


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        count = rng.randint(1, 5)
        self.names = rng.sample(_WORDS, count)
        self.entities: dict[str, Data] = {}
        self.documents: list[tuple[str, Data]] = []
        self.sets: list[str] = []
        self.stages: dict[str, list[str]] = {}

    def files(self) -> dict[str, str]:
        rng = self.rng
        for number in range(rng.randint(0, 2)):
            name = f"set_{number}"
            self.sets.append(name)
        for name in self.names:
            self.entities[name] = self.entity(name)
        for name in self.sets:
            self.use_set(name)
        for name, entity in self.entities.items():
            self.add("schemas", entity)
            if "stages" in entity["traits"]:
                self.add("workflows", self.pipeline(name))
            if "owned" in entity["traits"] and rng.random() < 0.4:
                self.add("workflows", self.pool(name))
            if rng.random() < 0.4:
                self.add("forms", self.listing(name))
            if rng.random() < 0.3:
                self.add("forms", self.form(name))
            if rng.random() < 0.3:
                self.add("forms", self.page(name))
            if name in self.stages and rng.random() < 0.5:
                self.add("forms", self.board(name))
            if rng.random() < 0.5:
                self.add("workflows", self.automation(name))
        roles = self.roles()
        for name, entity in self.entities.items():
            if "approvable" in entity["traits"]:
                self.add("workflows", self.approval(name))
        reports = [self.report(name) for name in self.names if rng.random() < 0.5]
        for report in reports:
            self.add("admin", report)
        if reports:
            self.add("admin", self.dashboard(reports, roles))
        if rng.random() < 0.4:
            self.add("forms", self.menu(reports))
        settings: Data = {
            "name": "acme",
            "languages": ["en", "zh"],
            "currency": rng.choice(["CNY", "EUR", "JPY"]),
        }
        return {
            "fairlead.yaml": json.dumps(settings),
            **{path: self.text(path, data) for path, data in self.documents},
        }

    # ------------------------------------------------------------ notation

    def add(self, folder: str, data: Data) -> None:
        suffix = "json" if self.rng.random() < 0.15 else "yaml"
        below = f"{data['kind']}s/" if self.rng.random() < 0.2 else ""
        self.documents.append((f"{folder}/{below}{data['kind']}_{data['name']}.{suffix}", data))

    def text(self, path: str, data: Data) -> str:
        if path.endswith(".json"):
            return json.dumps(data, ensure_ascii=False, indent=self.rng.choice([None, 2]))
        style = self.rng.random()
        if style < 0.1:
            return json.dumps(data, ensure_ascii=False) + "\n"
        lines = (
            ["# " + self.rng.choice(["Kept by the sales office", "销售部维护", "do not lose me"])]
            if style < 0.5
            else []
        )
        for key, value in data.items():
            lines += self.entry(key, value, 0, nested=style > 0.7)
        end = "\r\n" if style > 0.97 else "\n"
        return end.join(lines) + end

    def entry(self, key: str, value: Any, indent: int, *, nested: bool) -> list[str]:
        pad = " " * indent
        if isinstance(value, dict) and value and (nested or indent == 0):
            lines = [f"{pad}{key}:"]
            for inner, part in value.items():
                lines += self.entry(inner, part, indent + 2, nested=nested)
            return lines
        if isinstance(value, list) and value and nested and indent == 0:
            return [f"{pad}{key}:", *(f"{pad}  - {json.dumps(one, ensure_ascii=False)}" for one in value)]
        return [f"{pad}{key}: {json.dumps(value, ensure_ascii=False)}"]

    def label(self, en: str) -> Any:
        zh = self.rng.choice(_ZH)
        return {"en": en.replace("_", " ").capitalize(), "zh": zh}

    # ------------------------------------------------------------ what is kept

    def entity(self, name: str) -> Data:
        rng = self.rng
        traits = [
            one
            for one in (
                "owned",
                "activities",
                "attachments",
                "comments",
                "tags",
                "stages",
                "approvable",
                "archived",
            )
            if rng.random() < 0.45
        ]
        fields: Data = {
            "title_of": {
                "type": "text",
                "required": True,
                "max_length": rng.randint(40, 200),
                "searchable": True,
                "label": self.label("title"),
            }
        }
        for number in range(rng.randint(1, 14)):
            kind = rng.choice(sorted(_FIELDS))
            one = _FIELDS[kind](rng)
            one["label"] = self.label(f"{kind} {number}")
            if rng.random() < 0.1 and kind not in ("boolean", "sequence"):
                one["help"] = self.label("say more")
            fields[f"{kind}_{number}"] = {"type": kind, **one}
        if rng.random() < 0.5:
            other = rng.choice(self.names)
            fields["other"] = {
                "type": "reference",
                "entity": other,
                "on_delete": "clear",
                "label": self.label("other"),
            }
            if other != name and rng.random() < 0.5:
                fields["other_title"] = {
                    "type": "text",
                    "lookup": "other.title_of",
                    "label": self.label("title there"),
                }
        if rng.random() < 0.5:
            fields["amount"] = {"type": "money", "min": 0, "label": self.label("amount")}
            fields["twice"] = {"type": "money", "formula": "record.amount * 2", "label": self.label("twice")}
        if rng.random() < 0.4:
            fields["lines"] = self.lines()
            fields["total"] = {
                "type": "money",
                "rollup": {"from": "lines", "sum": "cost"},
                "label": self.label("total"),
            }
            fields["how_many"] = {
                "type": "integer",
                "rollup": {"from": "lines", "count": True},
                "label": self.label("lines"),
            }
        made: Data = {
            "kind": "entity",
            "name": name,
            "label": self.label(name),
            "title": "{title_of}",
            "traits": traits,
            "fields": fields,
        }
        if rng.random() < 0.3:
            made["was"] = f"old_{name}"
        if "amount" in fields and rng.random() < 0.6:
            made["checks"] = [
                {"rule": "record.amount < 100000.0", "field": "amount", "message": self.label("too much")}
            ]
        if rng.random() < 0.3:
            made["duplicates"] = [{"match": ["title_of"], "on_found": rng.choice(["warn", "block"])}]
        if rng.random() < 0.3:
            made["indexes"] = [
                {
                    "fields": [
                        rng.choice(
                            [one for one in fields if fields[one]["type"] in ("text", "integer", "date")]
                        )
                    ]
                }
            ]
        return made

    def lines(self) -> Data:
        return {
            "type": "table", "label": self.label("lines"), "fields": {
                "what": {"type": "text", "required": True, "label": self.label("what")},
                "qty": {"type": "integer", "min": 1, "default": 1, "label": self.label("quantity")},
                "price": {"type": "money", "label": self.label("price")},
                "cost": {"type": "money", "formula": "record.qty * record.price", "label": self.label("cost")},
            },
        }  # fmt: skip

    def use_set(self, name: str) -> None:
        options = {f"o{n}": self.label(f"option {n}") for n in range(self.rng.randint(1, 6))}
        self.add("schemas", {"kind": "options", "name": name, "label": self.label(name), "options": options})
        entity = self.entities[self.rng.choice(self.names)]
        entity["fields"][f"from_{name}"] = {"type": "choice", "options": name, "label": self.label(name)}

    # ------------------------------------------------------------ how it moves

    def pipeline(self, name: str) -> Data:
        rng = self.rng
        stages = [f"s{n}" for n in range(rng.randint(1, 4))]
        self.stages[name] = [*stages, "won", "lost"]
        made: Data = {}
        for index, stage in enumerate(stages):
            made[stage] = {
                "label": self.label(f"stage {index}"),
                "probability": 10 * index,
                "color": rng.choice(_COLORS),
            }
            if rng.random() < 0.3:
                made[stage]["stale_after"] = f"{rng.randint(1, 9)} days"
            if rng.random() < 0.3 and index:
                made[stage]["require"] = ["title_of"]
        made["won"] = {"label": self.label("won"), "outcome": "won"}
        made["lost"] = {"label": self.label("lost"), "outcome": "lost"}
        document: Data = {
            "kind": "pipeline",
            "name": f"{name}_stages",
            "entity": name,
            "label": self.label("stages"),
            "stages": made,
        }
        if rng.random() < 0.5:
            names = self.stages[name]
            moves: list[Data] = [{"from": one, "to": two} for one, two in itertools.pairwise(names[:-1])]
            document["moves"] = [*moves, {"from": "*", "to": "lost", "reason": True}]
        if rng.random() < 0.3:
            document["on_enter"] = {"won": [{"set": {"title_of": "Won"}}]}
        return document

    def pool(self, name: str) -> Data:
        rng = self.rng
        made: Data = {
            "kind": "pool",
            "name": f"{name}_pool",
            "entity": name,
            "label": self.label("pool"),
            "members": {"roles": ["rep"]},
        }
        if rng.random() < 0.5:
            made["claim"] = {
                "quota": {"per": rng.choice(["day", "week"]), "max": rng.randint(1, 50)},
                "capacity": {"max": 100},
            }
        if rng.random() < 0.5:
            made["reclaim"] = {
                "rules": [
                    {
                        "name": "quiet",
                        "label": self.label("quiet"),
                        "when": f"days_since(record.claimed_at) >= {rng.randint(5, 40)}",
                    }
                ]
            }
        if rng.random() < 0.3:
            made["entry"] = {"match": "!is_empty(record.title_of)", "priority": rng.randint(0, 20)}
        return made

    def approval(self, name: str) -> Data:
        rng = self.rng
        steps: list[Data] = [
            {"name": "boss", "label": self.label("boss"), "by": {"role": "boss"}, "mode": "all"}
        ]
        if rng.random() < 0.5:
            steps.append(
                {
                    "name": "second",
                    "label": self.label("second"),
                    "by": [{"manager_of": "starter"}],
                    "mode": "any",
                    "on_reject": "ends",
                }
            )
        made: Data = {
            "kind": "approval",
            "name": f"{name}_approval",
            "entity": name,
            "label": self.label("approval"),
            "steps": steps,
        }
        if rng.random() < 0.5:
            made["start"] = {"when": "record.title_of != 'x'", "on": "submit"}
        if rng.random() < 0.5:
            made["lock"] = rng.choice(["all", "none"])
        made["on_approved"] = [
            {
                "notify": {
                    "to": "role:boss",
                    "text": {"en": "{title_of} is approved", "zh": "{title_of} 已批准"},
                }
            }
        ]
        return made

    def automation(self, name: str) -> Data:
        rng = self.rng
        on: Data = rng.choice([{"created": True}, {"updated": ["title_of"]}, {"schedule": "0 9 * * 1"}])
        step: Data = {"notify": {"to": "role:boss", "text": self.label("look here")}}
        made: Data = {
            "kind": "automation",
            "name": f"{name}_rule",
            "entity": name,
            "label": self.label("rule"),
            "on": on,
            "do": [step],
        }
        if "schedule" in on:
            del made["entity"]
        elif rng.random() < 0.5:
            made["when"] = "record.title_of != 'quiet'"
        return made

    # ------------------------------------------------------------ what people see

    def listing(self, name: str) -> Data:
        columns = ["title_of", *(["stage"] if name in self.stages else []), "created_at"]
        made: Data = {
            "kind": "list",
            "name": f"{name}_list",
            "entity": name,
            "label": self.label(name),
            "columns": columns,
        }
        if self.rng.random() < 0.6:
            made["views"] = [
                {"name": "fresh", "label": self.label("fresh"), "filter": "days_since(record.created_at) < 7"}
            ]
        if self.rng.random() < 0.5:
            made["order"] = ["-created_at"]
        return made

    def form(self, name: str) -> Data:
        fields = [key for key, one in self.entities[name]["fields"].items() if "formula" not in one]
        return {"kind": "form", "name": f"{name}_form", "entity": name, "label": self.label(name),
                "sections": [{"label": self.label("all"), "fields": fields, "columns": self.rng.randint(1, 3)}]}  # fmt: skip

    def page(self, name: str) -> Data:
        return {
            "kind": "page",
            "name": f"{name}_page",
            "entity": name,
            "label": self.label(name),
            "facts": ["created_at"],
        }

    def board(self, name: str) -> Data:
        return {
            "kind": "board",
            "name": f"{name}_board",
            "entity": name,
            "label": self.label(name),
            "card": ["title_of"],
        }

    def menu(self, reports: list[Data]) -> Data:
        items: list[Data] = [{"list": name} for name in self.names] + [
            {"report": one["name"]} for one in reports
        ]
        return {
            "kind": "menu",
            "name": "main",
            "label": self.label("menu"),
            "groups": [{"label": self.label("work"), "items": items}],
        }

    # ------------------------------------------------------------ rights and figures

    def roles(self) -> list[str]:
        rng = self.rng
        every: Data = {
            "read": "all",
            "create": "all",
            "update": "all",
            "delete": "all",
            "move": "all",
            "assign": "all",
        }
        boss: Data = dict.fromkeys(self.names, every)
        self.add(
            "admin",
            {
                "kind": "role",
                "name": "boss",
                "label": self.label("boss"),
                "grants": {**boss, "report": {"read": "all"}, "system": ["people", "configuration"]},
            },
        )
        grants: Data = {}
        for name, entity in self.entities.items():
            scope = rng.choice(["own", "team", "subordinates"]) if "owned" in entity["traits"] else "all"
            grants[name] = {
                "read": scope,
                "create": "yes",
                "update": rng.choice([scope, "record.title_of != 'closed'"]),
            }
            hidden = [key for key in entity["fields"] if key.startswith("phone_")]
            if hidden:
                grants[name]["fields"] = dict.fromkeys(hidden, rng.choice(["masked", "readonly"]))
        self.add("admin", {"kind": "role", "name": "rep", "label": self.label("rep"), "grants": grants})
        if rng.random() < 0.3:
            self.add(
                "admin",
                {
                    "kind": "role",
                    "name": "junior",
                    "label": self.label("junior"),
                    "inherits": ["rep"],
                    "grants": {},
                },
            )
        return ["boss", "rep"]

    def report(self, name: str) -> Data:
        measures: list[Data] = [{"count": True}]
        if "amount" in self.entities[name]["fields"]:
            measures += [{"sum": "amount"}, {"avg": "amount"}]
        dimension: Any = (
            "stage"
            if name in self.stages
            else {"field": "created_at", "by": self.rng.choice(["month", "week"])}
        )
        made: Data = {"kind": "report", "name": f"{name}_report", "entity": name, "label": self.label("report"),
                      "type": self.rng.choice(["table", "summary"]), "dimensions": [dimension], "measures": measures}  # fmt: skip
        if self.rng.random() < 0.5:
            made["filter"] = "date(record.created_at) >= start_of_quarter(today)"
        return made

    def dashboard(self, reports: list[Data], roles: list[str]) -> Data:
        tiles = [{"report": one["name"], "width": self.rng.choice([3, 6, 12])} for one in reports]
        return {
            "kind": "dashboard",
            "name": "figures",
            "label": self.label("figures"),
            "roles": roles[:1],
            "tiles": tiles,
        }


def _options(rng: random.Random) -> Data:
    return {f"v{n}": {"label": {"en": f"Value {n}", "zh": rng.choice(_ZH)}} for n in range(rng.randint(1, 5))}


_FIELDS: Mapping[str, Callable[[random.Random], Data]] = {
    "text": lambda rng: rng.choice([{}, {"unique": True}, {"pattern": "^[a-z]*$"}, {"default": "none yet"}]),
    "long_text": lambda rng: rng.choice([{}, {"rows": 4}]),
    "rich_text": lambda _: {},
    "integer": lambda rng: rng.choice([{}, {"min": 0, "max": 99}, {"default": 5}, {"index": True}]),
    "decimal": lambda rng: {"scale": rng.randint(0, 6)},
    "money": lambda rng: rng.choice([{}, {"min": 0}, {"currency": "USD"}]),
    "percent": lambda rng: rng.choice([{}, {"default": 0.1}]),
    "boolean": lambda rng: rng.choice([{}, {"default": True}, {"default": "no"}]),
    "date": lambda rng: rng.choice([{}, {"default": "today"}, {"min": "2020-01-01"}]),
    "datetime": lambda rng: rng.choice([{}, {"default": "now"}]),
    "time": lambda rng: rng.choice([{}, {"default": "10:30"}]),
    "choice": lambda rng: {"options": _options(rng)},
    "multi_choice": lambda rng: {"options": _options(rng)},
    "tags": lambda _: {},
    "email": lambda _: {},
    "phone": lambda rng: rng.choice([{}, {"region": "CN"}]),
    "url": lambda _: {},
    "user": lambda rng: rng.choice([{}, {"default": "user"}]),
    "team": lambda _: {},
    "rating": lambda rng: {"max": rng.randint(3, 10)},
    "json": lambda _: {},
}  # fmt: skip
