"""Names and the paths that begin with them: what is known, what was probably meant."""

from fairlead.base.texts import did_you_mean, listing
from fairlead.expr.checking.fitting import Fitting
from fairlead.expr.functions import ALIASES, BY_NAME
from fairlead.expr.nodes import Path, Step, Syntax, Typed
from fairlead.expr.parse import ExprProblem, names_in
from fairlead.expr.types import (
    DATE,
    DATETIME,
    MAX_HOPS,
    TEAM,
    TEXT,
    USER,
    EntityShape,
    Kind,
    Scope,
    Type,
    list_type,
)

USER_MEMBERS: dict[str, Type] = {
    "id": USER,
    "team": TEAM,
    "teams": list_type(TEAM),
    "subordinate_teams": list_type(TEAM),
    "roles": list_type(TEXT),
}


def strangers(text: str, scope: Scope) -> list[ExprProblem]:
    """Return the names in a text that is no expression and that nothing here is called."""
    known = {"true", "false", "null", "in", "and", "or", "not", "is", "mod", "True", "False", "None"}
    known |= {"AND", "OR", "NOT", "TRUE", "FALSE", "NULL", *BY_NAME, *ALIASES, *roots(scope)}
    found = []
    for name, start, end in names_in(text):
        macro_variable = len(name) <= 2 and name.isalpha()
        if name not in known and not macro_variable:
            message = f"the name {name!r} may not be used here"
            found.append(ExprProblem("name_not_allowed", message, start, end, did_you_mean(name, known)))
    return found


def roots(scope: Scope) -> list[str]:
    """Return the names with which a path may begin, and the scope's own."""
    names = list(scope.extra)
    if scope.record is not None:
        names.append("record")
        if scope.bare_fields:
            names.extend(scope.record.field_names())
    if scope.old:
        names.append("old")
    if scope.user:
        names.append("user")
    if scope.clock:
        names.extend(("now", "today"))
    return names


class Names(Fitting):
    """Finds what a name or a path means."""

    def name(self, node: Syntax) -> Typed | None:
        name = str(node.value)
        scope = self.scope
        if name in self.variables:
            element = self.variables[name]
            if element.kind is not Kind.row:
                return Typed("get", element, (), Path(name, ()), node.start, node.end)
            self.mismatch(f"name a field of the line: {name}.…", node)
            return None
        if name == "record" and scope.record is not None:
            self.mismatch("name a field of the record: record.…", node)
            return None
        if name == "old" and scope.old:
            self.mismatch("name a field of the record before the change: old.…", node)
            return None
        if name == "user" and scope.user:
            return Typed("name", USER, (), "user", node.start, node.end)
        if name == "now" and scope.clock:
            return Typed("name", DATETIME, (), "now", node.start, node.end)
        if name == "today" and scope.clock:
            return Typed("name", DATE, (), "today", node.start, node.end)
        if name in scope.extra:
            return Typed("name", scope.extra[name], (), f"extra.{name}", node.start, node.end)
        record = scope.record
        own = record.field_type(name) if record is not None else None
        if own is not None and scope.bare_fields:
            return Typed("get", own, (), Path("record", (Step(name, own),)), node.start, node.end)
        known = [*roots(scope), *self.variables]
        if own is not None:
            message = f"{name!r} is a field; write record.{name}"
            self.problem("name_not_allowed", message, node, f"record.{name}")
        elif name == "old" and scope.record is not None:
            self.problem("name_not_allowed", "there is no record before the change here", node)
        elif name in BY_NAME or name in ALIASES:
            self.problem("name_not_allowed", f"{name} is a function; write {name}(…)", node)
        else:
            message = f"the name {name!r} may not be used here; known are {listing(sorted(known))}"
            self.problem("name_not_allowed", message, node, did_you_mean(name, known))
        return None

    def member(self, node: Syntax) -> Typed | None:
        target, name = node.args[0], str(node.value)
        if "__" in name:
            self.problem("name_not_allowed", f"the name {name!r} may not be used here", node)
            return None
        if target.kind == "name":
            root = str(target.value)
            if root in ("record", "old") and root not in self.variables:
                record = self.scope.record
                if record is not None and (root == "record" or self.scope.old):
                    return self.step(Path(root, ()), record, name, node)
                if root == "old":
                    self.problem("name_not_allowed", "there is no record before the change here", target)
                else:
                    self.problem("name_not_allowed", "there is no record here", target)
                return None
            if root == "user" and self.scope.user and root not in self.variables:
                kind = USER_MEMBERS.get(name)
                if kind is None:
                    hint = did_you_mean(name, USER_MEMBERS)
                    message = f"a user has no {name!r} here; known are {listing(USER_MEMBERS)}"
                    self.problem("unknown_field", message, node, hint)
                    return None
                value = "user" if name == "id" else f"user.{name}"
                return Typed("name", kind, (), value, node.start, node.end)
            if root in self.variables:
                if self.variables[root].kind is not Kind.row:
                    message = f"an entry of this list has no fields here; compare {root} itself"
                    self.mismatch(message, node)
                    return None
                shape = self.shape(self.variables[root].entity)
                return None if shape is None else self.step(Path(root, ()), shape, name, node)
        inner = self.check(target)
        if inner is None:
            return None
        kind = inner.type
        if kind.is_rows:
            message = (
                f"these are line items; say which, as in record.lines.exists(l, l.{name} …) or sum(….{name})"
            )
            self.mismatch(message, node)
            return None
        shape = self.shape(kind.leads_to)
        if shape is None or not isinstance(inner.value, Path):
            self.mismatch(f"{self.said(target)} is {kind} and has no fields", node)
            return None
        return self.step(inner.value, shape, name, node)

    def step(self, path: Path, shape: EntityShape, name: str, node: Syntax) -> Typed | None:
        kind = shape.field_type(name)
        if kind is None:
            names = list(shape.field_names())
            hint = did_you_mean(name, names)
            known = "" if hint else f"; known are {listing(names)}"
            self.problem("unknown_field", f"{shape.name} has no field {name!r}{known}", node, hint)
            return None
        hops = len(path.steps)
        if hops > MAX_HOPS:
            message = f"a path leads over at most {MAX_HOPS} other records"
            self.problem("too_deep", message, node)
            return None
        whole = Path(path.root, (*path.steps, Step(name, kind)))
        return Typed("get", kind, (), whole, node.start, node.end, 1 + 4 * hops)

    def shape(self, entity: str | None) -> EntityShape | None:
        return None if entity is None or self.scope.record is None else self.scope.record.shape(entity)

    def index(self, node: Syntax) -> Typed | None:
        target, key = node.args
        if key.kind == "literal" and isinstance(key.value, str):
            return self.member(
                Syntax("member", key.value, (target,), node.start, node.end, node.depth, node.at)
            )
        message = "a list has no positions here; use exists or all, or x in list"
        self.problem("syntax", message, node)
        return None
