"""Approvals: the queue, one decision after another, the path of each, and the look ahead before submitting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from fairlead.base.errors import Conflict, Failure, FieldError, Forbidden, Invalid, NotFound, Refused, TooMany
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.web import paths, render
from fairlead.web.cells import NUMBER_KINDS, Cells
from fairlead.web.request import context
from fairlead.web.texts import Say, speaker
from fairlead.work import approval_views, approvals, home, inbox, naming, notices, people
from fairlead.work.approval_views import Matter
from fairlead.work.approvals import BulkItem
from fairlead.work.context import Context
from fairlead.work.inbox import BOXES, PathView, RunView, TaskView

screen = Blueprint("inbox", __name__)

PAGE = 50
MOST_AT_ONCE = 100
_RUN_LOOKS = {
    "running": ("amber", "wait"), "returned": ("amber", "alert"), "suspended": ("red", "alert"), "approved": ("green", "done"),
    "rejected": ("red", "lost"), "withdrawn": ("grey", "stopped"), "cancelled": ("grey", "stopped"), "expired": ("grey", "stopped"),
}  # fmt: skip
_TASK_LOOKS = {
    "open": ("amber", "wait"), "consulting": ("amber", "wait"), "waiting": ("grey", "new"), "approved": ("green", "done"),
    "rejected": ("red", "lost"), "returned": ("amber", "alert"),
}  # fmt: skip


# ---------------------------------------------------------------- the queue


@screen.get("/inbox")
def show() -> Response:
    """What waits for me, one beside the list; what is coming, done, and what I have submitted."""
    ctx = context("ui")
    box = request.args.get("box", "open")
    if box not in BOXES:
        raise NotFound("box", box)
    if box == "open":
        return render.page("inbox/inbox.html", **_queue(ctx, request.args.get("task")), tabs=tabs(ctx, box))
    page = inbox.tasks(ctx, box, after=request.args.get("after"), limit=PAGE)
    rows = [_task_line(ctx, one) if isinstance(one, TaskView) else _run_line(ctx, one) for one in page.items]
    following = f"/inbox?box={box}&after={page.next}" if page.next else None
    return render.page(
        "inbox/box.html",
        rows=rows,
        tabs=tabs(ctx, box),
        box=box,
        next_url=following,
        said=Cells(ctx).moment_text,
    )


def tabs(ctx: Context, box: str) -> list[dict[str, Any]]:
    """Return the parts of the inbox: what waits, what to know, what comes, what is over."""
    t = speaker(ctx.actor.language)
    unread = notices.unread(ctx)
    found = [
        {"label": t(f"inbox.{name}"), "href": f"/inbox?box={name}", "active": name == box}
        for name in BOXES[1:]
    ]
    first = {"label": t("inbox.open"), "href": "/inbox", "active": box == "open"}
    second = {
        "label": t("inbox.notices"),
        "href": "/notices",
        "active": box == "notices",
        "count": unread or None,
    }
    return [first, second, *found]


def _queue(
    ctx: Context, chosen: str | None, *, news: str | None = None, problem: str | None = None
) -> dict[str, Any]:
    """Return the open tasks and the one being read: the chosen one, else the first."""
    page = inbox.tasks(ctx, "open", limit=PAGE)
    tasks = [one for one in page.items if isinstance(one, TaskView)]
    at = next((number for number, one in enumerate(tasks) if one.id == chosen), None)
    asked = at is not None
    if chosen and not asked and news is None:
        news = speaker(ctx.actor.language)("inbox.not_open")
    at = at or 0
    current = tasks[at] if tasks else None
    return {
        "box": "open", "said": Cells(ctx).moment_text, "asked": asked,
        "items": [_task_line(ctx, one) | {"current": one is current} for one in tasks],
        "more": page.next is not None, "news": news, "count": len(tasks), "at": at + 1,
        "before": _address(tasks[at - 1]) if at > 0 else None,
        "after": _address(tasks[at + 1]) if at + 1 < len(tasks) else None,
        "item": _item(ctx, current, problem=problem) if current else None,
    }  # fmt: skip


def _address(task: TaskView) -> str:
    return f"/inbox?task={task.id}"


def _task_line(ctx: Context, one: TaskView) -> dict[str, Any]:
    lang, line = ctx.actor.language, one.line
    colour, shape = _TASK_LOOKS.get(line.state, ("grey", "stopped"))
    starter = line.starter_name.get(lang)
    return {
        "id": line.id, "version": line.version, "title": line.title, "flow": one.flow_label.get(lang), "step": one.step_label.get(lang),
        "href": _address(one) if line.state in ("open", "consulting") and line.holder == ctx.actor.id else f"/approvals/{line.approval_id}",
        "who": render.person(line.starter, starter), "since": line.decided_at or line.opened_at or line.started_at,
        "overdue": one.overdue, "alone": one.confirm, "tone": colour, "shape": shape,
        "state": speaker(lang)(f"inbox.task_{line.state}"), "comment": line.comment,
    }  # fmt: skip


def _run_line(ctx: Context, one: RunView) -> dict[str, Any]:
    lang, line = ctx.actor.language, one.line
    colour, shape = _RUN_LOOKS.get(line.state, ("grey", "open"))
    return {
        "id": line.id, "title": line.title, "flow": one.flow_label.get(lang), "href": f"/approvals/{line.id}",
        "step": one.step_label.get(lang) if one.step_label and line.state == "running" else None, "who": None,
        "since": line.ended_at or line.started_at, "overdue": False, "tone": colour, "shape": shape,
        "state": speaker(lang)(f"inbox.run_{line.state}"), "comment": None,
    }  # fmt: skip


# ---------------------------------------------------------------- one item


def _item(ctx: Context, task: TaskView, *, problem: str | None = None) -> dict[str, Any]:
    """Return everything that the reading pane shows of one task."""
    line = task.line
    found = approval_views.matter(ctx, line.approval_id)
    return {
        **_task_line(ctx, task), **_matter(ctx, found, editable=task.editable), "problem": problem,
        "why": [reason.get(ctx.actor.language) for reason in task.reasons], "due": line.due_at,
        "approval": line.approval_id, "record": f"/r/{line.entity}/{line.record_id}",
        "entity_label": task.entity_label.get(ctx.actor.language), "comment_rule": "on_reject" if task.reason_required else "optional",
        "more": _offers(ctx, task),
    }  # fmt: skip


def _offers(ctx: Context, task: TaskView) -> list[dict[str, Any]]:
    t = speaker(ctx.actor.language)
    icons = {"return": "arrow-back-up", "transfer": "user-share"}
    return [
        {"label": t(f"inbox.{act}"), "icon": icons[act], "attrs": {"data-dialog": f"/inbox/{task.id}/{act}"}}
        for act in ("return", "transfer")
        if act in task.offers
    ]


def _matter(ctx: Context, found: Matter, *, editable: Sequence[str] = ()) -> dict[str, Any]:
    """Return the facts, the line items, the differences, and what may be changed with the decision."""
    lang, item = ctx.actor.language, found.item
    if item is None:
        return {"facts": [], "lines": [], "differences": [], "fields": []}
    fields = found.entity.entity.fields
    sides = [{one.field.name: value} for one in found.differences for value in (one.before, one.after)]
    wanted = naming.collect({}, [*found.facts, *(one.field for one in found.differences)], [item, *sides])
    for table in found.tables:
        naming.collect(wanted, table.fields.values(), item[table.name])
    cells = Cells(ctx, naming.names(ctx, wanted))
    shown = [
        {"label": one.label.get(lang), "value": _fact(cells, found, one), "number": one.kind in NUMBER_KINDS}
        for one in found.facts
    ]
    return {
        "figures": [fact for fact in shown if fact["number"]], "facts": [fact for fact in shown if not fact["number"]],
        "lines": [_lines(cells, table, item[table.name]) for table in found.tables], "since_what": found.since,
        "differences": [
            {"label": one.field.label.get(lang), "before": cells.text(one.field, one.before), "after": cells.text(one.field, one.after)}
            for one in found.differences
        ],
        "fields": [
            _field(ctx, cells, fields[name], item.get(name))
            for name in editable
            if name in fields and fields[name].kind != "table"
        ],
    }  # fmt: skip


def _fact(cells: Cells, found: Matter, field: Field) -> Any:
    """Return a fact as it is read at a glance: a share with at most one decimal."""
    value = found.item.get(field.name) if found.item else None
    if (
        field.kind == "percent"
        and value is not None
        and field.name not in (found.item or {}).get("_masked", ())
    ):
        share = f"{Decimal(str(value)) * 100:.1f}".removesuffix(".0")
        return f"{share}%" if cells.lang == "zh" else f"{share} %"
    shown = cells.cell(found.entity, field.name, found.item or {})
    return shown.removesuffix(".00") if field.kind == "money" and isinstance(shown, str) else shown


def _lines(cells: Cells, table: Field, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    columns = [
        spec for name, spec in table.fields.items() if any(_says_something(row.get(name)) for row in rows)
    ]
    return {
        "label": table.label.get(cells.lang),
        "head": [{"label": spec.label.get(cells.lang), "number": spec.kind in NUMBER_KINDS} for spec in columns],
        "rows": [list(row) for row in zip(*[_column(cells, spec, rows) for spec in columns], strict=True)],
    }  # fmt: skip


def _column(cells: Cells, spec: Field, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one column of the line items; where no amount has cents, none is written."""
    texts = [cells.text(spec, row.get(spec.name)) for row in rows]
    whole = spec.kind == "money" and all(text.endswith(".00") for text in texts if text)
    return [text.removesuffix(".00") for text in texts] if whole else texts


