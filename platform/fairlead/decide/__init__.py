"""Pure decisions: what may happen, given the facts. No database, no clock, no I/O."""
