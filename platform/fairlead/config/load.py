"""From files to a workspace, on one page; and everything that is wrong, at once.

read → shape → settings → outline (names, fields, stages) → build and link → derive → check. Each step
goes on with what is sound, so that one run finds all there is to say.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from fairlead.base.clock import utc_now
from fairlead.base.problems import KeyPath, Level, Problems, Span
from fairlead.base.texts import did_you_mean, listing
from fairlead.config import derive
from fairlead.config.build import calendars as calendar_parts
from fairlead.config.build import documents as document_parts
from fairlead.config.build import entities as entity_parts
from fairlead.config.build import fields as field_parts
from fairlead.config.build import governance, messages, migrations, public_forms, quotas, screens, workflows
from fairlead.config.build import tests as test_parts
from fairlead.config.build.data_steps import build_data_steps
from fairlead.config.checks.every import CHECKS
from fairlead.config.checks.sources import Sources
from fairlead.config.document import Document
from fairlead.config.edition import refusal
from fairlead.config.faults import Fault, shown
from fairlead.config.formats import too_new
from fairlead.config.link import Linker
from fairlead.config.mentions import Mention
from fairlead.config.reader import read
from fairlead.config.reading import Reading
from fairlead.config.schemas import KIND_FOLDERS, NAME
from fairlead.config.settings import Settings, settings_of
from fairlead.config.shapes import check_shape
from fairlead.config.source import SETTINGS_FILE, SourceTree
from fairlead.fields.spec import Option
from fairlead.model.entities import Entity, OptionSet
from fairlead.model.workspace import Workspace

Documents = Mapping[str, Mapping[str, Document]]
"""Kind → name → document."""

Made = TypeVar("Made")

MAX_FAULTS = 100
"""Faults of shape shown for one file; whoever has more has one mistake that makes them all."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workspace, or None when something must be mended first; and all findings, in the order of the files."""

    workspace: Workspace | None
    problems: Problems
    settings: Settings
    documents: Documents
    mentions: tuple[Mention, ...] = ()
    """Where the documents speak of what others (or they themselves) define."""


def load(tree: SourceTree, settings: Settings | None = None, *, today: date | None = None) -> Loaded:
    """Load a whole configuration; a pure function of its files.

    Args:
        tree: The files.
        settings: The workspace's own words, where they are known already.
        today: Adds what is wrong on that day only, such as a calendar that soon ends. The same files on the same day
            give the same findings.
    """
    newer = too_new(tree)
    if newer is not None:
        return Loaded(None, Problems((newer,)), Settings(), {})
    problems = Problems(tree.problems)
    documents, own, hushed = _documents(tree, problems)
    template = _template(documents)
    if settings is None:
        settings = settings_of(own, template, problems)
    linker = Linker(documents, problems, hushed)
    sets = _build(documents, "options", lambda doc: field_parts.build_option_set(doc.root, linker))
    _outline(documents, linker, sets, settings)
    calendars = calendar_parts.build_calendars(
        documents.get("calendar", {}), linker, settings.zone, (today or utc_now()).year
    )
    workspace = replace(
        _workspace(documents, linker, sets, settings, template),
        calendars=MappingProxyType(calendars),
        calendar=calendar_parts.chosen_calendar(own, template, linker),
        map=migrations.workspace_map(own, linker),
    )
    troubled = frozenset(problem.span.file for problem in problems.errors)
    sources = Sources(workspace, documents, linker, settings.languages, troubled, today)
    for check in CHECKS:
        check(sources)
    found = None if problems.has_errors else workspace
    return Loaded(found, problems, settings, documents, tuple(linker.mentions))


# ---------------------------------------------------------------- documents


def _documents(tree: SourceTree, problems: Problems) -> tuple[Documents, Document | None, frozenset[str]]:
    """Read and shape every file; the names of what is broken come back as well."""
    found: dict[str, dict[str, Document]] = defaultdict(dict)
    hushed: set[str] = set()
    own: Document | None = None
    for file in sorted(tree.files, key=lambda file: file.path):
        reading = read(file.path, file.text)
        problems.extend(reading.problems)
        if reading.data is None:
            hushed.update(_NAME_LINE.findall(file.text[:100_000]))
            continue
        kind = "workspace" if file.path == SETTINGS_FILE else _kind(reading, problems)
        if kind is None:
            hushed.update(_NAME_LINE.findall(file.text[:100_000]))
            continue
        usable, shape = check_shape(kind, reading.data, reading.broken)
        if len(shape.faults) > MAX_FAULTS:
            more = len(shape.faults) - MAX_FAULTS
            problems.add(
                "too_many_problems",
                (),
                reading.span(()),
                f"{more:,} more problems in this file are not shown",
            )
        for fault in shape.faults[:MAX_FAULTS]:
            span = _pointed_at(reading, fault)
            if fault.path == ("include",):
                message = "no file is included into another; put it into one of the four folders"
                problems.add("outside_folder", fault.path, span, message)
            elif (refused := _refused(kind, fault, reading)) is not None:
                problems.add("not_in_this_edition", fault.path, span, refused)
            else:
                problems.add(fault.code, fault.path, span, fault.message, hint=fault.hint)
        name = reading.data.get("name")
        document = Document(
            kind,
            name if isinstance(name, str) else "",
            reading,
            frozenset(shape.broken) | reading.broken,
            usable,
        )
        hushed |= _broken_names(document)
        if kind == "workspace":
            own = document
        elif NAME.match(document.name):
            _keep(document, found[kind], problems)
    return found, own, frozenset(hushed)


