"""The screens people work with: each module reads the request, calls `work` and renders."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from flask import Flask

from fairlead.web import render

SCREENS = (
    "signin",
    "home",
    "lists",
    "records",
    "forms",
    "boards",
    "options",
    "pools",
    "inbox",
    "reports",
    "search",
    "account",
    "notices",
)


def install(app: Flask) -> None:
    """Register the blueprint of every screen."""
    render.install(app)
    for name in SCREENS:
        full = f"{__name__}.{name}"
        if find_spec(full) is not None:
            # The API has blueprints of the same names.
            app.register_blueprint(import_module(full).screen, name=f"screen_{name}")