def _says_something(value: Any) -> bool:
    """A column of nothing but zeros takes room from those that decide."""
    return value not in (None, "", [], "0", "0.00", 0)


def _field(ctx: Context, cells: Cells, spec: Field, value: Any) -> dict[str, Any]:
    """Return what the kit's form field needs for a value that the approver may change."""
    lang = ctx.actor.language
    kind = kind_of(spec)
    shown: Any = value
    if spec.kind in ("user", "reference") and value is not None:
        shown = {"id": value, "title": cells.text(spec, value)}
    elif value is not None and spec.kind not in ("choice", "boolean", "multi_choice", "tags", "references"):
        shown = kind.form_text(kind.parse(value, spec), spec, zone=cells.zone)
    return {
        "name": f"set.{spec.name}", "label": spec.label.get(lang), "kind": spec.kind, "value": shown,
        "options": [{"value": option.name, "label": option.label.get(lang)} for option in spec.options],
        "currency": spec.params.get("currency"),
    }  # fmt: skip


# ---------------------------------------------------------------- deciding


@screen.post("/inbox/<task>/decide")
def decide(task: str) -> Response:
    """Approve or reject; the next item follows by itself."""
    ctx = context("ui")
    lang = ctx.actor.language
    decision = request.form.get("decision")
    following = _next_after(ctx, task)
    title: str | None = None
    try:
        title = inbox.task(ctx, task).line.title
        if decision == "approve":
            approvals.approve(
                ctx, task, version=_version(), comment=_comment(), changes=_changes(), form=True
            )
        elif decision == "reject":
            approvals.reject(ctx, task, version=_version(), comment=_comment())
        else:
            raise Invalid([FieldError("decision", "required", speaker(lang)("inbox.choose"))])
    except Invalid as failure:
        return _again(ctx, task, failure)
    except (Refused, NotFound, Conflict) as failure:
        if isinstance(failure, Forbidden):
            raise
        return _news(ctx, task, following, failure, title)
    said = speaker(lang)(f"inbox.said_{decision}", title=title)
    return _answer(ctx, following, said)


