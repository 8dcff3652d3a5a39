"""The workspace as immutable values."""
