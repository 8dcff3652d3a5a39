"""A page, or one block of it; and everything the frame around it shows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, g, request
from jinja2 import Template
from jinja2.environment import TemplateModule
from markupsafe import Markup, escape

from fairlead.base.errors import Forbidden
from fairlead.model.governance import CAPABILITIES
from fairlead.model.screens import MenuItem
from fairlead.web.request import NotSignedIn, caller, context, language, services
from fairlead.web.texts import speaker
from fairlead.work import home, reports
from fairlead.work.context import Context

URLS = {
    "home": "/", "search": "/search", "palette": "/search/palette", "inbox": "/inbox", "profile": "/account",
    "language": "/me/language", "sign_out": "/signout",
}  # fmt: skip
SCREENS = {
    "today": "/", "home": "/", "inbox": "/inbox", "search": "/search", "calendar": "/calendar", "profile": "/account",
    "studio": "/studio", "administration": "/console", "admin": "/console", "reports": "/reports",
}  # fmt: skip
_SCREEN_LABELS = {"/": "kit.today", "/inbox": "kit.inbox", "/search": "kit.search", "/account": "kit.profile"}
_ROOMS = (
    (frozenset({"configuration"}), "/studio", "adjustments", "screens.studio"),
    (frozenset(CAPABILITIES), "/console", "settings", "screens.administration"),
)
TONES = ("blue", "teal", "violet", "green", "amber", "pink", "sky", "orange", "brown", "lime")


def install(app: Flask) -> None:
    """Set up the templates as the kit expects them."""
    env = app.jinja_env
    env.template_class = KitTemplate
    env.trim_blocks = True
    env.lstrip_blocks = True
    env.globals.update(asset=asset, enumerate=enumerate)


class KitTemplate(Template):
    """A template whose parts of the kit are made once for each language, not again at every import.

    The macros of the kit read `t`, `lang`, `asset` and `csrf_token` of the page and nothing else; all but the token are
    the same for everybody who reads that language, and the token is looked up when it is printed.
    """

    def make_module(
        self,
        vars: dict[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> TemplateModule:
        """Return the macros of this template."""
        if vars is None or not (self.name or "").startswith("kit/") or vars.get("csrf_token") != _csrf():
            return super().make_module(vars, shared, locals)
        kept: dict[str, TemplateModule] = self.__dict__.setdefault("_kept", {})
        lang = vars["lang"]
        found = kept.get(lang)
        if found is None:
            own = {"t": speaker(lang), "lang": lang, "csrf_token": _Token()}
            found = kept[lang] = super().make_module(own)
        return found


class _Token:
    """The token of whoever reads the page; printed, it is theirs."""

    def __html__(self) -> str:
        return str(escape(_csrf()))

    def __str__(self) -> str:
        return _csrf()


# ---------------------------------------------------------------- answers


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a whole page in its frame."""
    frame = _frame(context("ui"))
    text = current_app.jinja_env.get_template(template).render({**frame, **values})
    return _html(text, status, count=frame["inbox"]["count"])


def block(template: str, name: str, status: int = 200, **values: Any) -> Response:
    """Return one block of a page, or with "" a template that is a fragment by itself."""
    found = current_app.jinja_env.get_template(template)
    variables = {**small_frame(), **values}
    if not name:
        return _html(found.render(variables), status)
    made = found.new_context(variables)
    # A block uses what its template imports at the top; the first piece of the page comes after the imports.
    next(found.root_render_func(made), "")
    return _html("".join(made.blocks[name][0](made)), status)


def fragment(template: str, status: int = 200, **values: Any) -> Response:
    """Return a template that is a part of a page."""
    return block(template, "", status, **values)


def _html(text: str, status: int, *, count: int | None = None) -> Response:
    answer = Response(text, status, mimetype="text/html")
    answer.headers["Vary"] = "HX-Request, Cookie"
    if count is not None and request.headers.get("HX-Request") == "true":
        answer.headers["HX-Trigger"] = json.dumps({"inbox-count": {"value": count}})
    if g.get("forget_said"):
        answer.delete_cookie("fairlead_said")
    return answer


def go(url: str, *, toast: str | None = None, tone: str = "green") -> Response:
    """Send the reader on to `url`, from a form of the page as well as from one in a dialog."""
    if request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true":
        answer = Response(status=200)
        answer.headers["HX-Location"] = json.dumps(
            {"path": url, "target": "#page", "select": "#page", "swap": "outerHTML"}
        )
        trigger(answer, {"close-dialog": {}} | ({"toast": {"text": toast, "tone": tone}} if toast else {}))
        return answer
    answer = Response(status=303)
    answer.headers["Location"] = url
    if toast:
        answer.set_cookie(
            "fairlead_said", _cookie_text(toast, tone), max_age=20, samesite="Lax", httponly=True
        )
    return answer