def _next_after(ctx: Context, task: str) -> str | None:
    """Return which task comes after this one in the queue, before the queue changes."""
    ids = [one.id for one in inbox.tasks(ctx, "open", limit=PAGE).items]
    if task not in ids:
        return ids[0] if ids else None
    at = ids.index(task)
    rest = ids[at + 1 :] or ids[:at]
    return rest[0] if rest else None


def _answer(ctx: Context, following: str | None, said: str, tone: str = "green") -> Response:
    """Show the next item, or go back to the path that the decision was made on."""
    back = request.form.get("back", "")
    url = back if back.startswith("/approvals/") else (f"/inbox?task={following}" if following else "/inbox")
    if not render.is_fragment_request() or back or request.form.get("sheet"):
        return render.go(url, toast=said, tone=tone)
    answer = render.fragment("inbox/queue.html", **_queue(ctx, following))
    answer.headers["HX-Replace-Url"] = url
    return render.trigger(
        answer, {"toast": {"text": said, "tone": tone}, "inbox-count": {"value": _waiting(ctx)}}
    )


def _news(ctx: Context, task: str, following: str | None, failure: Failure, title: str | None) -> Response:
    """Somebody was faster, or it is over: say so, and go on."""
    said = decided_by(ctx, failure)
    if title:
        said = f"{title}{speaker(ctx.actor.language)('kit.colon')}{said}"
    if not render.is_fragment_request() or request.form.get("back") or request.form.get("sheet"):
        return _answer(ctx, following, said, "amber")
    answer = render.fragment(
        "inbox/queue.html", 409, **_queue(ctx, following if following != task else None, news=said)
    )
    answer.headers["HX-Replace-Url"] = f"/inbox?task={following}" if following else "/inbox"
    return render.trigger(answer, {"inbox-count": {"value": _waiting(ctx)}})


