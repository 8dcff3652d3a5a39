"""What `was:` means for a database that is in use: the tables, columns and kept names that change."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from fairlead.base.problems import Level, Problems
from fairlead.compiled.application import Application
from fairlead.compiled.changes import Change
from fairlead.compiled.tables import column_name, lines_name, table_name
from fairlead.config.load import Loaded, load
from fairlead.config.mentions import Target
from fairlead.config.renamed import Rename, exists, stale, under_new_names
from fairlead.config.source import SourceTree
from fairlead.fields.kind import both
from fairlead.fields.spec import Field
from fairlead.store import identities, revisions
from fairlead.store.dropping import is_reserved
from fairlead.store.renaming import OF_ENTITIES, Renaming, Values
from fairlead.store.statements import Reads

Names = Mapping[str, str]


def renaming_of(renames: Sequence[Rename], after: Loaded, app: Application) -> Renaming:
    """Return what has to change its name in the database so that `app` finds its data."""
    former = _Former(renames)
    tables: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    totals: set[str] = set()
    values: list[Values] = list(_of_engine(former))
    for name, entity in app.workspace.entities.items():
        old = former.of(("entity", name))[1]
        here = ("entity", name)
        if old != name:
            tables |= {f"{kind}_{old}": f"{kind}_{name}" for kind in "est"}
        sequences = {}
        counted = {one for kept in app.entities[name].totals for one in kept.reads}
        for field in entity.fields.values():
            path = (*here, "fields", field.name)
            one = former.of(path)[3]
            if field.kind == "sequence" and (old, one) != (name, field.name):
                sequences[f"{old}.{one}"] = f"{name}.{field.name}"
            if field.kind == "table":
                if (old, one) != (name, field.name):
                    tables[lines_name(old, one)] = lines_name(name, field.name)
                for row in field.fields.values():
                    inner = (*path, "fields", row.name)
                    _column(columns, lines_name(name, field.name), former.of(inner)[5], row.name)
                    values += _of_field(row, inner, lines_name(name, field.name), former, after)
                continue
            _column(columns, table_name(name), one, field.name)
            found = list(_of_field(field, path, table_name(name), former, after))
            if field.name in counted:
                if found:
                    totals.add(f"t_{old}")
                elif one != field.name:
                    # Each total keeps its numbers; only what they are the sums of has another name.
                    sums = {f"{part}_{one}": f"{part}_{field.name}" for part in "hsc"}
                    columns[f"t_{name}"] |= {column_name(one): column_name(field.name)} | sums
            values += found
        if sequences:
            values.append(Values("sys_sequence", "name", sequences))
    return Renaming(
        tables, {table: names for table, names in columns.items() if names}, tuple(values), frozenset(totals)
    )


def _column(columns: dict[str, dict[str, str]], table: str, old: str, new: str) -> None:
    if old != new:
        columns[table][column_name(old)] = column_name(new)


class _Former:
    """Looks former names up by the paths of today."""

    def __init__(self, renames: Sequence[Rename]) -> None:
        self.by_new = {one.new: one.old for one in renames}
        self.names: dict[Target, dict[str, str]] = defaultdict(dict)
        for one in renames:
            if one.old[-1] != one.new[-1]:
                self.names[one.new[:-1]][one.old[-1]] = one.new[-1]

    def of(self, path: Target) -> Target:
        """Return the former path of `path`; itself where nothing was renamed."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.by_new:
                return (*self.by_new[path[:length]], *path[length:])
        return path

    def below(self, path: Target) -> Names:
        """Return old → new of what is renamed right below `path`."""
        return self.names.get(path, {})


def _of_engine(former: _Former) -> Iterator[Values]:
    entities, rules = former.below(("entity",)), former.below(("automation",))
    roles, pools = former.below(("role",)), former.below(("pool",))
    if entities:
        yield from (Values(table, "entity", entities) for table in OF_ENTITIES)
    if roles:
        yield Values("sys_user", "roles", roles, "list")
    if rules:
        yield from (Values(table, "rule", rules) for table in ("sys_job", "sys_occurrence"))
    if pools:
        yield from (Values(table, "pool", pools) for table in ("sys_ownership_event", "sys_claim_counter"))


def _of_field(field: Field, path: Target, table: str, former: _Former, after: Loaded) -> Iterator[Values]:
    column = column_name(field.name)
    if field.kind == "reference" and "entities" in field.params:
        entities = {
            old: new for old, new in former.below(("entity",)).items() if new in field.params["entities"]
        }
        if entities:
            yield Values(table, column, entities, "prefix")
    if not field.options:
        return
    defined = _options_at(path, after)
    names = former.below(defined)
    if not names:
        return
    yield Values(table, column, names, "list" if field.kind == "multi_choice" else "text")
    if defined[0] == "pipeline":
        yield Values("sys_stage_visit", "stage", names, where=f"entity = '{path[1]}'")


