"""Public and private pools: whose record is it, until when, and may it be taken? Pure.

The numbers of clauses are those of the pool catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fairlead.base.calendar import WorkCalendar
from fairlead.base.errors import Refused
from fairlead.base.texts import Label
from fairlead.expr.evaluate import Env
from fairlead.model.durations import Duration
from fairlead.model.workflows import Pool, ReclaimRule


def entry_pool(pools: Sequence[Pool], record: Mapping[str, Any], env: Env) -> Pool | None:
    """Return the pool that a record without an owner belongs to: the first whose entry rule holds, by priority."""
    return next((pool for pool in pools if pool.entry is None or pool.entry.is_true(record, env)), None)


def pool_for(pools: Sequence[Pool], record: Mapping[str, Any], env: Env) -> Pool | None:
    """Return the pool whose rules bind a record: the one it lies in, else the one it would return to."""
    name = record.get("pool")
    found = next((pool for pool in pools if pool.name == name), None)
    return found or entry_pool(pools, record, env)


def after(start: datetime, duration: Duration, calendar: WorkCalendar) -> datetime:
    """Return when `duration` from `start` ends (clause 3.5).

    Natural days end with the local day, so that nobody loses a record in the middle of one; business days count
    the first working day after the start as day one.
    """
    if duration.unit == "minutes":
        return start + timedelta(minutes=duration.count)
    if duration.unit == "hours":
        return start + timedelta(hours=duration.count)
    if duration.unit == "business_hours":
        return calendar.add_business_time(start, timedelta(hours=duration.count))
    day = calendar.local_date(start)
    if duration.unit == "business_days":
        return calendar.end_of_local_day(calendar.add_business_days(day, duration.count))
    days = duration.count * (7 if duration.unit == "weeks" else 1)
    return calendar.end_of_local_day(day + timedelta(days=days))


def before(end: datetime, duration: Duration, calendar: WorkCalendar) -> datetime:
    """Return the moment `duration` before `end`: when to warn."""
    if duration.unit in ("minutes", "hours", "business_hours"):
        unit = "minutes" if duration.unit == "minutes" else "hours"
        return end - timedelta(**{unit: duration.count})
    if duration.unit == "business_days":
        day = calendar.local_date(end - timedelta(microseconds=1))
        left = duration.count
        while left:
            day -= timedelta(days=1)
            if calendar.is_working_day(day):
                left -= 1
        return calendar.start_of_local_day(day)
    return end - timedelta(days=duration.count * (7 if duration.unit == "weeks" else 1))


def first_due(pool: Pool, claimed_at: datetime, calendar: WorkCalendar) -> datetime | None:
    """Return until when a record is protected that was taken at `claimed_at`; None without protection."""
    if pool.protection_initial is None:
        return None
    return after(claimed_at, pool.protection_initial, calendar)


def extended_due(
    pool: Pool, record: Mapping[str, Any], activity: Mapping[str, Any], env: Env
) -> datetime | None:
    """Return the due date after a follow-up: the later of what stands and now plus the extension, never past the
    maximum counted from the claim.
    """
    due = record.get("due_at")
    if due is None:
        return None
    for extension in pool.extensions:
        if extension.when is None or extension.when.is_true(activity, env):
            due = max(due, after(env.now, extension.by, env.calendar))
    claimed = record.get("claimed_at")
    if pool.protection_maximum is not None and claimed is not None:
        due = min(due, max(record["due_at"], after(claimed, pool.protection_maximum, env.calendar)))
    return due  # type: ignore[no-any-return]


def quota_period(pool: Pool, now: datetime, zone: str) -> str:
    """Return the name of the period that a claim at `now` counts in, by local days."""
    day = now.astimezone(ZoneInfo(zone)).date()
    per = pool.quota.per if pool.quota else "day"
    if per == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return f"{day:%Y-%m}" if per == "month" else day.isoformat()


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """What a claim is decided by."""

    member: bool
    held: int
    cooling_until: str | None
    owner_name: Label | None


def check_claim(pool: Pool, record: Mapping[str, Any], facts: ClaimFacts, env: Env) -> None:
    """Make sure that a person may take a record out of its pool, quota apart.

    Raises:
        Refused: Taken, not a member, cooling down, too fresh, or holding as many as allowed; each says until when.
    """
    if record.get("owner") is not None:
        raise taken(facts.owner_name)
    if not facts.member:
        raise Refused("pool.not-a-member", Label({
            "en": f"You are not a member of {pool.label.get('en')}.", "zh": f"您不是“{pool.label.get('zh')}”的成员。",
        }))  # fmt: skip
    if facts.cooling_until is not None:
        raise Refused("pool.cooling-down", Label({
            "en": f"You held it before; you may claim it again from {_day(facts.cooling_until, env)}.",
            "zh": f"您曾持有该记录，{_day(facts.cooling_until, env)} 之后才可再次领取。",
        }), data={"until": facts.cooling_until})  # fmt: skip
    entered = record.get("pool_entered_at")
    if pool.fresh_delay is not None and entered is not None:
        opens = after(entered, pool.fresh_delay, env.calendar)
        if env.now < opens:
            raise Refused("pool.too-fresh", Label({
                "en": f"It may be claimed from {opens.astimezone(ZoneInfo(env.zone)):%Y-%m-%d %H:%M}.",
                "zh": f"{opens.astimezone(ZoneInfo(env.zone)):%Y-%m-%d %H:%M} 起可领取。",
            }))  # fmt: skip
    check_capacity(pool, facts.held)


def check_capacity(pool: Pool, held: int) -> None:
    """Make sure that one more record fits.

    Raises:
        Refused: The person holds as many as the pool allows.
    """
    if pool.capacity is not None and held >= pool.capacity:
        raise Refused("pool.holding-limit", Label({
            "en": f"{held} of {pool.capacity} records are held already.",
            "zh": f"已持有 {held} 条，上限为 {pool.capacity} 条。",
        }), data={"held": held, "max": pool.capacity})  # fmt: skip


def taken(owner: Label | None) -> Refused:
    """Return the answer to whoever was second."""
    en = f"It has been taken by {owner.get('en')}." if owner else "Somebody else has taken it."
    zh = f"已被 {owner.get('zh')} 领取。" if owner else "已被他人领取。"
    return Refused("taken", Label({"en": en, "zh": zh}))


def quota_used_up(pool: Pool, used: int) -> Refused:
    """Return the answer when the period's claims are used."""
    most = pool.quota.max if pool.quota else 0
    per = pool.quota.per if pool.quota else "day"
    words = {"day": ("today", "今天"), "week": ("this week", "本周"), "month": ("this month", "本月")}[per]
    return Refused("pool.quota", Label({
        "en": f"You have claimed {used} of {most} {words[0]}.", "zh": f"您{words[1]}已领取 {used} 条，上限 {most} 条。",
    }), data={"used": used, "max": most, "per": per})  # fmt: skip


def reclaim_reason(pool: Pool, record: Mapping[str, Any], env: Env) -> ReclaimRule | None:
    """Return the rule by which a record goes back to the pool now: exemptions first, then rules in order."""
    if any(exempt.is_true(record, env) for exempt in pool.exempt):
        return None
    return next((rule for rule in pool.reclaim_rules if rule.when.is_true(record, env)), None)


def _day(stamp: str, env: Env) -> str:
    return datetime.fromisoformat(stamp).astimezone(ZoneInfo(env.zone)).strftime("%Y-%m-%d %H:%M")