def _again(ctx: Context, task: str, failure: Invalid) -> Response:
    lang = ctx.actor.language
    text = " ".join(
        dict.fromkeys(str(error.to_json(lang)["message"]) for error in failure.errors)
    ) or failure.message(lang)
    if not render.is_fragment_request() or request.form.get("back"):
        raise failure
    return render.fragment("inbox/queue.html", 422, **_queue(ctx, task, problem=text))


def decided_by(ctx: Context, failure: Failure) -> str:
    """Return what happened, by whom and when, where somebody was faster."""
    text = failure.message(ctx.actor.language)
    current = getattr(failure, "current", None) or {}
    at = current.get("at")
    return f"{text} ({Cells(ctx).moment_text(str(at))})" if at else text


def _waiting(ctx: Context) -> int:
    return home.waiting(ctx)


def _version() -> int:
    given = request.form.get("version", "")
    return int(given) if given.isdigit() and len(given) < 10 else 0


def _comment() -> str | None:
    return request.form.get("comment", "").strip()[:4000] or None


def _changes() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in request.form:
        if name.startswith("set."):
            values = request.form.getlist(name)
            found[name[4:]] = values[-1] if len(values) == 1 else values
    return found


@screen.post("/inbox/bulk")
def bulk() -> Response:
    """Approve everything that was picked, each by itself."""
    ctx = context("ui")
    t = speaker(ctx.actor.language)
    items = []
    for given in request.form.getlist("ids")[:MOST_AT_ONCE]:
        id, _, version = given.partition(":")
        items.append(BulkItem(id, int(version) if version.isdigit() else 0, "approve", _comment()))
    titles = {
        one.id: one.line.title
        for one in inbox.tasks(ctx, "open", limit=inbox.MAX_PAGE).items
        if isinstance(one, TaskView)
    }
    answers = approvals.bulk(ctx, items)
    failed = [one for one in answers if one.failure is not None]
    said = t("inbox.bulk_done", n=len(answers) - len(failed))
    for one in failed[:5]:
        assert one.failure is not None
        said += f" {titles.get(one.task) or '—'}{t('kit.colon')}{one.failure.message(ctx.actor.language)}"
    if not render.is_fragment_request():
        return render.go("/inbox", toast=said, tone="amber" if failed else "green")
    answer = render.fragment("inbox/queue.html", **_queue(ctx, None, news=said if failed else None))
    answer.headers["HX-Replace-Url"] = "/inbox"
    events: dict[str, Any] = {"inbox-count": {"value": _waiting(ctx)}}
    return render.trigger(answer, events if failed else {**events, "toast": {"text": said, "tone": "green"}})


