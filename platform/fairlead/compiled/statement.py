"""A statement built once by SQLAlchemy and run many times as text.

Building and compiling a Core statement costs more than running it. An application therefore
prepares each statement when its shape is first met and keeps the text; a request only binds
parameters.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, visitors
from sqlalchemy.sql.elements import BindParameter

DialectName = Literal["sqlite", "postgresql"]

_ONE_AT_A_TIME = threading.Lock()

_DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": psycopg.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """SQL text in the driver's own parameter style, with the constants that belong to it.

    `constants` holds the literals of the statement; every other name in `names` has to be bound
    by the caller at each run.
    """

    sql: str
    names: tuple[str, ...]
    constants: Mapping[str, object]

    def bind(self, params: Mapping[str, object]) -> Mapping[str, object]:
        """Return the parameters of one run; the drivers leave alone what the statement does not name."""
        return {**self.constants, **params} if self.constants else params


def dialect_of(name: str) -> Dialect:
    """Return the SQLAlchemy dialect that texts are written for."""
    return _DIALECTS[name]


def prepare(statement: ClauseElement, dialect: str) -> Prepared:
    """Compile a Core statement to text for `dialect` ("sqlite" or "postgresql").

    Bind parameters without a value stay open; literals become constants.
    """
    with _ONE_AT_A_TIME:
        opened: list[BindParameter[object]] = []
        for node in visitors.iterate(statement):
            # A list inside IN is rendered at once, which asks every parameter for its value; those that are bound later
            # have none yet. What was open stays open: it is remembered here. Parameters such as `p_user` are shared by
            # many statements, hence the lock.
            if isinstance(node, BindParameter) and node.required:
                opened.append(node)
                node.required = False
        try:
            compiled = statement.compile(
                dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True}
            )
            values = dict(compiled.params)
        finally:
            for node in opened:
                node.required = True
    names = {node.key for node in opened}
    names |= {name for bind, name in compiled.bind_names.items() if bind.required}  # type: ignore[attr-defined]
    constants = {name: value for name, value in values.items() if name not in names}
    return Prepared(str(compiled), tuple(values), constants)
