"""One rule in every form it has: as it is kept, with labels, as a sentence, as a tree, as JsonLogic (EX-10, EX-12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.base.errors import NotFound
from fairlead.compiled.shapes import build_shapes
from fairlead.expr.check import compile_expression
from fairlead.expr.chips import shown
from fairlead.expr.expression import Expression
from fairlead.expr.jsonlogic import jsonlogic
from fairlead.expr.labels import Words, keyed
from fairlead.expr.parse import ExprProblem
from fairlead.expr.sentence import Labels, sentence
from fairlead.expr.types import Scope, Shape
from fairlead.expr.written import text_of, text_of_tree
from fairlead.fields.spec import Field
from fairlead.model.workspace import Workspace
from fairlead.work.context import Context


@dataclass(frozen=True, slots=True)
class Worded:
    """A checked rule.

    Attributes:
        text: With keys, as a document keeps it.
        gives: The type of its value, in words.
        labels: By language, as it is shown and may be typed.
        sentences: By language.
        warnings: What is surely not meant.
        cel: Written again from the tree; nothing of the spelling is left.
        logic: JsonLogic, or why there is none.
    """

    text: str
    gives: str
    labels: Mapping[str, str]
    sentences: Mapping[str, str]
    warnings: tuple[str, ...]
    cel: str
    tree: Mapping[str, object]
    logic: object | ExprProblem


def worded(workspace: Workspace, entity: str, written: object) -> Worded | list[ExprProblem]:
    """Return every form of a rule about an entity, or what is wrong with it.

    Args:
        workspace: Whose names are meant.
        entity: Whose records it is about.
        written: A text with keys or with labels in any language of the workspace, or a tree as JSON.

    Raises:
        NotFound: There is no such entity.
    """
    if entity not in workspace.entities:
        raise NotFound("entity", entity)
    shapes = build_shapes(workspace)
    scope = Scope(shapes[entity], old=True)
    languages = tuple(workspace.languages)
    made = _checked(workspace, scope, written, languages)
    if not isinstance(made, Expression):
        return made
    named = {lang: words_of(workspace, lang) for lang in languages}
    return Worded(
        made.text, str(made.type),
        {lang: shown(made, scope, words) for lang, words in named.items()},
        {lang: sentence(made, lang, labels_of(shapes, entity, words)) for lang, words in named.items()},
        tuple(str(one) for one in made.warnings), text_of(made.node), made.to_json(), jsonlogic(made.node),
    )  # fmt: skip


def words_of(workspace: Workspace, lang: str) -> Words:
    """Return the labels of a workspace's fields and options in a language."""

    def words(shape: str, field: str, option: str | None) -> str | None:
        entity, _, table = shape.partition(".")
        holder = workspace.entities.get(entity)
        fields: Mapping[str, Field] = {} if holder is None else holder.fields
        if table:
            fields = fields[table].fields if table in fields else {}
        spec = fields.get(field)
        if spec is None:
            return None
        if option is None:
            return spec.label.get(lang)
        return next((one.label.get(lang) for one in spec.options if one.name == option), None)

    return words


def labels_here(ctx: Context, entity: str, lang: str) -> Labels:
    """Return the labels that sentences about an entity need, in the application of a request."""
    workspace = ctx.app.workspace
    shapes = ctx.app.memo("shapes", lambda: build_shapes(workspace))
    return labels_of(shapes, entity, words_of(workspace, lang))


def _checked(
    workspace: Workspace, scope: Scope, written: object, languages: tuple[str, ...]
) -> Expression | list[ExprProblem]:
    if not isinstance(written, str):
        text = text_of_tree(written)
        return [text] if isinstance(text, ExprProblem) else compile_expression(text, scope)
    first = compile_expression(written, scope)
    if isinstance(first, Expression):
        return first
    ambiguous: list[ExprProblem] = []
    for lang in languages:
        keys = keyed(written, scope, words_of(workspace, lang))
        if not isinstance(keys, str):
            ambiguous = ambiguous or keys
        elif keys != written:
            made = compile_expression(keys, scope)
            if isinstance(made, Expression):
                return made
    return ambiguous or first


def labels_of(shapes: Mapping[str, Shape], entity: str, words: Words) -> Labels:
    """Return labels by path, as sentences ask for them.

    Args:
        shapes: Of the workspace, by name.
        entity: Whose records the paths begin with.
        words: The labels of fields and options.
    """

    def label(path: tuple[str, ...]) -> str | None:
        option = path[-1] if len(path) > 2 and path[-2] == "=" else None
        *way, last = path[:-2] if option is not None else path
        here = shapes.get(entity)
        for name in way:
            kind = here.field_type(name) if here is not None else None
            if here is None or kind is None:
                return None
            rows = kind.element.entity if kind.is_rows and kind.element is not None else None
            here = here.shape(rows or kind.leads_to or "")
        return None if here is None else words(here.name, last, option)

    return label
