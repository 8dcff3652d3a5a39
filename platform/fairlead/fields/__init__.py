"""The kinds of field."""
