"""Small facts the engine keeps about itself, by name."""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.store.database import Tx
from fairlead.store.statements import Once, Reads, p, upsert
from fairlead.store.system import setting

_GET = Once(lambda _: sa.select(setting.c.value).where(setting.c.key == p("key")))
_BELOW = Once(
    lambda _: (
        sa.select(setting.c.key, setting.c.value)
        .where(setting.c.key >= p("begin"), setting.c.key < p("end"))
        .order_by(setting.c.key)
    )
)
_PUT = Once(
    lambda d: (
        upsert(setting, d)
        .values(key=p("key"), value=p("value"))
        .on_conflict_do_update(index_elements=["key"], set_={"value": p("value")})
    )
)
_DROP = Once(lambda _: sa.delete(setting).where(setting.c.key == p("key")))


def get(where: Reads, key: str) -> str | None:
    """Return what is kept under `key`."""
    row = where.one(_GET.on(where), {"key": key})
    return row[0] if row else None


def below(where: Reads, prefix: str) -> dict[str, str]:
    """Return everything whose key begins with `prefix`, by the rest of the key."""
    rows = where.all(_BELOW.on(where), {"begin": prefix, "end": prefix + "\U0010ffff"})
    return {key[len(prefix) :]: value for key, value in rows}


def put(tx: Tx, key: str, value: str) -> None:
    """Keep `value` under `key`."""
    tx.run(_PUT.on(tx), {"key": key, "value": value})


def drop(tx: Tx, key: str) -> None:
    """Forget what is kept under `key`."""
    tx.run(_DROP.on(tx), {"key": key})