@screen.get("/inbox/<task>/<act>")
def ask(task: str, act: str) -> Response:
    """The sheet for sending back or handing over."""
    ctx = context("ui")
    found = inbox.task(ctx, task)
    if act not in found.offers:
        raise NotFound("task", task)
    return _sheet(ctx, found, act)


def _sheet(ctx: Context, found: TaskView, act: str, problem: str | None = None) -> Response:
    lang = ctx.actor.language
    colleagues = []
    if act == "transfer":
        colleagues = [
            (one.id, one.label.get(lang)) for one in people.directory(ctx) if one.id != ctx.actor.id
        ]
    return render.fragment(
        "inbox/sheet.html", 422 if problem else 200, task=found.id, version=found.version, act=act, title=found.line.title,
        people=colleagues, problem=problem, comment=_comment() if request.method == "POST" else None, back=request.values.get("back", ""),
    )  # fmt: skip


@screen.post("/inbox/<task>/<act>")
def act_on(task: str, act: str) -> Response:
    """Send back to the starter, or hand over to a colleague."""
    ctx = context("ui")
    found = inbox.task(ctx, task)
    following = _next_after(ctx, task)
    try:
        if act == "return":
            approvals.return_to_starter(ctx, task, version=_version(), comment=_comment())
        elif act == "transfer":
            approvals.transfer(ctx, task, request.form.get("to", ""), version=_version(), comment=_comment())
        else:
            raise NotFound("task", task)
    except Invalid as failure:
        return _sheet(ctx, found, act, failure.message(ctx.actor.language))
    except (Refused, Conflict) as failure:
        if isinstance(failure, Forbidden):
            raise
        return _news(ctx, task, following, failure, found.line.title)
    return _answer(ctx, following, speaker(ctx.actor.language)(f"inbox.said_{act}", title=found.line.title))


# ---------------------------------------------------------------- the path of one approval


@screen.get("/approvals/<id>")
def approval(id: str) -> Response:
    """Who decided what, who is asked now and since when, who comes next."""
    ctx = context("ui")
    found = inbox.approval(ctx, id)
    task = inbox.task(ctx, found.my_task[0]) if found.my_task else None
    matter = approval_views.matter(ctx, id)
    lang, t = ctx.actor.language, speaker(ctx.actor.language)
    colour, shape = _RUN_LOOKS.get(found.state, ("grey", "open"))
    item: dict[str, Any] = {
        "title": found.title, "flow": found.flow_label.get(lang), "state": t(f"inbox.run_{found.state}"), "tone": colour,
        "shape": shape, "record": f"/r/{found.entity}/{found.record}", "approval": id,
        "entity_label": matter.entity.entity.label.get(lang), "reason": found.reason.get(lang) if found.reason else None,
        **_matter(ctx, matter, editable=task.editable if task else ()),
    }  # fmt: skip
    if task is not None:
        rule = "on_reject" if task.reason_required else "optional"
        item |= {"id": task.id, "version": task.version, "comment_rule": rule, "more": _offers(ctx, task),
                 "why": [reason.get(lang) for reason in task.reasons]}  # fmt: skip
    return render.page(
        "inbox/approval.html", item=item, task=task, path=paths.steps(ctx, found), events=paths.events(ctx, found),
        may=found.may, id=id, url=f"/approvals/{id}", said=Cells(ctx).moment_text,
    )  # fmt: skip


@screen.get("/approvals/<id>/path")
def path(id: str) -> Response:
    """The path alone, beside the facts."""
    ctx = context("ui")
    return render.fragment("inbox/path.html", path=paths.steps(ctx, inbox.approval(ctx, id)))