def _pointed_at(reading: Reading, fault: Fault) -> Span:
    match fault.at:
        case "key":
            return reading.key_span(fault.path)
        case "parent":
            return reading.key_span(fault.path[:-1])
        case _:
            return reading.span(fault.path)


def _refused(kind: str, fault: Fault, reading: Reading) -> str | None:
    """Return the sentence for what the language knows and this edition refuses."""
    if fault.code not in ("unknown_key", "unknown_value", "wrong_type"):
        return None
    value = reading.data
    for key in fault.path:
        value = value[key]
    return refusal(kind, fault.path, value, slip=fault.code == "unknown_value" and fault.hint is not None)


_NAME_LINE = re.compile(r"""^ *["']?name["']?: *["']?([a-z][a-z0-9_]*)""", re.M)


def _kind(reading: Reading, problems: Problems) -> str | None:
    kind = reading.data.get("kind")
    if ("kind",) in reading.broken:
        return None
    if kind is None:
        message = f"'kind' is missing: one of {listing(KIND_FOLDERS, limit=20)}"
        problems.add("missing_key", ("kind",), reading.span(()), message)
        return None
    if not isinstance(kind, str) or kind not in KIND_FOLDERS:
        hint = did_you_mean(kind, KIND_FOLDERS) if isinstance(kind, str) else None
        message = f"there is no kind of document {shown(kind)}"
        problems.add("unknown_kind", ("kind",), reading.span(("kind",)), message, hint=hint)
        return None
    folder = reading.path.split("/", 1)[0]
    if folder != KIND_FOLDERS[kind]:
        message = f"a document of kind {kind} belongs into {KIND_FOLDERS[kind]}/"
        problems.add("wrong_folder", ("kind",), reading.span(("kind",)), message, level=Level.warning)
    return kind


def _keep(document: Document, known: dict[str, Document], problems: Problems) -> None:
    other = known.get(document.name)
    if other is not None:
        first = other.reading.span(("name",))
        message = f"there is another {document.kind} called {document.name!r}, at {first}"
        problems.add("duplicate_name", ("name",), document.reading.span(("name",)), message)
        return
    known[document.name] = document


def _broken_names(document: Document) -> set[str]:
    """Return the names that others may use, and that are missing only because something here is broken."""
    names: set[str] = set()
    data = document.reading.data
    if not document.usable:
        names.add(document.name)
        for key in ("fields", "stages"):
            if isinstance(data.get(key), dict):
                names.update(data[key])
        if document.kind == "pipeline" and isinstance(data.get("entity"), str):
            names.add(data["entity"])
    for path in document.broken - {()}:
        names.update(_name_at(document, path))
    return names


def _name_at(document: Document, path: KeyPath) -> Iterable[str]:
    if path[:1] == ("traits",):
        return {*derive.RESERVED}
    if path[-1] == "stages" or path == ("fields",):
        value = document.reading.data.get(path[0])
        return set(value) if isinstance(value, dict) else ()
    if "options" in path:
        return {str(path[-1])}
    return {str(key) for key in path[1::2]} if path[0] in ("fields", "stages") and len(path) % 2 == 0 else ()


def _template(documents: Documents) -> Document | None:
    """Return the template that no other one extends."""
    found = documents.get("template", {})
    extended = {document.root.maybe("extends") for document in found.values()}
    return next((document for name, document in found.items() if name not in extended), None)


# ---------------------------------------------------------------- outline


def _outline(documents: Documents, linker: Linker, sets: Mapping[str, OptionSet], settings: Settings) -> None:
    """Make names, stages and fields known, so that rules may speak of what stands in any file."""
    pipelines: dict[str, Document] = {}
    for document in documents.get("pipeline", {}).values():
        entity = document.node("entity").value
        if not isinstance(entity, str) or not document.usable:
            continue
        if entity in pipelines:
            first = pipelines[entity].reading.span(("entity",))
            message = f"{entity} has a pipeline already, at {first}"
            linker.add("duplicate_pipeline", document.node("entity"), message)
            continue
        pipelines[entity] = document
        linker.stages[entity] = tuple(name for name, _ in document.node("stages").entries())
    pools: dict[str, list[Option]] = defaultdict(list)
    for document in documents.get("pool", {}).values():
        entity = document.node("entity").value
        if isinstance(entity, str):
            label = document.root.label(name=document.name)
            pools[entity].append(Option(document.name, label, was=document.root.was()))
    for name, document in documents.get("entity", {}).items():
        if not document.usable:
            continue
        pipeline = pipelines.get(name)
        parts = {} if pipeline is None else dict(pipeline.node("stages").entries())
        stages = [
            Option(key, part.label(name=key), part.maybe("color"), was=part.was())
            for key, part in parts.items()
        ]
        initial = None if pipeline is None else pipeline.root.maybe("initial") or next(iter(parts), None)
        fields = entity_parts.outline_fields(
            document.root, linker, sets, settings.currency, stages=stages, initial=initial, pools=pools[name]
        )
        linker.know(name, MappingProxyType(fields))


