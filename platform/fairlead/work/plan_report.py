"""A plan as people and programs read it: graded, counted, with the place in the documents that asked for each change.

Pure functions of the plan: the same plan gives the same bytes (CF-23).
"""

from __future__ import annotations

from typing import Any

from fairlead.compiled.changes import GRADES
from fairlead.work.planning import Plan


def render(plan: Plan) -> str:
    """Return the plan as a person reads it."""
    if plan.empty:
        return "Nothing to do: the published configuration is the same."
    lines = []
    for grade in reversed(GRADES):
        of_grade = [change for change in plan.changes if change.grade == grade]
        if of_grade:
            lines.append(f"{grade} ({len(of_grade)})")
            lines += [
                f"  {change.line()}" + (f"  [{change.span}]" if change.span else "")
                for change in of_grade[:200]
            ]
            if len(of_grade) > 200:
                lines.append(f"  … and {len(of_grade) - 200} more")
    if plan.operations:
        lines.append(f"database (statements: {len(plan.operations)})")
        lines += [
            f"  {operation.kind.replace('_', ' ')} {operation.name}" for operation in plan.operations[:60]
        ]
        if len(plan.operations) > 60:
            lines.append(f"  … and {len(plan.operations) - 60} more")
    base = f"revision {plan.base}" if plan.base else "an empty workspace"
    lines.append(f"on {base}; sealed {plan.seal}")
    return "\n".join(lines)


def to_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for programs, and for `apply FILE`."""
    return {
        "base": plan.base, "digest": plan.digest, "fingerprint": plan.fingerprint, "engine": plan.engine,
        "seal": plan.seal, "grade": plan.grade, "changes": [change.to_json() for change in plan.changes],
        "statements": [operation.sql for operation in plan.operations], "files": dict(plan.files),
    }  # fmt: skip
