"""What an entity alone implies: the fields of its traits and of the engine, and its screens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Option, Origin
from fairlead.model.entities import Entity
from fairlead.model.screens import Board, Form, FormSection, List, Menu, MenuGroup, MenuItem, Page, Related

SYSTEM_FIELDS = ("id", "version", "created_at", "created_by", "updated_at", "updated_by")
TRAIT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "owned": ("owner", "team", "claimed_at", "last_activity_at"),
    "stages": ("stage", "stage_entered_at"),
    "approvable": ("approval_state",),
    "tags": ("tags",),
    "archived": ("archived_at",),
}
POOL_FIELDS = ("pool", "pool_entered_at", "previous_owner", "due_at", "due_rule")
RESERVED = frozenset(
    {*SYSTEM_FIELDS, *POOL_FIELDS, *(name for names in TRAIT_FIELDS.values() for name in names)}
)
"""Names that a document's own fields cannot have: the engine uses them on some entity or other."""

APPROVAL_STATES: Mapping[str, tuple[str, str]] = {
    "none": ("Not submitted", "未提交"),
    "pending": ("In approval", "审批中"),
    "approved": ("Approved", "已批准"),
    "rejected": ("Rejected", "已驳回"),
    "withdrawn": ("Withdrawn", "已撤回"),
    "returned": ("Returned", "已退回"),
}

_LABELS: Mapping[str, tuple[str, str]] = {
    "id": ("Key", "编号"),
    "version": ("Version", "版本"),
    "created_at": ("Created at", "创建时间"),
    "created_by": ("Created by", "创建人"),
    "updated_at": ("Updated at", "更新时间"),
    "updated_by": ("Updated by", "更新人"),
    "owner": ("Owner", "负责人"),
    "team": ("Team", "所属团队"),
    "claimed_at": ("Owned since", "领取时间"),
    "last_activity_at": ("Last activity", "最近跟进"),
    "pool": ("Pool", "公海"),
    "pool_entered_at": ("In the pool since", "进入公海时间"),
    "previous_owner": ("Previous owner", "前负责人"),
    "due_at": ("Goes back on", "回收时间"),
    "due_rule": ("Goes back because", "回收原因"),
    "stage": ("Stage", "阶段"),
    "stage_entered_at": ("In this stage since", "进入阶段时间"),
    "approval_state": ("Approval", "审批状态"),
    "tags": ("Tags", "标签"),
    "archived_at": ("Archived at", "归档时间"),
}

_KINDS: Mapping[str, str] = {
    "id": "text",
    "version": "integer",
    "created_by": "user",
    "updated_by": "user",
    "owner": "user",
    "team": "team",
    "previous_owner": "user",
    "pool": "choice",
    "due_rule": "text",
    "stage": "choice",
    "approval_state": "choice",
    "tags": "tags",
}


def engine_label(name: str) -> Label:
    """Return the name of an engine's field in both languages."""
    en, zh = _LABELS[name]
    return Label({"en": en, "zh": zh}, name)


def engine_fields(
    traits: Iterable[str], stages: Sequence[Option], initial: str | None, pools: Sequence[Option], span: Span
) -> dict[str, Field]:
    """Make the fields that the traits, the pools and the engine bring, in the order of the Entity's own words."""
    made: dict[str, Field] = {}

    def add(names: Iterable[str], origin: Origin) -> None:
        for name in names:
            made[name] = _engine_field(name, origin, span)

    given = set(traits)
    for trait, names in TRAIT_FIELDS.items():
        if trait in given:
            add(names, "trait")
        if trait == "owned" and pools:
            add(POOL_FIELDS, "trait")
    add(SYSTEM_FIELDS, "system")
    if "stage" in made:
        made["stage"] = made["stage"].with_(options=tuple(stages), default=initial)
    if "pool" in made:
        made["pool"] = made["pool"].with_(options=tuple(pools))
    if "approval_state" in made:
        states = tuple(
            Option(name, Label({"en": en, "zh": zh}, name)) for name, (en, zh) in APPROVAL_STATES.items()
        )
        made["approval_state"] = made["approval_state"].with_(options=states, default="none")
    if "tags" in made:
        # People write tags themselves; everything else is written by what the trait does.
        made["tags"] = made["tags"].with_(readonly=False)
    return made


def _engine_field(name: str, origin: Origin, span: Span) -> Field:
    return Field(
        name=name,
        kind=_KINDS.get(name, "datetime"),
        label=engine_label(name),
        span=span,
        readonly=True,
        index=name in ("owner", "team", "stage", "pool", "created_at", "updated_at", "due_at"),
        history=name not in ("version", "updated_at", "updated_by", "last_activity_at"),
        origin=origin,
    )


