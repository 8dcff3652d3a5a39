"""Collect the files of a workspace; this module alone knows their names and folders.

A workspace has four folders and its own settings file; a shipped template lies one folder deeper, and
may extend another whose files then lie below it. Every file is named relative to the folder it was
collected from, so that no message shows where that folder is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fairlead.base.problems import Problem, Span
from fairlead.base.texts import did_you_mean
from fairlead.config.reader import read

FOLDERS = ("schemas", "workflows", "forms", "admin")
SETTINGS_FILE = "fairlead.yaml"
SUFFIXES = (".yaml", ".yml", ".json")
CONFLICTS = "conflicts"
"""Where an upgrade asks which of two changes to take."""
DATA_FOLDER = "demo"
"""Folders of this name hold records for trying a template out, not documents."""

MAX_BYTES = 5 * 1024 * 1024
MAX_FILES = 5_000
MAX_TOTAL_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceTree:
    """All files of one configuration in order of their names, and what kept a file from being read."""

    files: tuple[SourceFile, ...]
    problems: tuple[Problem, ...] = ()

    @classmethod
    def from_folder(cls, folder: Path | str) -> SourceTree:
        """Collect the documents of a workspace folder; what cannot be read becomes a problem."""
        root = Path(folder)
        collector = _Collector(root)
        for part in FOLDERS:
            collector.walk(root / part)
        collector.file(root / SETTINGS_FILE, optional=True)
        tree = collector.tree()
        return SourceTree(tree.files, tree.problems + tuple(_unresolved(root)))

    @classmethod
    def from_mapping(cls, texts: Mapping[str, str | bytes]) -> SourceTree:
        """Take documents from memory; keys are relative names such as `schemas/car.yaml`."""
        files: list[SourceFile] = []
        problems: list[Problem] = []
        total = 0
        for path in sorted(texts):
            parts = PurePosixPath(path).parts
            if not parts or PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path:
                problems.append(
                    _problem("outside_folder", path, "the name leads out of the configuration folder")
                )
                continue
            if not is_document(path):
                continue
            given = texts[path]
            total += len(given)
            if isinstance(given, bytes):
                raw = given
            else:
                try:
                    raw = given.encode()
                except UnicodeEncodeError as error:
                    line = given.count("\n", 0, error.start) + 1
                    column = error.start - (given.rfind("\n", 0, error.start) + 1) + 1
                    text = "a character that is half of a pair (a lone surrogate) cannot be stored"
                    problems.append(Problem("control_character", (), text, Span(path, line, column)))
                    continue
            _take(path, raw, files, problems)
        if len(files) > MAX_FILES or total > MAX_TOTAL_BYTES:
            return cls((), (_too_many(),))
        return cls(tuple(files), tuple(problems))

    def digest(self) -> str:
        """Return a hash of names and contents; equal text in equal files gives an equal digest."""
        total = hashlib.sha256()
        for file in sorted(self.files, key=lambda file: file.path):
            content = file.text.encode()
            total.update(f"{file.path}\0{len(content)}\0".encode())
            total.update(content)
        return total.hexdigest()

    def mapping(self) -> dict[str, str]:
        """Return relative name → text, as a revision stores it."""
        return {file.path: file.text for file in self.files}

    def over(self, below: SourceTree) -> SourceTree:
        """Return this tree laid over another: its documents replace those of the same kind and name."""
        own = {_identity(file) for file in self.files} - {None}
        kept = tuple(file for file in below.files if _identity(file) not in own)
        return SourceTree(kept + self.files, below.problems + self.problems)


def is_document(path: str) -> bool:
    """Say whether a relative name is one that a workspace reads."""
    if path == SETTINGS_FILE:
        return True
    parts = PurePosixPath(path).parts
    return len(parts) > 1 and parts[0] in FOLDERS and path.endswith(SUFFIXES) and all(map(_is_read, parts))


def _is_read(name: str) -> bool:
    return not name.startswith(".") and name != DATA_FOLDER


def _identity(file: SourceFile) -> tuple[str, str] | None:
    data = read(file.path, file.text).data
    kind, name = (data.get("kind"), data.get("name")) if isinstance(data, dict) else (None, None)
    return (kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def template_files(root: Path | str, template: str) -> SourceTree:
    """Collect one shipped template alone: `schemas/<template>/…` and its three sisters under `root`."""
    base = Path(root)
    collector = _Collector(base)
    for part in FOLDERS:
        collector.walk(base / part / template)
    return collector.tree()


def shipped_templates(root: Path | str) -> list[str]:
    """Return the names of the templates under `root`, in order."""
    names: set[str] = set()
    for part in FOLDERS:
        folder = Path(root) / part
        if folder.is_dir():
            names.update(
                child.name for child in folder.iterdir() if child.is_dir() and child.name[0] not in "._"
            )
    return sorted(names)


def shipped(root: Path | str, template: str) -> SourceTree:
    """Collect a shipped template with everything it extends, the most basic at the bottom.

    A template that is missing or extends itself through others is a problem of the tree.
    """
    chain: list[str] = []
    tree: SourceTree | None = None
    name: str | None = template
    while name is not None:
        if name in chain:
            ring = " → ".join([*chain, name])
            return SourceTree(
                (), (_problem("cycle", f"admin/{template}", f"templates extend each other: {ring}"),)
            )
        own = template_files(root, name)
        if not own.files and not own.problems:
            known = shipped_templates(root)
            missing = _problem("unknown_template", "", f"there is no template {name!r}")
            return SourceTree((), (replace(missing, hint=did_you_mean(name, known)),))
        tree = own if tree is None else tree.over(own)
        chain.append(name)
        name = _extends(own)
    assert tree is not None
    return tree


def workspace_files(tree: SourceTree, settings: str) -> dict[str, str]:
    """Return a template's documents as a workspace of its own has them: without the template's own level.

    Args:
        tree: As `shipped` gives it.
        settings: The text of the workspace's `fairlead.yaml`.
    """
    made = {SETTINGS_FILE: settings}
    for file in tree.files:
        first, _, rest = file.path.partition("/")
        template, _, inner = rest.partition("/")
        plain = f"{first}/{inner}" if inner else file.path
        # Two templates may each have a file of this name; the second keeps its template's name in it.
        made[plain if plain not in made else f"{first}/{template}/{inner}"] = file.text
    return made


def _extends(tree: SourceTree) -> str | None:
    for file in tree.files:
        if file.path.startswith("admin/") and "template" in file.text and "extends" in file.text:
            data = read(file.path, file.text).data
            if isinstance(data, dict) and data.get("kind") == "template":
                base = data.get("extends")
                return base if isinstance(base, str) else None
    return None


class _Collector:
    """Walks folders without ever following a link out of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.real_root = root.resolve()
        self.files: list[SourceFile] = []
        self.problems: list[Problem] = []
        self.total = 0
        self.full = False

    def tree(self) -> SourceTree:
        if self.full:
            return SourceTree((), (_too_many(),))
        return SourceTree(tuple(sorted(self.files, key=lambda file: file.path)), tuple(self.problems))

    def walk(self, folder: Path) -> None:
        if not folder.is_dir() or not self._inside(folder):
            return
        for parent, folders, names in os.walk(folder):
            here = Path(parent)
            folders[:] = sorted(name for name in folders if _is_read(name) and self._inside(here / name))
            for name in sorted(names):
                if name.endswith(SUFFIXES) and not name.startswith("."):
                    self.file(here / name)
                    if self.full:
                        return

    def file(self, path: Path, *, optional: bool = False) -> None:
        name = self._shown(path)
        if optional and not path.is_symlink() and not path.exists():
            return
        if not self._inside(path):
            return
        if name != path.relative_to(self.root).as_posix():
            self.problems.append(
                _problem("bad_file_name", name, "the name of the file is not UTF-8; rename it")
            )
            return
        try:
            size = path.stat().st_size
            if not path.is_file():
                self.problems.append(_problem("unreadable", name, "this is not a regular file"))
                return
            if size > MAX_BYTES:
                self.problems.append(_too_large(name, size))
                return
            self.total += size
            if len(self.files) >= MAX_FILES or self.total > MAX_TOTAL_BYTES:
                self.full = True
                return
            raw = path.read_bytes()
        except OSError as error:
            self.problems.append(_problem("unreadable", name, f"the file cannot be read: {error.strerror}"))
            return
        _take(name, raw, self.files, self.problems)

    def _inside(self, path: Path) -> bool:
        try:
            inside = path.resolve().is_relative_to(self.real_root)
        except (OSError, RuntimeError):
            inside = False
        if not inside:
            self.problems.append(
                _problem(
                    "outside_folder", self._shown(path), "the link leads out of the configuration folder"
                )
            )
        return inside

    def _shown(self, path: Path) -> str:
        """Return a file's relative name as text; bytes that are none are written as an escape."""
        name = path.relative_to(self.root).as_posix()
        return os.fsencode(name).decode("utf-8", "backslashreplace")


