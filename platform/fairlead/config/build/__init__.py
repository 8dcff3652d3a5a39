"""Plain data to model values, one module for a group of kinds."""
