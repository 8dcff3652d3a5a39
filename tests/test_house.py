"""The house around the code keeps its promises: make, packaging, rooms and floors, containers."""

from __future__ import annotations

import platform
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ["setup", "run", "test", "check", "bench", "bench-check", "screenshots", "docs", "clean", "format"]
# Files whose text comes from elsewhere, or has to name what others may not.
NOT_OURS = {"package-lock.json", "test_house.py"}


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked_texts() -> list[tuple[str, str]]:
    """Return name and text of every file that git tracks and that is text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    texts = []
    for name in filter(None, listed):
        path = ROOT / name
        if path.name in NOT_OURS or not path.is_file():
            continue
        try:
            texts.append((name, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return texts


def test_platform_stays_a_plain_folder() -> None:
    """A package of that name would hide Python's own `platform` module from every library."""
    assert not (ROOT / "platform/__init__.py").exists()
    assert platform.python_implementation()


def test_make_alone_lists_each_target() -> None:
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  ([a-z-]+) ", printed, re.MULTILINE)
    assert set(TARGETS) <= set(listed)


def test_every_make_target_has_a_sentence() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert phony
    names = set(phony[1].replace("\\\n", " ").split())
    told = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert {name for name in names - told if not name.startswith("check-")} == set()


def test_the_floors_are_those_of_the_house_style(pyproject: dict[str, Any]) -> None:
    floors = next(c for c in pyproject["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    bare = [floor.replace("(", "").replace(")", "") for floor in floors["layers"]]
    assert bare == [
        "cli",
        "wiring : settings",
        "web | effects",
        "work",
        "decide | store",
        "config | compiled",
        "model",
        "fields",
        "expr",
        "base",
    ]


def test_every_room_has_its_floor(pyproject: dict[str, Any]) -> None:
    """A new room must say where it stands, or the linter would let it import anything."""
    floors = next(c for c in pyproject["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    known = set(re.findall(r"\w+", " ".join(floors["layers"])))
    package = ROOT / "platform/fairlead"
    rooms = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    rooms |= {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}
    assert rooms - known == set()


def test_what_make_installs_is_within_the_bounds(pyproject: dict[str, Any]) -> None:
    """Every direct dependency has an exact version in constraints.txt."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        pins[canonicalize_name(name)] = version
    wanted = [*pyproject["project"]["dependencies"]]
    for extra in pyproject["project"]["optional-dependencies"].values():
        wanted += [line for line in extra if not line.startswith("fairlead")]
    for line in wanted:
        requirement = Requirement(line)
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin, f"constraints.txt has no version of {requirement.name}"
        assert requirement.specifier.contains(pin), f"{requirement} does not allow {pin}"


@pytest.mark.parametrize("lockfile", ["web/package-lock.json", "tests/servers/package-lock.json"])
def test_a_lockfile_names_no_host(lockfile: str) -> None:
    """With a host inside, `npm ci` would ask that one instead of the registry this machine is set up for."""
    assert '"resolved"' not in (ROOT / lockfile).read_text()


def test_front_end_versions_are_exact() -> None:
    import json

    for folder in ("web", "tests/servers"):
        package = json.loads((ROOT / folder / "package.json").read_text())
        for name, version in {
            **package.get("dependencies", {}),
            **package.get("devDependencies", {}),
        }.items():
            assert re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version), f"{name} {version} is not one version"


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    """What works only here, or asks only one mirror, fails for whoever clones it."""
    forbidden = re.compile(
        r"(?<![\w/.])/(?:work|root|home)/(?!\.)\w+|registry\.(?:npmjs|yarnpkg)|pypi\.(?:org|python)|files\.pythonhosted"
    )
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []


def test_the_wheel_carries_the_shipped_templates_and_the_front_end() -> None:
    hook = (ROOT / "hatch_build.py").read_text()
    for folder in ("schemas", "workflows", "forms", "admin"):
        assert f'"{folder}"' in hook
    assert "static/dist" in (ROOT / "pyproject.toml").read_text()


def test_compose_file_holds_together() -> None:
    """No engine is needed to see a service, a volume or a condition that nothing defines."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    assert {"web", "worker", "postgres", "redis"} <= set(services)
    for name, service in services.items():
        for other, wait in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}, which is not there"
            assert wait["condition"] != "service_healthy" or "healthcheck" in services[other]
        for volume in service.get("volumes", []):
            source = volume.rsplit(":", 1)[0]
            assert source.startswith((".", "/", "$")) or source in compose["volumes"]
