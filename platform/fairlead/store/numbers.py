"""Document numbers without gaps: taken in the transaction that writes the document, given back when it fails."""

from __future__ import annotations

from fairlead.store.database import Tx
from fairlead.store.statements import Once, p, upsert
from fairlead.store.system import sequence

_NEXT = Once(
    lambda d: (
        upsert(sequence, d)
        .values(name=p("name"), period=p("period"), value=1)
        .on_conflict_do_update(index_elements=["name", "period"], set_={"value": sequence.c.value + 1})
        .returning(sequence.c.value)
    )
)


def next_number(tx: Tx, name: str, period: str = "") -> int:
    """Return the next number of a sequence, counting from 1 in each period.

    Whoever takes one holds the sequence until the transaction ends: numbers follow the order of commits. Take
    it late, after everything that can fail.
    """
    row = tx.one(_NEXT.on(tx), {"name": name, "period": period})
    assert row is not None
    return int(row[0])
