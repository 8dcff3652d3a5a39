"""The example connectors against the public data they were written for: whatever a file says must have a meaning."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared/data/b2b_sales"
CONNECTORS = ROOT / "workflows/general_sales/connectors"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the public sales data is not beside the project")


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def connector(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONNECTORS / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def translated(column: dict[str, Any], row: dict[str, str]) -> str:
    text = row[column["column"]]
    return str(column.get("values", {}).get(text, text))


@pytest.mark.parametrize(
    ("name", "file"),
    [("b2b_accounts", "accounts.csv"), ("b2b_products", "products.csv"), ("b2b_pipeline", "sales_pipeline.csv"),
     ("b2b_managers", "sales_teams.csv"), ("b2b_teams", "sales_teams.csv"), ("b2b_agents", "sales_teams.csv")],
)  # fmt: skip
def test_every_column_it_reads_is_in_the_file(name: str, file: str) -> None:
    wanted = {column["column"] for column in connector(name)["columns"].values() if "column" in column}
    assert wanted <= set(rows(file)[0])


def test_every_deal_names_a_product_an_agent_and_a_stage_that_we_know() -> None:
    columns = connector("b2b_pipeline")["columns"]
    products = {row["product"] for row in rows("products.csv")}
    agents = {row["sales_agent"] for row in rows("sales_teams.csv")}
    accounts = {row["account"] for row in rows("accounts.csv")}
    stages = yaml.safe_load(
        (ROOT / "workflows/general_sales/opportunity_stages.yaml").read_text(encoding="utf-8")
    )
    deals = rows("sales_pipeline.csv")
    assert len(deals) == 8800
    for deal in deals:
        assert translated(columns["product"], deal) in products
        assert translated(columns["owner"], deal) in agents
        assert translated(columns["stage"], deal) in stages["stages"]
        assert deal["account"] in accounts | {""}


def test_a_deal_without_account_is_in_a_stage_that_does_not_ask_for_one() -> None:
    columns = connector("b2b_pipeline")["columns"]
    stages = yaml.safe_load(
        (ROOT / "workflows/general_sales/opportunity_stages.yaml").read_text(encoding="utf-8")
    )
    homeless = [deal for deal in rows("sales_pipeline.csv") if not deal["account"]]
    assert len(homeless) == 1425
    for deal in homeless:
        assert "customer" not in stages["stages"][translated(columns["stage"], deal)].get("require", [])


def test_every_sector_is_an_industry() -> None:
    columns = connector("b2b_accounts")["columns"]
    industries = yaml.safe_load(
        (ROOT / "schemas/general_sales/options/industry.yaml").read_text(encoding="utf-8")
    )
    assert {translated(columns["industry"], row) for row in rows("accounts.csv")} <= set(
        industries["options"]
    )
