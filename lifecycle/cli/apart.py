"""Says what is to be said in a thread of its own: a terminal may take nothing for hours.

Ctrl-S stops one, and so does a connection that hangs: whoever writes to it then waits. A bot that
waited would look at no market, hear of no fill and see no kill switch while its orders rest.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

WAITING_MAX: Final = 1_000
"""What waits to be said beyond this is left unsaid."""


class Apart:
    """Does one thing after the other, apart from who asks for it, until it is closed."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._failure: OSError | None = None
        self._is_idle = threading.Event()
        self._is_idle.set()
        # A thread that is stuck for good must not keep the process.
        self._thread = threading.Thread(target=self._work, name="display", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether something is being done, or waits to be; not after a failure."""
        if self._failure is not None:
            return False
        return not (self._is_idle.is_set() and self._waiting.empty())

    def do(self, what: Callable[[], None]) -> None:
        """Have it done; raises the OSError with which something before it has failed."""
        if self._failure is not None:
            raise self._failure
        if self._waiting.qsize() < WAITING_MAX:
            self._waiting.put(what)

    def close(self, timeout_s: float) -> bool:
        """Wait until all is done; False where that takes longer than `timeout_s`."""
        self._waiting.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (what := self._waiting.get()) is not None:
            self._is_idle.clear()
            try:
                what()
            except OSError as error:
                self._failure = error
                return
            finally:
                self._is_idle.set()