# ---------------------------------------------------------------- build and derive


def _build(documents: Documents, kind: str, make: Callable[[Document], Made | None]) -> dict[str, Made]:
    """Make every usable document of a kind, in the order of the files."""
    made = ((name, make(document)) for name, document in documents.get(kind, {}).items() if document.usable)
    return {name: value for name, value in made if value is not None}


def _workspace(
    documents: Documents,
    linker: Linker,
    sets: Mapping[str, OptionSet],
    settings: Settings,
    template: Document | None,
) -> Workspace:
    def each(kind: str, make: Callable[[Document], Made | None]) -> dict[str, Made]:
        return _build(documents, kind, make)

    entities = each("entity", lambda doc: entity_parts.build_entity(doc.root, linker))
    forms = each("form", lambda doc: screens.build_form(doc.root, linker, entities))
    lists = each("list", lambda doc: screens.build_list(doc.root, linker))
    boards = each("board", lambda doc: screens.build_board(doc.root, linker))
    pages = each("page", lambda doc: screens.build_page(doc.root, linker, entities))
    menus = each("menu", lambda doc: screens.build_menu(doc.root, linker))
    _derive(forms, entities.values(), derive.derive_form)
    _derive(lists, entities.values(), derive.derive_list)
    pointing = derive.pointers(entities)
    _derive(pages, entities.values(), lambda entity: derive.derive_page(entity, pointing))
    staged = [
        entity for entity in entities.values() if "stage" in entity.fields and entity.name in linker.stages
    ]
    _derive(boards, staged, derive.derive_board)
    if not menus:
        icons = {entity.name: entity.icon for entity in entities.values()}
        menus["main"] = derive.derive_menu(lists.values(), icons, Span("", 0, 0))
    reports = each("report", lambda doc: governance.build_report(doc.root, linker))
    return Workspace(
        name=settings.name,
        languages=settings.languages,
        currency=settings.currency,
        zone=settings.zone,
        entities=MappingProxyType(entities),
        options=MappingProxyType(sets),
        pipelines=MappingProxyType(each("pipeline", lambda doc: workflows.build_pipeline(doc.root, linker))),
        pools=MappingProxyType(each("pool", lambda doc: workflows.build_pool(doc.root, linker))),
        approvals=MappingProxyType(each("approval", lambda doc: workflows.build_approval(doc.root, linker))),
        automations=MappingProxyType(
            each("automation", lambda doc: workflows.build_automation(doc.root, linker))
        ),
        connectors=MappingProxyType(
            each("connector", lambda doc: workflows.build_connector(doc.root, linker))
        ),
        forms=MappingProxyType(forms),
        lists=MappingProxyType(lists),
        boards=MappingProxyType(boards),
        pages=MappingProxyType(pages),
        menus=MappingProxyType(menus),
        roles=MappingProxyType(each("role", lambda doc: governance.build_role(doc.root, linker))),
        reports=MappingProxyType(reports),
        dashboards=MappingProxyType(
            each("dashboard", lambda doc: governance.build_dashboard(doc.root, linker))
        ),
        messages=MappingProxyType(each("message", lambda doc: messages.build_message(doc.root, linker))),
        printed=MappingProxyType(
            each("document", lambda doc: document_parts.build_document(doc.root, linker))
        ),
        public_forms=MappingProxyType(
            each("public_form", lambda doc: public_forms.build_public_form(doc.root, linker))
        ),
        quotas=MappingProxyType(each("quota", lambda doc: quotas.build_quota(doc.root, linker, reports))),
        template=governance.build_template(
            template.root, build_data_steps(documents.get("template", {}).values(), linker)
        )
        if template is not None and template.usable
        else None,
        tests=MappingProxyType(test_parts.build_tests(documents.get("test", {}), linker, settings.zone)),
    )


def _derive(
    screens_made: dict[str, Made], entities: Iterable[Entity], make: Callable[[Entity], Made]
) -> None:
    """Give every entity without such a screen a derived one; documents keep their names."""
    covered = {getattr(screen, "entity", None) for screen in screens_made.values()}
    for entity in entities:
        if entity.name in covered:
            continue
        made = make(entity)
        name = entity.name
        while name in screens_made:
            name += "_"
        screens_made[name] = replace(made, name=name) if name != entity.name else made  # type: ignore[type-var]
