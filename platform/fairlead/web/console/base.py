"""What all views of the administration have in common: who may enter, how a page is made, how forms are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flask import Blueprint, current_app, g, request
from flask_admin import Admin, BaseView
from flask_admin.form import BaseForm
from flask_admin.model import BaseModelView
from wtforms import SelectField, SelectMultipleField

from fairlead.base.errors import Forbidden, Invalid, Refused
from fairlead.base.texts import Label
from fairlead.web import render
from fairlead.web.cells import Cells
from fairlead.web.request import context
from fairlead.web.texts import Say, speaker
from fairlead.work import console
from fairlead.work.context import Context

_FORBIDDEN = Label({"en": "Your role does not open this room.", "zh": "您的角色无权访问此页面。"})


class ConsoleView(BaseView):
    """A room of the administration. Closed to everybody whose roles do not name one of its capabilities."""

    rooms: ClassVar[frozenset[str]] = frozenset()
    title_key: ClassVar[str] = ""
    icon: ClassVar[str] = "point"

    def create_blueprint(self, admin: Admin) -> Blueprint:
        """Register without the package's static files: nothing of them is needed, nothing of them is served."""
        self.static_folder = None
        made: Blueprint = super().create_blueprint(admin)
        made.static_folder = None
        return made

    def is_accessible(self) -> bool:
        """Whether the actor may enter; strangers go to the sign-in, writes need the token of a page of ours."""
        return bool(self.rooms & console.capabilities(context("admin")))

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        """Refuse in our own words.

        Raises:
            Forbidden: Always.
        """
        raise Forbidden("forbidden", _FORBIDDEN)

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # The package would call a view a second time after any TypeError, and hide where the first one came from.
        return fn(self, *args, **kwargs)

    def render(self, template: str, **kwargs: Any) -> Any:
        """Return a page in our frame instead of the package's."""
        ctx = context("admin")
        values = {
            "view": self, "nav": navigation(ctx, self), "title": self.say(self.title_key), "said": Cells(ctx).moment_text,
            "icon_name": self.icon, "options_of": options_of,
        }  # fmt: skip
        return render.page(template, g.get("console_status", 200), **{**values, **kwargs})

    @property
    def ctx(self) -> Context:
        """The context of this request."""
        return context("admin")

    @property
    def say(self) -> Say:
        """The words of the reader's language."""
        return speaker(self.ctx.actor.language)


def navigation(ctx: Context, current: ConsoleView) -> list[dict[str, Any]]:
    """Return the rooms that the actor may enter."""
    rooms = console.capabilities(ctx)
    t = speaker(ctx.actor.language)
    views: Sequence[ConsoleView] = current_app.extensions["fairlead_console"]
    return [
        {"label": t(view.title_key), "href": f"{view.url}/", "icon": view.icon, "active": view is current}
        for view in views
        if view.rooms & rooms
    ]


class ConsoleModelView(ConsoleView, BaseModelView):
    """A list of things that `work` looks after: no model class, no session, no query of its own."""

    list_template = "console/list.html"
    create_template = "console/form.html"
    edit_template = "console/form.html"
    details_template = "console/details.html"
    can_export = False
    can_delete = False
    can_set_page_size = False
    page_size = 50
    form_fields: ClassVar[Mapping[str, Any]] = {}
    """Name to unbound field."""

    def __init__(self, *, endpoint: str, url: str) -> None:
        super().__init__(type(self), name=self.title_key, endpoint=endpoint, url=url)

    def _get_endpoint(self, endpoint: str | None) -> str:
        return str(endpoint)

    # -------------------------------------------------- what the package asks a model view for

    def get_pk_value(self, model: Any) -> str:
        """Return the id in addresses."""
        return str(model.id)

    def scaffold_list_columns(self) -> list[str]:
        """Return the columns; each view names its own."""
        return list(self.column_list or ())

    def scaffold_sortable_columns(self) -> dict[str, str]:
        """Return which columns can be sorted."""
        return {str(name): str(name) for name in self.column_sortable_list or ()}

    def init_search(self) -> bool:
        """Whether there is a search box."""
        return bool(self.column_searchable_list)

    def scaffold_form(self) -> Any:
        """Return the form class of `form_fields`."""
        return type(f"{type(self).__name__}Form", (BaseForm,), dict(self.form_fields))

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> Any:
        """Return nothing to edit in the list itself."""
        return BaseForm

    def get_list_value(self, context: Any, model: Any, name: str) -> Any:
        """Return one cell."""
        return self.cell(model, name)

    # -------------------------------------------------- what views say

    def cell(self, model: Any, name: str) -> Any:
        """Return one cell as text or HTML."""
        return getattr(model, name)

    def choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return the options of the choice fields, as they are now."""
        return {}

    def row_actions(self, model: Any) -> list[dict[str, Any]]:
        """Return what else can be done with a row, as menu items."""
        return []

    # -------------------------------------------------- forms

    def create_form(self, obj: Any = None) -> Any:
        """Return the form for a new one, with its options as they are now."""
        return self._prepared(super().create_form(obj))

    def edit_form(self, obj: Any = None) -> Any:
        """Return the form of an existing one, with its options as they are now."""
        return self._prepared(super().edit_form(obj))

    def _prepared(self, form: Any) -> Any:
        options = self.choices()
        for name, field in form._fields.items():
            if isinstance(field, (SelectField, SelectMultipleField)):
                field.choices = list(options.get(name, ()))
            key = f"console.f_{name}"
            field.label.text = self.say(key)
        return form

    def attempt(self, form: Any, do: Callable[[], Any]) -> Any:
        """Do something with `work`; what it refuses stands beside the fields, and the answer is None."""
        lang = self.ctx.actor.language
        try:
            return do()
        except Invalid as failure:
            for error in failure.errors:
                self._complain(form, error.field, str(error.to_json(lang)["message"]))
        except Refused as failure:
            self._complain(form, "", failure.message(lang))
        g.console_status = 422
        return None

    def _complain(self, form: Any, name: str, text: str) -> None:
        if name in form._fields:
            form._fields[name].errors = [*form._fields[name].errors, text]
        else:
            form.form_errors.append(text)

    def on_form_prefill(self, form: Any, id: Any) -> None:
        """Keep what was typed when a form comes back."""


def options_of(field: Any) -> list[dict[str, str]]:
    """Return the options of a choice field as the kit's form takes them."""
    return [{"value": value, "label": label} for value, label in getattr(field, "choices", None) or ()]


def picked(given: Iterable[str]) -> tuple[str, ...]:
    """Return what was chosen from several, without what stands for nothing."""
    return tuple(value for value in given if value)


def back_to(url: str, text: str, tone: str = "green") -> Any:
    """Go somewhere and say what happened."""
    return render.go(url, toast=text, tone=tone)


def asked(name: str, default: str = "") -> str:
    """Return a parameter of the address."""
    return request.args.get(name, default)
