"""Findings as SARIF 2.1.0, the form in which editors, code hosts and pipelines take the results of checks (CF-10).

Columns count characters, as everywhere here. A file is named relative to the configuration folder, with
the characters that an address cannot have written as %XX.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from fairlead.base.problems import Level, Problem

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.error: "error", Level.warning: "warning", Level.hint: "note"}


def to_sarif(problems: Iterable[Problem], version: str) -> dict[str, Any]:
    """Return one SARIF log with one run.

    Args:
        problems: In the order in which they are to be listed.
        version: Of the engine that found them.
    """
    found = list(problems)
    codes = sorted({problem.code for problem in found})
    driver = {
        "name": "fairlead",
        "semanticVersion": version,
        "rules": [{"id": code, "name": _rule_name(code)} for code in codes],
    }
    number = {code: index for index, code in enumerate(codes)}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, number[problem.code]) for problem in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule_name(code: str) -> str:
    return "".join(part.capitalize() for part in code.replace("-", "_").split("_"))


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    hint = f" (did you mean {problem.hint!r}?)" if problem.hint else ""
    made: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.level],
        "message": {"text": f"{problem.message}{hint}"},
    }
    location: dict[str, Any] = {}
    span = problem.span
    if span.file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": quote(span.file)}}
        if span.line:
            physical["region"] = {
                "startLine": span.line,
                "startColumn": max(span.column, 1),
                "endLine": max(span.end_line, span.line),
                "endColumn": max(span.end_column, 1),
            }
        location["physicalLocation"] = physical
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.key, "kind": "member"}]
    if location:
        made["locations"] = [location]
    return made
