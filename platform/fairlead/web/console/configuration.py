"""Roles as they are granted, and the revisions of the configuration."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose

from fairlead.base.errors import Forbidden, NotFound, Refused
from fairlead.model.governance import ACTIONS
from fairlead.web.console.base import ConsoleView, back_to
from fairlead.web.console.plan_view import LOOKS, change_rows, plan_view
from fairlead.work import console


class RolesView(ConsoleView):
    """What each role may do. Roles are documents: they change with the configuration, not here."""

    rooms = frozenset({"people", "configuration"})
    title_key = "console.roles"
    icon = "shield-lock"

    @expose("/")
    def index(self) -> Any:
        """All roles, one of them with its grants."""
        lang = self.ctx.actor.language
        found = console.roles(self.ctx)
        chosen = next(
            (role for role in found if role.name == request.args.get("role")), found[0] if found else None
        )
        tabs = [
            {
                "label": role.label.get(lang),
                "href": f"{self.url}/?role={role.name}",
                "active": role is chosen,
                "count": role.people,
            }
            for role in found
        ]
        actions = [(action, self.say(f"console.a_{action}")) for action in ACTIONS]
        rooms = [self.say(f"console.room_{one}") for one in chosen.capabilities] if chosen else []
        inherits = [label.get(lang) for label in chosen.inherits] if chosen else []
        return self.render(
            "console/roles.html", tabs=tabs, role=chosen, actions=actions, rooms=rooms, inherits=inherits
        )

    def scope(self, text: str) -> str:
        """Return a scope in words; a rule as it is written."""
        return self.say(f"console.s_{text}") if text in ("no", "own", "team", "subordinates", "all") else text


class RevisionsView(ConsoleView):
    """Every published configuration: what it changed, and the way back."""

    rooms = frozenset({"configuration"})
    title_key = "console.revisions"
    icon = "versions"

    @expose("/")
    def index(self) -> Any:
        """All revisions, newest first."""
        before = request.args.get("before", "")
        found = console.published(
            self.ctx, before=int(before) if before.isdigit() and len(before) < 10 else None
        )
        following = f"{self.url}/?before={found[-1].number}" if len(found) == console.PAGE else None
        return self.render(
            "console/revisions.html", rows=found, current=self.ctx.app.revision, next_url=following
        )

    @expose("/<int:number>")
    def one(self, number: int) -> Any:
        """What a revision changed, and what going back to it would change."""
        found = console.revision(self.ctx, number)
        ctx = self.ctx
        back = found.back and plan_view(found.back, ctx.app.workspace, ctx.actor.language, self.say)
        return self.render(
            "console/revision.html",
            found=found,
            back=back,
            rows=change_rows(found.changes[:300], ctx.app.workspace, ctx.actor.language, self.say),
            grades=LOOKS,
            title=self.say("console.revision_n", n=number),
        )

    @expose("/<int:number>/rollback", methods=("POST",))
    def roll_back(self, number: int) -> Any:
        """Publish an earlier revision again, exactly as the plan on the page says."""
        lossy = request.form.get("allow_lossy") == "1"
        try:
            fresh = console.roll_back(
                self.ctx, number, seal=request.form.get("seal", "")[:64], allow_lossy=lossy
            )
        except Refused as failure:
            if isinstance(failure, Forbidden):
                raise
            return back_to(f"{self.url}/{number}", failure.message(self.ctx.actor.language), "amber")
        except NotFound:
            return back_to(f"{self.url}/", self.say("console.no_revision"), "amber")
        return back_to(f"{self.url}/", self.say("console.rolled_back", n=number, fresh=fresh))
