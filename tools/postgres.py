"""A PostgreSQL server of one's own, for tests and benches: in a folder that goes away with it.

It listens on a socket in that folder and nowhere else, and asks for a password. The server refuses
to run as root; whoever is root has it run as another user.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

PROGRAMS: Final = ("/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt")
"""Where versions lie side by side and none is on the path."""
USERS: Final = ("postgres", "nobody")
"""Of whom one runs the server where root may not."""
ADMIN: Final = "fleet"
PASSWORD: Final = "hush p@ss/w:rd"  # noqa: S105 - of a server that nobody else reaches.
"""Of whom everything is; with all in it that must be quoted in a URL."""
SETTINGS: Final = (
    "-c listen_addresses= -c fsync=off -c max_connections=40 -c shared_buffers=32MB "
    "-c log_min_messages=fatal"
)


def programs() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, the newest there is; None: not installed."""
    if sys.platform == "win32":
        return None
    found = [Path(one).parent for one in [shutil.which("pg_ctl")] if one is not None]
    for folder in PROGRAMS:
        versions = Path(folder).glob("*/bin/pg_ctl")
        found += [one.parent for one in sorted(versions, key=_version, reverse=True)]
    return next((one for one in found if (one / "initdb").exists()), None)


def _version(program: Path) -> tuple[int, ...]:
    figures = "".join(c if c.isdigit() else " " for c in program.parent.parent.name)
    return tuple(int(one) for one in figures.split())


class Server:
    """One server; begun and ended with the context."""

    def __init__(self, programs: Path) -> None:
        """Prepare a server of the programs in that folder."""
        self._programs = programs
        self._user = _user()
        # Not in a test's own folder: those are closed to other users, and their names too long.
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self._folder / "data"

    def __enter__(self) -> Self:
        """Make it and start it."""
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        given = self._folder / "password"
        given.write_text(PASSWORD, encoding="utf-8")
        given.chmod(0o644)
        self._call(
            "initdb", "--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256",
            f"--username={ADMIN}", f"--pwfile={given}",
        )  # fmt: skip
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, and remove all of it."""
        self.thaw()
        self.stop()
        shutil.rmtree(self._folder)

    def url(self, user: str = ADMIN, password: str = PASSWORD) -> str:
        """Return the URL of its one database."""
        return (
            f"postgresql://{user}:{quote(password, safe='')}@/postgres"
            f"?host={quote(str(self._folder), safe='')}"
        )

    def start(self) -> None:
        """Start it, and wait until it answers; nothing where it runs."""
        if self.pid is None:
            settings = f"{SETTINGS} -c unix_socket_directories={self._folder}"
            log = self._folder / "log"
            self._call("pg_ctl", "start", "--wait", f"--log={log}", f"--options={settings}")

    def stop(self) -> None:
        """Stop it at once, as a loss of power would end it; nothing where it does not run."""
        if self.pid is not None:
            self._call("pg_ctl", "stop", "--wait", "--mode=immediate")

    def freeze(self) -> None:
        """Have it do nothing, and say nothing, until it thaws."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    @property
    def pid(self) -> int | None:
        """Of the process that all others of the server are children of; None: it does not run."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        return int(lines[0])

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            children = subprocess.run(
                ["pgrep", "-P", str(self.pid)],  # noqa: S607 - wherever it is.
                capture_output=True, text=True, check=False,
            ).stdout.split()  # fmt: skip
            for pid in (self.pid, *map(int, children)):
                # What cleans up for the server comes and goes by itself.
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _call(self, program: str, *arguments: str) -> None:
        ended = subprocess.run(
            [str(self._programs / program), f"--pgdata={self._data}", *arguments],
            user=self._user,
            cwd=self._folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            # No pipe: the server would keep it open.
            stdout=(said := os.open(self._folder / "said", os.O_RDWR | os.O_CREAT | os.O_TRUNC)),
            stderr=subprocess.STDOUT,
            check=False,
        )
        os.close(said)
        if ended.returncode:
            text = (self._folder / "said").read_text(encoding="utf-8").strip()
            raise RuntimeError(f"{program} must work, did not: {text}")


def _user() -> str | None:
    """Return as whom the server runs; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    import pwd

    known = {one.pw_name for one in pwd.getpwall()}
    return next(user for user in USERS if user in known)
