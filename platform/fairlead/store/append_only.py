"""Tables whose rows are written once: the database itself refuses to change or delete them."""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.compiled.statement import DialectName


def refusals(table: sa.Table, dialect: DialectName) -> tuple[str, ...]:
    """Return the statements that make the database refuse to change or delete a row; harmless when run again."""
    name = table.name
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER IF NOT EXISTS {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        )
    refuse = f"$$ BEGIN RAISE EXCEPTION '{name} is append-only'; END $$"
    before = f"BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION {name}_keep()"
    return (
        f"CREATE OR REPLACE FUNCTION {name}_keep() RETURNS trigger LANGUAGE plpgsql AS {refuse}",
        f"CREATE OR REPLACE TRIGGER {name}_keep {before}",
    )
