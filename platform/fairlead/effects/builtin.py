"""The kinds of job that the engine itself knows."""

from __future__ import annotations

from fairlead.effects.handlers import Handlers
from fairlead.effects.timers import APPROVAL_REMINDERS, HOUSEKEEPING, PLAN_DATES, RECLAIM, tidy
from fairlead.store.jobs import Job
from fairlead.work import approvals, pools, triggers
from fairlead.work.automations import plan_dates, run_automation
from fairlead.work.context import Context


def handlers() -> Handlers:
    """Return what every worker can do."""
    found = Handlers()
    found.add_inside(triggers.KIND, run_automation)
    found.add_outside(RECLAIM, reclaim)
    found.add_outside(APPROVAL_REMINDERS, remind)
    found.add_outside(PLAN_DATES, lambda ctx, _: plan_dates(ctx.as_system()))
    found.add_outside(HOUSEKEEPING, tidy)
    return found


def reclaim(ctx: Context, _: Job) -> str:
    """Take back into their pools what the rules say, and warn those whose time runs out."""
    done = pools.reclaim(ctx)
    return "\n".join(
        f"{one.entity}: {one.moved} taken back, {one.reminded} warned, {one.held_back} left for the next run"
        for one in done
    )


def remind(ctx: Context, _: Job) -> str:
    """Remind those whose approvals have waited too long."""
    return f"{approvals.remind_due(ctx)} reminded"
