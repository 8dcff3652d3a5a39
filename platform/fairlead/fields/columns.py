"""The types of column, each with the same meaning on SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

# Ordered by code point on both: SQLite does so by itself, PostgreSQL only when told.
TEXT: TypeEngine[str] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
BIGINT: TypeEngine[int] = BigInteger()
BOOLEAN: TypeEngine[bool] = Boolean()

BIGINT_MAX = 2**63 - 1
BIGINT_MIN = -(2**63)