def trigger(answer: Response, events: Mapping[str, Any]) -> Response:
    """Add events for the page to an answer."""
    before = json.loads(answer.headers.get("HX-Trigger") or "{}")
    answer.headers["HX-Trigger"] = json.dumps({**before, **events})
    return answer


def say_done(answer: Response, text: str, tone: str = "green") -> Response:
    """Let the page say `text` in passing."""
    return trigger(answer, {"toast": {"text": text, "tone": tone}})


def is_fragment_request() -> bool:
    """Whether a part of a page asks, not a link or form that changes the page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _cookie_text(text: str, tone: str) -> str:
    from urllib.parse import quote

    return quote(json.dumps([text[:300], tone]))


def _said() -> list[dict[str, str]]:
    from urllib.parse import unquote

    given = request.cookies.get("fairlead_said")
    if not given or (
        request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
    ):
        return []
    try:
        text, tone = json.loads(unquote(given))
    except ValueError:
        return []
    g.forget_said = True
    return [{"text": str(text), "tone": str(tone)}]


# ---------------------------------------------------------------- the frame


def small_frame() -> dict[str, Any]:
    """Return what a fragment or a page without menu needs."""
    lang = language()
    return {
        "t": speaker(lang), "lang": lang, "csrf_token": _csrf(), "theme": theme(), "urls": URLS,
    }  # fmt: skip


def _csrf() -> str:
    """Return the token of whoever reads this; nothing for a stranger, and where it was missing."""
    try:
        return caller().csrf
    except (NotSignedIn, Forbidden):
        return ""


def theme() -> str:
    """Return the chosen appearance; the cookie of this browser comes first."""
    chosen = request.cookies.get("theme")
    if chosen in ("light", "dark", "auto"):
        return str(chosen)
    found = g.get("caller")
    return (found.theme if found is not None else None) or "auto"


def _frame(ctx: Context) -> dict[str, Any]:
    lang = ctx.actor.language
    frame = small_frame()
    frame.update(
        menu=menu(ctx), user=person(ctx.actor.id, ctx.actor.name, roles=_roles(ctx, lang)), creates=creates(ctx),
        inbox={"href": "/inbox", "count": home.waiting(ctx)}, workspace={"name": workspace_name(ctx, lang)},
        messages=_said(), demo=services().demo,
    )  # fmt: skip
    return frame


def workspace_name(ctx: Context, lang: str) -> str:
    """Return what the workspace calls itself."""
    template = ctx.app.workspace.template
    return template.label.get(lang) if template else ctx.app.workspace.name


def _roles(ctx: Context, lang: str) -> list[str]:
    roles = ctx.app.workspace.roles
    return [roles[name].label.get(lang) for name in ctx.actor.roles if name in roles]


def initials(name: str) -> str:
    """Return one or two letters for a face: the given name of a Chinese person, else first letters."""
    words = name.replace("·", " ").split()
    if not words:
        return "?"
    if not words[0][0].isascii() and len(words) == 1:
        return words[0][-2:] if len(words[0]) > 3 else words[0][-1:]
    return "".join(word[0] for word in (words if len(words) < 2 else [words[0], words[-1]])).upper()


def tone_of(id: str) -> str:
    """Return the colour of somebody's face; always the same."""
    return TONES[sum(id.encode()) % len(TONES)]


def person(id: str, name: str, *, roles: Sequence[str] = ()) -> dict[str, Any]:
    """Return somebody as the kit shows people."""
    return {"id": id, "name": name, "initials": initials(name), "tone": tone_of(id), "roles": list(roles)}


# ---------------------------------------------------------------- menu


@dataclass(frozen=True, slots=True)
class _Link:
    label: str
    href: str
    icon: str | None


def menu(ctx: Context) -> list[dict[str, Any]]:
    """Return the groups of the menu that this person's roles open; which item is meant follows the address."""
    lang = ctx.actor.language
    groups = ctx.app.memo(("menu", ctx.actor.roles, lang), lambda: _menu(ctx, lang))
    path = request.path
    hrefs = [item.href for _, items in groups for item in items if _fits(item.href, path)]
    best = max(hrefs, key=len, default=None)
    return [
        {
            "label": label,
            "items": [
                {"label": item.label, "href": item.href, "icon": item.icon, "active": item.href == best}
                for item in items
            ],
        }
        for label, items in groups
    ]


def _fits(href: str, path: str) -> bool:
    return path == "/" if href == "/" else path == href or path.startswith(f"{href}/")


