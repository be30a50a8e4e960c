"""Nonces of one signer: milliseconds that only go up, over restarts and clocks set back.

The venue takes a nonce once, and only near its own time. Each nonce is the clock's time, or one
more than the last if the clock has not moved on. To survive this process, a file holds a ceiling:
no nonce above it has been used. It is raised in steps of some seconds, before the first nonce
above it is handed out, so that it is written rarely; a restart begins above the ceiling, some
seconds ahead of the clock, which the venue's window of a day allows.

The file is an SQLite database in WAL mode that is not synced at each step: when this process dies,
however it does, what was written is kept. When the machine loses its power the newest ceiling may
be lost; it is then the clock that keeps nonces apart, since no machine starts again within the
step. Should even that fail, the venue refuses the repeated nonce: nothing is ever executed twice.
So a disk that takes no ceiling any more is said, and keeps nobody from cancelling.
Another process that opens the file is refused, as two would hand out the same.

A nonce also settles what became of a request that got no answer: an action that does nothing is
sent under the same nonce, and the venue takes one of the two.
"""

import enum
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from exchange.hyperliquid.codec_words import DUPLICATE_NONCE, find_error
from exchange.hyperliquid.signing import Key, sign_request
from exchange.hyperliquid.wire import ExchangeReply, ExchangeRequest, Noop

STEP_MS: Final = 5_000
"""How far the ceiling is raised above the nonce that needs it."""
AHEAD_MS_MAX: Final = (24 * 60 - 5) * 60_000
"""How far a nonce may be ahead of the clock: the venue's day, less its measured margin."""


_OPENING: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "BEGIN EXCLUSIVE",
    "CREATE TABLE IF NOT EXISTS nonces (ceiling INTEGER NOT NULL)",
    "INSERT INTO nonces SELECT 0 WHERE NOT EXISTS (SELECT * FROM nonces)",
    "COMMIT",
)


class NonceError(ValueError):
    """No nonce can be had that the venue would take; one line says why, and what to do."""


class Nonces:
    """Hands out the nonces of one signer, whose file it holds until closed."""

    def __init__(self, path: str | Path, clock_ms: Callable[[], int]) -> None:
        """Take the file over, which may be missing; `clock_ms` tells the wall-clock time.

        Raises NonceError where another process holds it or where it is no such file.
        """
        self._path: Final = path
        self._clock_ms: Final = clock_ms
        self._mutex: Final = threading.Lock()
        self._database: Final = _open(path)
        ceiling: int = self._database.execute("SELECT ceiling FROM nonces").fetchone()[0]
        self._ceiling = ceiling
        self._last = self._ceiling
        self.unkept = ""
        """Why the ceiling could not be raised, empty while it could; nonces are given anyway."""

    def next(self) -> int:
        """Return a nonce that was never returned before, by this process or one before it.

        Raises NonceError where it would be too far ahead of the clock for the venue.
        """
        with self._mutex:
            now = self._clock_ms()
            nonce = max(self._last + 1, now)
            if nonce - now > AHEAD_MS_MAX:
                raise NonceError(
                    f"a nonce must be within a day of the clock, was {nonce} at {now}: one of the "
                    f"two is wrong; set the clock, or use another key with another file than "
                    f"{self._path}"
                )
            if nonce > self._ceiling:
                self._raise(nonce + STEP_MS)
            self._last = nonce
            return nonce

    def close(self) -> None:
        """Let another process have the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _raise(self, ceiling: int) -> None:
        """Raise the ceiling; where that cannot be written, `unkept` says why."""
        try:
            self._database.execute("UPDATE nonces SET ceiling = ?", (ceiling,))
        except sqlite3.Error as error:
            # A nonce that the next process repeats is refused by the venue; an order that cannot
            # be cancelled, for want of a nonce, is worse.
            self.unkept = f"{self._path} must be writable, was not: {error}; make room on the disk"
            return
        self._ceiling = ceiling


def _open(path: str | Path) -> sqlite3.Connection:
    """Return the database, locked until it is closed; raises NonceError."""
    try:
        database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise NonceError(f"{path} must be a file in a folder, was not: {error}") from error
    try:
        for statement in _OPENING:
            database.execute(statement)
    except sqlite3.OperationalError as error:
        database.close()
        raise NonceError(
            f"{path} must be a file for one process, was in use or cannot be written ({error}): "
            "give each process a key and a file of its own"
        ) from error
    except sqlite3.DatabaseError as error:
        database.close()
        raise NonceError(f"{path} must hold nonces, did not: {error}") from error
    return database


class Settlement(enum.Enum):
    """What the noop under a request's nonce has shown."""

    NEVER = "never"
    """The noop used the nonce: the request was not executed, and never will be."""
    ARRIVED = "arrived"
    """The request had used it: it was executed or refused, and queries show which."""
    UNKNOWN = "unknown"


def settling_noop(
    key: Key, nonce: int, *, vault: str | None = None, mainnet: bool
) -> ExchangeRequest:
    """Return the request that uses up a nonce, if the one that was sent under it has not."""
    return sign_request(key, Noop(), nonce, vault=vault, mainnet=mainnet)


def settlement(reply: ExchangeReply) -> Settlement:
    """Return what the answer to such a noop proves.

    A nonce that is too low proves nothing: it may have been used and forgotten.
    """
    if reply.status == "ok":
        return Settlement.NEVER
    row = find_error(reply.response) if isinstance(reply.response, str) else None
    if row is not None and row.reason == DUPLICATE_NONCE:
        return Settlement.ARRIVED
    return Settlement.UNKNOWN
