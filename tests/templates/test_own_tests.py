"""The tests that the shipped templates bring along pass, and each guards something: a rule that is changed fails one."""

from __future__ import annotations

from pathlib import Path

import pytest
from fairlead.config.load import Loaded, load
from fairlead.config.source import SourceTree, shipped
from fairlead.wiring import run_tests

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ("general_sales", "real_estate")


def files_of(template: str) -> dict[str, str]:
    return dict(shipped(ROOT, template).mapping())


def loaded(files: dict[str, str]) -> Loaded:
    found = load(SourceTree.from_mapping(files))
    assert found.workspace is not None, found.problems.render()
    return found


@pytest.mark.parametrize("template", TEMPLATES)
def test_cf_81_the_template_s_own_tests_pass(template):
    results = run_tests(loaded(files_of(template)).workspace)
    assert results.passed, results.render()
    assert len(results.outcomes) >= 12


CHANGES = [
    ("general_sales", "lead_pool.yaml", "max: 20}", "max: 30}", "lead_claim_limits"),
    ("general_sales", "lead_pool.yaml", ">= 15", ">= 30", "lead_reclaim"),
    ("general_sales", "lead_pool.yaml", "[phone, email, wechat]", "[wechat]", "lead_claims"),
    ("general_sales", "quote_approval.yaml", "100000", "1000000", "quote_finance"),
    ("general_sales", "quote_approval.yaml", " || record.effective_discount > 0.1", "", "quote_line_discounts"),
    ("general_sales", "roles/rep.yaml", "opportunity: {read: own", "opportunity: {read: all", "whose_records"),
    ("general_sales", "lead_stages.yaml", "require: [company, need]", "require: [company]", "lead_stages"),
    ("real_estate", "unit_sale.yaml", "days(3)", "days(30)", "unit_hold"),
    ("real_estate", "hold_expired.yaml", "- {move: available}", "- {set: {hold_kind: sales}}", "unit_hold_ends"),
    ("real_estate", "subscription_stages.yaml", "record.unit.stage == 'available' ||", "true ||", "one_unit_one_buyer"),
    ("real_estate", "subscription_approval.yaml", "0.05", "0.09", "discount_director"),
    ("real_estate", "roles/rep.yaml", "base_total: hidden", "base_total: readonly", "whose_buyers"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("template", "file", "old", "new", "guard"), CHANGES, ids=[one[4] for one in CHANGES]
)
def test_a_changed_rule_fails_the_test_that_guards_it(template, file, old, new, guard):
    files = files_of(template)
    (path,) = [path for path in files if path.endswith(file) and "/tests/" not in path]
    assert old in files[path]
    files[path] = files[path].replace(old, new, 1)
    results = run_tests(loaded(files).workspace, only=[guard])
    assert [one.name for one in results.failed] == [guard]
    assert all(finding.span.file.endswith(f"tests/{guard}.yaml") for finding in results.outcomes[0].findings)