def _menu(ctx: Context, lang: str) -> list[tuple[str | None, list[_Link]]]:
    groups: list[tuple[str | None, list[_Link]]] = []
    document = next(iter(ctx.app.workspace.menus.values()), None)
    for group in document.groups if document else ():
        items = [link for item in group.items if (link := _link(ctx, item, lang)) is not None]
        if items:
            groups.append((group.label.get(lang) if group.label else None, items))
    rooms = ctx.app.capabilities(ctx.actor.roles)
    known = {item.href for _, items in groups for item in items}
    t = speaker(lang)
    extra = [
        _Link(t(key), href, icon) for room, href, icon, key in _ROOMS if room & rooms and href not in known
    ]
    if extra:
        groups.append((t("screens.manage"), extra))
    return groups


def _link(ctx: Context, item: MenuItem, lang: str) -> _Link | None:
    workspace, roles = ctx.app.workspace, ctx.actor.roles
    if item.roles and not set(item.roles) & set(roles):
        return None
    label, icon = item.label, item.icon
    if item.kind == "list":
        document = workspace.lists[item.target]
        if not ctx.app.access(document.entity, roles).read:
            return None
        entity = workspace.entities[document.entity]
        return _Link((label or document.label).get(lang), f"/l/{document.entity}", icon or entity.icon)
    if item.kind == "board":
        board = workspace.boards[item.target]
        if not ctx.app.access(board.entity, roles).read:
            return None
        return _Link((label or board.label).get(lang), f"/b/{board.name}", icon or "layout-kanban")
    if item.kind == "pool":
        pool = workspace.pools[item.target]
        if not home.opens_pool(ctx, pool):
            return None
        return _Link((label or pool.label).get(lang), f"/p/{pool.name}", icon or "pool")
    if item.kind == "report":
        if item.target not in reports.allowed(ctx):
            return None
        return _Link(
            (label or workspace.reports[item.target].label).get(lang),
            f"/reports/{item.target}",
            icon or "chart-bar",
        )
    if item.kind == "dashboard":
        dashboard = workspace.dashboards[item.target]
        if dashboard.roles and not set(dashboard.roles) & set(roles):
            return None
        return _Link((label or dashboard.label).get(lang), f"/d/{item.target}", icon or "layout-dashboard")
    href = SCREENS.get(item.target, f"/{item.target}")
    text = label.get(lang) if label else speaker(lang)(_SCREEN_LABELS.get(href, "kit.open"))
    return _Link(text, href, icon)


def creates(ctx: Context) -> list[dict[str, Any]]:
    """Return what this person may create, the entities of the menu first."""
    lang = ctx.actor.language
    return ctx.app.memo(("creates", ctx.actor.roles, lang), lambda: _creates(ctx, lang))  # type: ignore[no-any-return]


def _creates(ctx: Context, lang: str) -> list[dict[str, Any]]:
    workspace = ctx.app.workspace
    order: list[str] = []
    for document in workspace.menus.values():
        for group in document.groups:
            order += [workspace.lists[item.target].entity for item in group.items if item.kind == "list"]
    names = [name for name in dict.fromkeys(order) if ctx.app.access(name, ctx.actor.roles).can("create")]
    main = [name for name in names if workspace.entities[name].timeline is None]
    rest = [name for name in names if name not in main]
    return [
        {"label": entity.label.get(lang), "href": f"/r/{entity.name}/new", "icon": entity.icon}
        for entity in (workspace.entities[name] for name in (main + rest)[:9])
    ]


# ---------------------------------------------------------------- built files


def asset(name: str) -> str:
    """Return the address of a built file."""
    folder = os.path.join(str(current_app.static_folder), "dist")  # noqa: PTH118 - compared as text, many times a page
    path = os.path.join(folder, "manifest.json")  # noqa: PTH118
    stamp = os.stat(path).st_mtime_ns if os.path.exists(path) else 0  # noqa: PTH110, PTH116
    kept = current_app.extensions.get("fairlead_manifest")
    if kept is None or kept[0] != stamp:
        names: dict[str, str] = {}
        if stamp:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123
                names = json.load(file)
        kept = current_app.extensions["fairlead_manifest"] = (stamp, names)
    return f"/static/dist/{kept[1].get(name, name)}"


def macro(template: str, name: str) -> Any:
    """Return a macro of the kit that needs nothing of the page, for values that are made in Python."""
    return getattr(current_app.jinja_env.get_template(template).module, name)


def joined(parts: Sequence[Any]) -> Markup:
    """Return pieces of HTML and plain text in a row."""
    return Markup(", ").join(parts)
