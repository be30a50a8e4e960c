"""Reads single keys from a terminal without waiting for the end of a line.

Where stdin is no terminal, or the platform has no `termios`, no key is ever pressed and only
Ctrl-C ends a run.
"""

import os
import select
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

if sys.platform != "win32":
    import termios
    import tty


class Keys:
    """A terminal in character mode while the block runs; its old mode comes back whatever ends it.

    Ctrl-C stays a signal.
    """

    def __init__(self) -> None:
        self._fd: int | None = None
        if sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty():
            self._fd = sys.stdin.fileno()
        self._open = self._fd is not None

    def __enter__(self) -> Self:
        """Switch the terminal to character mode."""
        if sys.platform != "win32" and self._fd is not None:
            self._mode = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSADRAIN)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the terminal."""
        if sys.platform != "win32" and self._fd is not None:
            # One that has gone away needs none.
            with suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._mode)

    def pressed(self, timeout_s: float) -> str:
        """Return the keys pressed, waiting for the first at most `timeout_s`; empty for none."""
        if self._fd is None or not self._open:
            if timeout_s > 0:
                time.sleep(timeout_s)
            return ""
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return ""
        typed = os.read(self._fd, 64)
        # An end of file stays readable for ever; asking again would spin.
        self._open = bool(typed)
        return typed.decode("utf-8", "ignore")