def plural_of(label: Label) -> Label:
    """Return the label for several, for languages where that is easily said."""
    texts = dict(label.texts)
    for lang in ("en", ""):
        text = texts.get(lang)
        if text and text.isascii() and text[-1].isalpha():
            texts[lang] = _english_plural(text)
    return Label(texts, _english_plural(label.name) if label.name else "")


def _english_plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


# ---------------------------------------------------------------- screens


def _own_fields(entity: Entity) -> list[Field]:
    return [one for one in entity.fields.values() if one.origin == "document"]


def derive_form(entity: Entity) -> Form:
    """Make the form: what people can write, short fields in two columns, line items and long texts below."""
    short = [
        one.name for one in _own_fields(entity) if one.kind not in ("table", "long_text", "rich_text", "json")
    ]
    long = [one.name for one in _own_fields(entity) if one.name not in short]
    sections = [FormSection(None, tuple(short), 2, False, None)] if short else []
    if long:
        sections.append(FormSection(None, tuple(long), 1, False, None))
    return Form(entity.name, entity.span, entity.label, entity.name, tuple(sections), derived=True)


def derive_list(entity: Entity) -> List:
    """Make the list: the title's fields, then what tells records apart at a glance."""
    wide = ("table", "long_text", "rich_text", "json")
    names = [name for name in entity.title_fields if name in entity.fields]
    names += [one.name for one in _own_fields(entity) if one.kind not in wide and one.name not in names][:6]
    names += [name for name in ("stage", "owner") if name in entity.fields]
    filters = [
        one.name
        for one in entity.fields.values()
        if one.kind in ("choice", "boolean") and one.name != "approval_state"
    ]
    filters += [name for name in ("owner",) if name in entity.fields]
    label = entity.plural or entity.label
    order = (("created_at", True),)
    return List(
        entity.name,
        entity.span,
        label,
        entity.name,
        tuple(names),
        tuple(filters[:8]),
        order,
        (),
        50,
        derived=True,
    )


Pointers = Mapping[str, Sequence[tuple[Entity, str]]]
"""For each entity, the other entities and fields that point at it, timelines apart."""


def pointers(entities: Mapping[str, Entity]) -> Pointers:
    """Find for each entity what points at it."""
    found: dict[str, list[tuple[Entity, str]]] = {}
    for entity in entities.values():
        for one in entity.fields.values():
            if entity.timeline is None or entity.timeline.about != one.name:
                for target in targets(one):
                    found.setdefault(target, []).append((entity, one.name))
    return found


def derive_page(entity: Entity, pointing: Pointers) -> Page:
    """Make the page: facts, all fields, and the records that point here."""
    plain = [
        one for one in _own_fields(entity) if one.kind not in ("table", "long_text", "rich_text", "json")
    ]
    facts = tuple(one.name for one in plain if one.name not in entity.title_fields)[:6]
    related = []
    for other, field in pointing.get(entity.name, ()):
        columns = tuple(name for name in derive_list(other).columns if name != field)[:5]
        related.append(Related(other.name, field, None, columns))
    sections = derive_form(entity).sections
    return Page(
        entity.name, entity.span, entity.label, entity.name, facts, sections, tuple(related), (), derived=True
    )


def derive_board(entity: Entity) -> Board:
    """Make the kanban board of an entity with stages."""
    facts = [one for one in _own_fields(entity) if one.kind in ("money", "date", "reference", "choice")]
    card = [name for name in entity.title_fields if name in entity.fields]
    card += [one.name for one in facts if one.name not in card][:3]
    total = next((one.name for one in _own_fields(entity) if one.kind == "money"), None)
    return Board(
        name=entity.name,
        span=entity.span,
        label=entity.plural or entity.label,
        entity=entity.name,
        kind="kanban",
        column_field="stage",
        row_field=None,
        group_field=None,
        cell=None,
        color_by=None,
        card=tuple(card),
        sum=total,
        filter=None,
        derived=True,
    )


def derive_menu(lists: Iterable[List], icons: Mapping[str, str], span: Span) -> Menu:
    """Make a menu with the inbox and every entity's list."""
    items = [MenuItem(None, "screen", "inbox", "inbox", ())]
    items += [MenuItem(one.label, "list", one.name, icons.get(one.entity), ()) for one in lists]
    return Menu(
        "main", span, Label({"en": "Menu", "zh": "菜单"}, "main"), (MenuGroup(None, tuple(items)),), None
    )


def targets(one: Field) -> tuple[str, ...]:
    """Return the entities that a reference may point at."""
    if one.kind != "reference":
        return ()
    several = one.params.get("entities")
    single = one.params.get("entity")
    return tuple(several) if several else ((single,) if single else ())


def is_sortable(one: Field) -> bool:
    """Say whether lists can be sorted by a field."""
    return kind_of(one).sortable