def _options_at(path: Target, after: Loaded) -> Target:
    """Return where the options of a field are defined."""
    document = after.documents["entity"][path[1]]
    part = document.node(*path[2:])
    if part.path != path[2:]:
        for pipeline in after.documents.get("pipeline", {}).values() if path[-1] == "stage" else ():
            if pipeline.node("entity").value == path[1]:
                return ("pipeline", pipeline.name, "stages")
        return ("pool",)
    options = part.get("options")
    shared = options is not None and isinstance(options.value, str)
    return ("options", str(options.value)) if options is not None and shared else (*path, "options")


# ---------------------------------------------------------------- said to people


def changes_of(renames: Sequence[Rename], after: Loaded) -> list[Change]:
    """Return the renames as a plan shows them."""
    found = []
    for one in renames:
        if one.old[-1] != one.new[-1]:
            document = after.documents[one.new[0]][one.new[1]]
            span = document.node(*(("name",) if len(one.new) == 2 else one.new[2:])).key_span
            note = both("renamed; nothing is lost", "已改名，数据不丢失")
            found.append(Change("change", one.new, "safe", one.old[-1], one.new[-1], span, note))
    return found


def former_field(renames: Sequence[Rename], entity: str, dotted: str) -> str:
    """Return the name that a field had; a field of line items is `lines.price`, and its own name is meant."""
    names = [part for name in dotted.split(".") for part in ("fields", name)]
    return _Former(renames).of(("entity", entity, *names))[-1]


def warn_of_stale(
    after: Loaded, before: Loaded | None, earlier: frozenset[Target], problems: Problems
) -> None:
    """Add a warning for each former name that never was one."""
    for former, node in stale(after.documents, before.documents if before else {}, earlier):
        part = node.get("was") or node
        message = f"nothing was ever called {former[-1]!r} here; the line can go"
        problems.add("stale_was", part.path, part.span, message, level=Level.warning)


# ---------------------------------------------------------------- kept with the revision


def to_text(
    renames: Sequence[Rename],
    renaming: Renaming,
    app: Application,
    moved: Sequence[tuple[Target, Target]] = (),
    forms: Mapping[tuple[str, str], Field] | None = None,
) -> str | None:
    """Return the renames as a revision keeps them, for the history of records and for the way back.

    Args:
        moved: What goes out of sight or comes back: the path before and after.
        forms: Entity and field → the field as it was, where its values were of another kind.
    """
    if not renames and not moved and not forms:
        return None
    fields = {
        (table_name(name), column_name(field)): (name, field)
        for name, entity in app.workspace.entities.items()
        for field in entity.fields
    }
    values = [
        [*fields[one.table, one.column], dict(one.names)]
        for one in renaming.values
        if (one.table, one.column) in fields and one.form != "prefix"
    ]
    pairs = [(one.old, one.new) for one in renames] + list(moved)
    were = [
        [
            *at,
            spec.kind,
            {key: spec.params[key] for key in ("scale", "currency", "entity") if key in spec.params},
        ]
        for at, spec in sorted((forms or {}).items())
    ]
    return json.dumps(
        {"renames": [[list(old), list(new)] for old, new in pairs], "values": values, "forms": were}
    )


def backwards(steps: Sequence[identities.Step]) -> tuple[Rename, ...]:
    """Return what leads from the names of today to those from before `steps` (oldest first)."""
    return tuple(Rename(today, then) for then, today in then_and_today(steps).items())


def documents_of(where: Reads, number: int, *, until: int | None = None) -> dict[str, str]:
    """Return the documents of a revision, what has been renamed since by its name of today (or of `until`).

    An approval keeps its own name: those who began under it are kept with it.
    """
    files = revisions.files(where, number)
    steps = [step for step in identities.since(where, number) if until is None or step.revision <= until]
    if not files or not steps:
        return files
    tree = SourceTree.from_mapping(files)
    documents = load(tree).documents
    renames = [
        Rename(then, today)
        for then, today in then_and_today(steps).items()
        if exists(documents, then)
        and not (then[0] == "approval" and len(then) == 2)
        and not any(is_reserved(part) for part in today)
    ]
    made = under_new_names(tree, renames)
    return files if made is None else made.mapping()


def then_and_today(steps: Sequence[identities.Step]) -> dict[Target, Target]:
    """Return what was called otherwise before `steps` (oldest first): name of then → name of today."""
    found: dict[Target, Target] = {}
    for number, step in enumerate(steps):
        for old, _ in step.renames:
            then = old
            for earlier in reversed(steps[:number]):
                then = earlier.back(then)
            today = then
            for each in steps:
                today = each.forth(today)
            if today != then:
                found[then] = today
    return found
