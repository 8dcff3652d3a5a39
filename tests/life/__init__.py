"""The acceptance scenarios of a configuration's life, one module for each (lifecycle 4.11)."""
