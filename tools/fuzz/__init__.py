"""Programs that try the configuration with a great many inputs; `make` runs them."""
