"""The database: one engine, the fixed tables, and small modules of statements over them."""
