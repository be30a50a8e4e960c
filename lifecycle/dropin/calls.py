"""Calling what others have written: whatever it raises is an outcome, and none may be lost.

A venue's client raises what it likes, so nothing that is caught here can be named. What was raised
is kept and told by whoever called: it says what is known of the request.
"""

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Final, TypeAlias

from exchange.words import Outcome

_Call: TypeAlias = tuple[Future[Any], Callable[..., Any], tuple[object, ...]]


class Refused(Exception):  # noqa: N818 - it is an answer, not an error
    """The venue has refused: definite, nothing came of the request.

    Of a modify, `rests` says whether the old order still does; None: the venue did not say.
    """

    def __init__(self, reason: str, *, rests: bool | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rests = rests


class NotSent(Exception):  # noqa: N818 - the same
    """The request has not left this process: definite as well."""


def outcome_of(error: BaseException) -> Outcome:
    """Return what is known of a request whose call has raised; never more than that."""
    if isinstance(error, NotSent):
        return Outcome.NOT_SENT
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT
    return Outcome.BROKEN if isinstance(error, OSError) else Outcome.SERVER_ERROR


class Worker:
    """A thread that makes calls, one after the other; one that hangs keeps no process from ending.

    The threads of an executor are waited for when Python ends, for as long as that takes.
    """

    def __init__(self, name: str) -> None:
        """Start the thread; `close` ends it."""
        self._calls: Final[SimpleQueue[_Call | None]] = SimpleQueue()
        Thread(target=self._run, name=name, daemon=True).start()

    def call(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Have a function called; returns what it will have returned, or raised."""
        future: Future[Any] = Future()
        self._calls.put((future, function, arguments))
        return future

    def close(self) -> None:
        """Make no call after those that were asked for."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function, arguments = call
            if future.set_running_or_notify_cancel():
                with _Raised(future):
                    future.set_result(function(*arguments))


class _Raised:
    """A block whose exception, whatever it is, goes to who waits for a future."""

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Hand the exception over."""
        if error is not None:
            self._future.set_exception(error)
        return True
