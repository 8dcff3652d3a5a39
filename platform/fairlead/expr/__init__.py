"""The expression language: CEL's grammar, exact numbers, empty fields as unknown; Python, SQL and browser agree."""
