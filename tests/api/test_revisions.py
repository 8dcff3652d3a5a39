"""What was published before, over HTTP: for those who may configure and nobody else."""

from __future__ import annotations

import pytest

from tests.api.office import Api

SETTINGS = "fairlead.yaml"


def publish(api: Api, label: str) -> int:
    """Publish another name of the entity `case`; return the revision."""
    path, text = next((p, t) for p, t in api.world.files.items() if "\nname: case\n" in t)
    lines = [
        f"plural: {{en: {label}, zh: {label}}}" if line.startswith("plural:") else line
        for line in text.split("\n")
    ]
    if not any(line.startswith("plural:") for line in lines):
        lines.insert(lines.index("name: case") + 1, f"plural: {{en: {label}, zh: {label}}}")
    api.world.files[path] = "\n".join(lines)
    answer = api.post("ada", "config/apply", {"files": api.world.files, "message": f"Says {label}"})
    api.world.applications.refresh()
    return int(answer.json["revision"])


def test_cf_50_51_revisions_are_looked_at_compared_and_asked(api: Api) -> None:
    first = publish(api, "Ones")
    second = publish(api, "Twos")
    items = api.get("ada", "config/revisions?page_size=1").json["items"]
    assert [(one["number"], one["author"], one["source"]) for one in items] == [(second, "ada", "api")]
    assert api.get("ada", f"config/revisions?before={second}").json["items"][0]["number"] == first
    whole = api.get("ada", f"config/revisions/{second}").json
    assert whole["message"] == "Says Twos" and whole["result"]["changes"] and "Twos" in whole["plan"]
    files = api.get("ada", f"config/revisions/{second}/files").json["files"]
    assert files == api.world.files and set(whole["files"]) == set(files)
    changes = api.get("ada", f"config/diff?older={first}&newer={second}").json["items"]
    assert ("Ones", "Twos") in {(one["old"], one["new"]) for one in changes}
    said = api.get("ada", "config/blame?path=entity.case.plural.en").json["items"]
    assert [(one["number"], one.get("old"), one["new"]) for one in said[:2]] == [
        (second, "Ones", "Twos"), (first, None, "Ones"),
    ]  # fmt: skip


def test_cf_50_the_way_back_is_planned_then_sealed(api: Api) -> None:
    first = publish(api, "Ones")
    second = publish(api, "Twos")
    planned = api.post("ada", "config/rollback", {"to": first}).json
    assert (planned["revision"], planned["changed"]) == (second, False)
    assert api.post("ada", "config/rollback", {"to": first, "seal": "wrong"}).json["code"] == "plan.stale"
    done = api.post("ada", "config/rollback", {"to": first, "seal": planned["plan"]["seal"]}).json
    assert (
        done["changed"]
        and api.get("ada", f"config/revisions/{done['revision']}").json["source"] == "rollback"
    )
    again = api.get("ada", f"config/revisions/{done['revision']}/files").json
    assert again == api.get("ada", f"config/revisions/{first}/files").json
    api.world.applications.refresh()


@pytest.mark.parametrize(
    ("path", "status"),
    [("config/revisions/99", 404), ("config/revisions/x", 404), ("config/revisions/99/files", 404), ("config/diff?older=1", 422),
     ("config/diff?older=1&newer=99", 404), ("config/blame", 422), ("config/blame?path=entity.nothing", 404),
     ("config/revisions?before=x", 422), ("config/revisions?x=1", 422)],
)  # fmt: skip
def test_what_is_not_there_or_not_said_is_answered_plainly(api: Api, path: str, status: int) -> None:
    assert api.get("ada", path).status == status
    assert api.get("rui", path).status == 403


@pytest.mark.parametrize("body", [{}, {"to": "1"}, {"to": 0}, {"to": True}, {"to": 1, "x": 1}])
def test_a_way_back_that_is_not_said_well_is_refused(api: Api, body: dict[str, object]) -> None:
    assert api.post("ada", "config/rollback", body).status == 422
    assert api.post("rui", "config/rollback", {"to": 1}).status == 403
