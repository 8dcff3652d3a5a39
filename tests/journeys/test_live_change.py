"""A field and a stage are added to a running system from the command line, seen at once, and taken back."""

from __future__ import annotations

from pathlib import Path

from tests.support.serving import Client, eventually, fairlead, free_port, running

FIELD = "  budget_code: {type: text, label: {en: Budget code, zh: 预算编码}, max_length: 20}\n"


def change(folder: Path) -> None:
    """Edit the documents as a business admin would."""
    entity = next(path for path in folder.joinpath("schemas").rglob("opportunity.yaml"))
    text = entity.read_text(encoding="utf-8")
    entity.write_text(text.replace("fields:\n", f"fields:\n{FIELD}", 1), encoding="utf-8")
    stages = next(p for p in folder.joinpath("workflows").rglob("*.yaml") if "entity: opportunity" in p.read_text("utf-8")
                  and "kind: pipeline" in p.read_text("utf-8"))  # fmt: skip
    text = stages.read_text(encoding="utf-8")
    head, _, rest = text.partition("stages:\n")
    stages.write_text(
        f"{head}stages:\n  briefing: {{label: {{en: Briefing, zh: 简报}}, probability: 5}}\n{rest}",
        encoding="utf-8",
    )


def test_a_field_and_a_stage_come_and_go_without_a_restart(database_url: str, tmp_path: Path) -> None:
    folder, port = tmp_path / "acme", free_port()
    env = {"FAIRLEAD_DATABASE_URL": database_url}
    with running("demo", "--keep", str(folder), port=port, log=tmp_path / "log", **env):
        client = Client(f"http://127.0.0.1:{port}")
        first = client.call("GET", "/api/v1/opportunity?page_size=1", "rep1")
        assert first.headers["X-Fairlead-Revision"] == "1"
        record = first.json["items"][0]
        assert "budget_code" not in record

        change(folder)
        planned = fairlead("plan", str(folder), **env).stdout
        assert "+ entity.opportunity.fields.budget_code" in planned and "add column budget_code" in planned
        assert "Published revision 2" in fairlead("apply", str(folder), "--yes", **env).stdout

        def seen() -> bool:
            return client.call("GET", "/api/v1/me", "rep1").headers["X-Fairlead-Revision"] == "2"

        eventually(seen, seconds=5, what="revision 2 in the running process")
        assert client.get(f"/api/v1/opportunity/{record['id']}", "rep1")["budget_code"] is None
        saved = client.call(
            "PATCH", f"/api/v1/opportunity/{record['id']}", "rep1", {"budget_code": "B-7"}, If_Match="*"
        )
        assert saved.status == 200 and saved.json["budget_code"] == "B-7", saved.body
        text = client.call("GET", "/api/v1/openapi.json", "rep1").body.decode()
        assert "budget_code" in text and "briefing" in text

        refused = fairlead("rollback", "1", "-w", str(folder), "--yes", check=False, **env)
        assert refused.returncode == 1 and "--allow-destructive" in refused.stderr
        fairlead("rollback", "1", "-w", str(folder), "--yes", "--allow-destructive", **env)
        eventually(
            lambda: "budget_code" not in client.get(f"/api/v1/opportunity/{record['id']}", "rep1"),
            what="the rollback",
        )
        fairlead("rollback", "2", "-w", str(folder), "--yes", **env)
        eventually(lambda: client.get(f"/api/v1/opportunity/{record['id']}", "rep1").get("budget_code") == "B-7",
                   what="the value, back again")  # fmt: skip
        listed = fairlead("revisions", "-w", str(folder), **env).stdout.splitlines()
        assert len(listed) == 4 and "Back to revision 2" in listed[0]
