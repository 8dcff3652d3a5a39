"""What the environment and the workspace's own file say about how to run, as one frozen value."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead.work.demo_accounts import DEMO_PASSWORD

__all__ = ["DEMO_PASSWORD", "Settings", "settings_from"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs."""

    workspace: Path
    database_url: str
    redis_url: str | None
    secret_key: str
    data_dir: Path
    workers: int
    demo: bool = False
    secure_cookies: bool = False


def settings_from(
    workspace: Path, environ: Mapping[str, str] | None = None, *, demo: bool = False
) -> Settings:
    """Return the settings of a workspace; the environment comes first.

    A secret key that nobody gave is made once and kept in the data folder, readable by its owner alone.
    """
    env = os.environ if environ is None else environ
    data_dir = Path(env.get("FAIRLEAD_DATA_DIR") or workspace / "var").absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    url = env.get("FAIRLEAD_DATABASE_URL") or f"sqlite:///{data_dir / 'fairlead.sqlite3'}"
    key = env.get("FAIRLEAD_SECRET_KEY") or _kept_key(data_dir / "secret.key")
    return Settings(
        workspace=workspace.absolute(), database_url=url, redis_url=env.get("FAIRLEAD_REDIS_URL") or None,
        secret_key=key, data_dir=data_dir, workers=int(env.get("FAIRLEAD_WORKERS") or 2), demo=demo,
        secure_cookies=env.get("FAIRLEAD_SECURE_COOKIES", "") in ("1", "true", "yes"),
    )  # fmt: skip


def _kept_key(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600, exist_ok=True)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii").strip()
