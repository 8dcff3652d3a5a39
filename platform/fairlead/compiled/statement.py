"""A statement built once by SQLAlchemy and run many times as text.

Building and compiling a Core statement costs more than running it. An application therefore
prepares each statement when its shape is first met and keeps the text; a request only binds
parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

DialectName = Literal["sqlite", "postgresql"]

_DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="named"),  # type: ignore[no-untyped-call]
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

    def bind(self, params: Mapping[str, object]) -> dict[str, object]:
        """Return the parameters of one run. Names the statement does not have are left out."""
        if self.constants:
            return {**self.constants, **params}
        return dict(params)


def dialect_of(name: str) -> Dialect:
    """Return the SQLAlchemy dialect that texts are written for."""
    return _DIALECTS[name]


def prepare(statement: ClauseElement, dialect: str) -> Prepared:
    """Compile a Core statement to text for `dialect` ("sqlite" or "postgresql").

    Bind parameters without a value stay open; literals become constants.
    """
    compiled = statement.compile(dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True})
    constants: dict[str, object] = {}
    for bind, name in compiled.bind_names.items():  # type: ignore[attr-defined]
        if not bind.required and (bind.value is not None or bind.callable is not None):
            constants[name] = bind.effective_value
    return Prepared(str(compiled), tuple(compiled.bind_names.values()), constants)  # type: ignore[attr-defined]
