"""A revision and the way back, as an administrator reads them: in both languages, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Sit, serving
from tests.support.serving import Client

pytestmark = [pytest.mark.browser, pytest.mark.screenshots]

LEAD, REP, STAGES = "schemas/lead.yaml", "admin/roles/rep.yaml", "workflows/lead_stages.yaml"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demonstration with a second revision: a field more, a longer text, a wider role, another index."""
    folder: Path = tmp_path_factory.mktemp("revised")
    for base in serving("general_sales", folder):
        client = Client(base)
        files = client.get("/api/v1/config/revisions/1/files", "admin")["files"]
        lead = files[LEAD].replace(
            "    label: {en: Company, zh: 公司}\n    max_length: 120\n",
            "    label: {en: Company, zh: 公司}\n    max_length: 200\n    index: true\n",
        )
        lead = lead.replace(
            "\nfields:\n",
            "\nfields:\n  nickname: {type: text, label: {en: Nickname, zh: 昵称}, default: friend, backfill: default}\n",
        )
        role = files[REP].replace("lead:        {read: own", "lead:        {read: all")
        assert lead != files[LEAD] and role != files[REP]
        made = client.call(
            "POST", "/api/v1/config/apply", "admin", {"files": {**files, LEAD: lead, REP: role}, "message": "More"}
        )  # fmt: skip
        assert made.status == 200, made.body
        assert made.json["revision"] == 2
        yield base


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_revision_and_the_way_back(office: str, sit: Sit, size: str, lang: str) -> None:
    desk = sit(office, "admin", size=size, lang=lang)
    page = desk.go("/console/revisions/1")
    gone = page.locator(".console-changes li", has_text="entity.lead.fields.nickname").first
    told = {
        "en": ("Removed: Lead › Nickname", "values: ", "its values are kept aside, unseen"),
        "zh": ("移除：线索 › 昵称", "值：", "其值另行保存，不再可见"),
    }[lang]
    for one in told:
        assert one in gone.inner_text()
    right = page.locator(".console-access").inner_text()
    assert {"en": "own or in the pool Lead pool", "zh": "本人或公海 线索公海 内"}[lang] in right
    # The place stands beside the text at a desk and below it on a phone, never over it.
    text, place = (gone.locator(part).bounding_box() for part in (".line-text", ".line-meta"))
    assert text is not None and place is not None
    assert place["y"] >= text["y"] + text["height"] - 1 if size == "phone" else place["x"] >= text["x"]
    assert text["width"] > 240
    for table in page.locator(".console-plan table").all():
        cut = table.evaluate("t => t.parentElement.scrollWidth - t.parentElement.clientWidth")
        assert cut <= 1, f"a table is {cut} px too wide"
    page.locator("details.console-plan summary").click()
    desk.picture(f"console-revision-{lang}")
    desk.go("/console/revisions/2")
    desk.picture(f"console-revision-made-{lang}")
    desk.quiet()
