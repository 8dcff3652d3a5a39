"""Fairlead turns YAML configuration into a working sales system."""

__version__ = "0.1.0"
