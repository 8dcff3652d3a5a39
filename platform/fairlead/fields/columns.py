"""The few column types that every stored value uses, the same on both databases.

Text compares by code point everywhere: SQLite does so by itself, PostgreSQL is told with COLLATE "C".
Numbers that must be exact are whole numbers (minor units, scaled decimals), never floats.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

TEXT: TypeEngine[str] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
BIGINT: TypeEngine[int] = BigInteger()
BOOLEAN: TypeEngine[bool] = Boolean(create_constraint=False)