def _take(path: str, raw: bytes, files: list[SourceFile], problems: list[Problem]) -> None:
    if len(raw) > MAX_BYTES:
        problems.append(_too_large(path, len(raw)))
        return
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        line_start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[line_start : error.start].decode(errors="replace")) + 1
        message = f"the file is not UTF-8 (byte {error.start} is 0x{raw[error.start]:02x}); save it as UTF-8"
        problems.append(Problem("not_utf8", (), message, Span(path, line, column)))
        return
    files.append(SourceFile(path, text))  # a byte order mark stays: what is exported is what was written


def _unresolved(root: Path) -> Iterator[Problem]:
    """Yield a problem for each conflict of an upgrade about which nobody has said what to take."""
    for path in sorted((root / CONFLICTS).glob("*.yaml")):
        name = path.relative_to(root).as_posix()
        reading = read(name, path.read_text(encoding="utf-8", errors="replace"))
        data = reading.data if isinstance(reading.data, dict) else {}
        other = data.get("with") or "template"
        if data.get("take") not in ("yours", other):
            message = f"{data.get('at', name)}: say `take: yours` or `take: {other}`"
            yield Problem("unresolved_conflict", ("take",), message, reading.span(("take",)))


def _problem(code: str, path: str, message: str) -> Problem:
    return Problem(code, (), message, Span(path, 1, 1))


def _too_large(path: str, size: int) -> Problem:
    limit = MAX_BYTES // 1024 // 1024
    return _problem("too_large", path, f"the file has {size:,} bytes; at most {limit} MB are read")


def _too_many() -> Problem:
    limit = MAX_TOTAL_BYTES // 1024 // 1024
    return _problem(
        "too_large", "", f"the folder has more than {MAX_FILES:,} files or {limit} MB of documents"
    )