@screen.get("/approvals/<id>/<act>")
def ask_about(id: str, act: str) -> Response:
    """The sheet for an act that takes a few words."""
    ctx = context("ui")
    found = inbox.approval(ctx, id)
    if act not in ("withdraw", "terminate", "resume", "comment") or act not in found.may:
        raise NotFound("approval", id)
    return _run_sheet(found, act)


def _run_sheet(found: PathView, act: str, problem: str | None = None) -> Response:
    return render.fragment(
        "inbox/run_sheet.html", 422 if problem else 200, id=found.approval, act=act, title=found.title, problem=problem,
        comment=_comment() if request.method == "POST" else None,
    )  # fmt: skip


@screen.post("/approvals/<id>/<act>")
def act_on_run(id: str, act: str) -> Response:
    """Withdraw, urge, say something, resume or end."""
    ctx = context("ui")
    t = speaker(ctx.actor.language)
    try:
        if act == "withdraw":
            approvals.withdraw(ctx, id, comment=_comment())
        elif act == "urge":
            approvals.urge(ctx, id)
        elif act == "comment":
            approvals.comment(ctx, id, _comment() or "")
        elif act == "resume":
            approvals.resume(ctx, id, reason=_comment() or "")
        elif act == "terminate":
            approvals.terminate(ctx, id, reason=_comment() or "")
        else:
            raise NotFound("approval", id)
    except Invalid as failure:
        return _run_sheet(inbox.approval(ctx, id), act, failure.message(ctx.actor.language))
    except (Refused, TooMany) as failure:
        if isinstance(failure, Forbidden):
            raise
        return render.go(f"/approvals/{id}", toast=decided_by(ctx, failure), tone="amber")
    return render.go(f"/approvals/{id}", toast=t(f"inbox.said_{act}_run"))


# ---------------------------------------------------------------- submitting


@screen.get("/r/<entity>/<id>/submit")
def ask_submit(entity: str, id: str) -> Response:
    """Who would be asked and why, before anything is sent."""
    ctx = context("ui")
    found = inbox.approval_path(ctx, entity, id, flow=request.args.get("flow"))
    if found is None:
        raise NotFound(entity, id)
    return _submit_sheet(ctx, found)


def _submit_sheet(ctx: Context, found: PathView, problem: str | None = None) -> Response:
    return render.fragment(
        "inbox/submit.html", 422 if problem else 200, path=paths.steps(ctx, found), found=found, title=found.title,
        flow=found.flow_label.get(ctx.actor.language), problem=problem, url=f"/r/{found.entity}/{found.record}/submit",
        open=_unknown(ctx, found, speaker(ctx.actor.language)), comment=_comment() if request.method == "POST" else None,
        may="submit" in found.may or "resubmit" in found.may,
    )  # fmt: skip


def _unknown(ctx: Context, found: PathView, t: Say) -> str | None:
    names = [step.label.get(ctx.actor.language) for step in found.steps if step.state == "open"]
    return t("inbox.cannot_foresee", steps=t("kit.comma").join(names)) if names else None


@screen.post("/r/<entity>/<id>/submit")
def submit(entity: str, id: str) -> Response:
    """Ask for approval of a record."""
    ctx = context("ui")
    t = speaker(ctx.actor.language)
    flow = request.form.get("flow") or None
    try:
        done = approvals.submit(ctx, entity, id, version=None, comment=_comment(), flow=flow)
    except (Invalid, Refused) as failure:
        found = inbox.approval_path(ctx, entity, id, flow=flow)
        if found is None or isinstance(failure, Forbidden) or not render.is_fragment_request():
            raise
        return _submit_sheet(ctx, found, _words(failure, ctx.actor.language))
    return render.go(f"/r/{entity}/{id}", toast=t("inbox.submitted" if done.needed else "inbox.not_needed"))


def _words(failure: Failure, lang: str) -> str:
    if isinstance(failure, Invalid) and failure.errors:
        return " ".join(dict.fromkeys(str(error.to_json(lang)["message"]) for error in failure.errors))
    return failure.message(lang)
