"""An append-only file of lines that never stops those who write to it.

Each line goes to the system by itself, so that a reader sees it at once and a crash loses none.
Where the system refuses (the disk is full, the mount is gone), the line is dropped, one warning
is given, and the next line is tried as if nothing had been. Rotation is left to the system: move
the file away, then have it opened again (`reopen`), as logrotate does.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

MODE: Final = 0o640
"""Positions are nobody's business: readable for the owner and the group only."""

_LOGGER: Final = logging.getLogger(__name__)


class LogFile:
    """One file, appended to line by line.

    Raises:
        OSError: the file cannot be opened.

    """

    def __init__(self, path: str | Path, *, warn: Callable[[str], None] = _LOGGER.warning) -> None:
        self.path = Path(path)
        self._warn = warn
        self._fd: int | None = self._open()
        self._has_warned = False
        self._is_torn = False
        """The last line ended in its middle."""
        self._shall_reopen = False

    def write(self, line: bytes) -> bool:
        """Append a line, which must end in a newline; returns whether it was written."""
        if self._shall_reopen:
            self._shall_reopen = False
            self._reopen()
        if self._fd is None:
            return False
        rest = b"\n" + line if self._is_torn else line
        whole = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            # A part that was written would spoil the line that follows.
            self._is_torn = self._is_torn or len(rest) < whole
            self._complain(error)
            return False
        self._is_torn = False
        return True

    def reopen(self) -> None:
        """Have the path opened anew before the next line; safe in a signal handler."""
        self._shall_reopen = True

    def close(self) -> None:
        """Close the file; what is written afterwards is dropped."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)

    def _reopen(self) -> None:
        try:
            fd = self._open()
        except OSError as error:
            # The old file may have been moved, but it is a file.
            self._complain(error)
            return
        self.close()
        self._fd = fd
        self._has_warned = self._is_torn = False

    def _complain(self, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            why = (error.strerror or str(error)).lower()
            self._warn(f"cannot write to the log {self.path}: {why}; lines are lost until it works")
