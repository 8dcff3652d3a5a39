"""The administration on Flask-Admin: its views and addresses, our screens, our rules.

Only the package's machinery is used. The theme names a folder that the package does not have, so that every template
comes from here; no static files are served; views are storage-neutral and reach data through `work` alone.
"""

from __future__ import annotations

from flask import Flask, redirect
from flask_admin import Admin
from flask_admin.theme import Theme
from flask_babel import Babel

from fairlead.web.console.base import ConsoleView
from fairlead.web.console.configuration import RevisionsView, RolesView
from fairlead.web.console.jobs import JobsView
from fairlead.web.console.people import PeopleView, TeamsView
from fairlead.web.console.watch import HealthView, HistoryView
from fairlead.web.request import language, services

URL = "/console"


def install(app: Flask) -> None:
    """Register the administration under /console."""
    # Flask-Admin uses flask-babel as soon as it can be imported, and fails on every page without an initialised one.
    Babel(app, locale_selector=_locale)
    secure = services_secure(app)
    app.config.update(
        SESSION_COOKIE_NAME="fairlead_flash", SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=secure,
    )  # fmt: skip
    index = HealthView(endpoint="console", url=URL)
    admin = Admin(
        app,
        name="Fairlead",
        index_view=index,
        url=URL,
        endpoint="console",
        theme=Theme("console", "base.html"),
    )
    views: list[ConsoleView] = [
        PeopleView(endpoint="console_people", url=f"{URL}/people"), TeamsView(endpoint="console_teams", url=f"{URL}/teams"),
        RolesView(endpoint="console_roles", url=f"{URL}/roles"), JobsView(endpoint="console_jobs", url=f"{URL}/jobs"),
        RevisionsView(endpoint="console_revisions", url=f"{URL}/revisions"),
        HistoryView(endpoint="console_history", url=f"{URL}/history"),
    ]  # fmt: skip
    # All at once and now: Flask takes no further blueprints after the first request.
    for view in views:
        admin.add_view(view)
    app.extensions["fairlead_console"] = (index, *views)
    app.add_url_rule("/admin", "admin_short", lambda: redirect(f"{URL}/", 302))


def services_secure(app: Flask) -> bool:
    """Return whether cookies are only for HTTPS."""
    with app.app_context():
        return services().secure_cookies


def _locale() -> str:
    return "zh_Hans_CN" if language() == "zh" else "en"
