"""The quoter for bots without a loop: the same calls, which block until they have come to an end.

The event loop runs in a thread of its own, so that reports and timers are looked after while the
bot thinks. A bot that is interrupted in the middle of a call (Ctrl-C) leaves the call to the
thread: what was begun is finished there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, suppress
from types import TracebackType
from typing import Any, Final, TypeVar

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.venue import LiveVenue
from lifecycle.config import STABLE, Config
from lifecycle.dropin.connecting import Connecting, Options
from lifecycle.dropin.converged import Converged
from lifecycle.dropin.given import check_config, check_venue
from lifecycle.dropin.quoter import Quoter, StoppedError
from lifecycle.dropin.wanted import Quote, listed

_T = TypeVar("_T")


def connect_sync(
    venue: LiveVenue | Callable[[], LiveVenue], config: Config = STABLE, **options: Any
) -> "ConnectingSync":
    """Join a venue and a configuration, to be entered: `with … as quoter`.

    `options` are those of `connect`. A venue that has to be opened (an asynchronous context
    manager) is opened and closed in the thread, which nobody else could do; one that cannot be
    made outside of a running loop is given as a function that makes it. Raises TypeError or
    ValueError for options that cannot be.
    """
    check_config(config)
    if not callable(venue):
        check_venue(venue)
    return ConnectingSync(venue, config, Options(**options))


class SyncQuoter:
    """A quoter whose calls block; see `lifecycle.dropin.quoter.Quoter`."""

    def __init__(self, quoter: Quoter, loop: asyncio.AbstractEventLoop) -> None:
        """Speak to a quoter that runs in `loop`, in another thread."""
        self._quoter: Final = quoter
        self._loop: Final = loop

    def ready(self, timeout_s: float = 60.0) -> None:
        """Wait until record and venue agree; as `Quoter.ready`."""
        self._run(self._quoter.ready(timeout_s))

    def converge(
        self, bids: Iterable[Quote], asks: Iterable[Quote], *, answered: bool = False
    ) -> Converged:
        """Decide and send one cycle; as `Quoter.converge`."""
        return self._run(self._quoter.converge(listed(bids), listed(asks), answered=answered))

    def pause(self, timeout_s: float) -> bool:
        """Wait until the next converge is due; as `Quoter.pause`."""
        return self._run(self._quoter.pause(timeout_s))

    def withdraw(self, timeout_s: float = 30.0) -> None:
        """Take everything off the book and wait for the proof; as `Quoter.withdraw`."""
        self._run(self._quoter.withdraw(timeout_s))

    def heard(self, fill: object) -> None:
        """Hand over a fill that the bot has heard of; as `Quoter.heard`."""
        self._run(self._call(lambda: self._quoter.heard(fill)))

    def market(self) -> Market:
        """Return the book as it is seen now."""
        return self._run(self._call(self._quoter.market))

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self._quoter.instrument

    @property
    def position(self) -> int:
        """Signed sum of the fills heard of, in lots."""
        return self._quoter.position

    async def _call(self, what: Callable[[], _T]) -> _T:
        return what()

    def _run(self, what: Coroutine[Any, Any, _T]) -> _T:
        if self._loop.is_closed():
            what.close()
            raise StoppedError("the quoter must run to do this: use it inside its `with`")
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()


class ConnectingSync:
    """What `connect_sync` returns: to be entered once."""

    def __init__(
        self,
        venue: LiveVenue | Callable[[], LiveVenue],
        config: Config,
        options: Options,
    ) -> None:
        """Keep what is needed to start; use `connect_sync`."""
        self._venue = venue
        self._config = config
        self._options = options
        self._started: Future[tuple[Quoter, asyncio.AbstractEventLoop]] = Future()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="lifecycle quoter")
        self._life: Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._leave: asyncio.Event | None = None
        self._error: BaseException | None = None
        self._is_given_up = False
        """Whoever entered has been interrupted, and will not leave."""

    def __enter__(self) -> SyncQuoter:
        """Start the thread and the quoter; raises what `connect` raises."""
        if self._life is not None:
            raise StoppedError("a connection must be entered once; call connect_sync again")
        self._life = self._pool.submit(lambda: asyncio.run(self._main()))
        self._pool.shutdown(wait=False)
        begun: tuple[Future[Any], ...] = (self._started, self._life)
        with ExitStack() as undo:
            undo.callback(self._give_up)
            wait(begun, return_when=FIRST_COMPLETED)
            if not self._started.done():
                self._life.result()
            quoter, self._loop = self._started.result()
            undo.pop_all()
        return SyncQuoter(quoter, self._loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the quoter as `connect` does, and end the thread."""
        self._error = error
        assert self._life is not None, "only what was entered is left"
        assert self._leave is not None, "only what was entered is left"
        self._loop.call_soon_threadsafe(self._leave.set)
        self._life.result()

    def _give_up(self) -> None:
        """Have the thread end, from outside of it, wherever it is: Python waits for it."""
        self._is_given_up = True
        task = self._task
        if task is not None:
            with suppress(RuntimeError):  # its loop has ended already
                task.get_loop().call_soon_threadsafe(task.cancel)

    async def _main(self) -> None:
        self._leave = asyncio.Event()
        self._task = asyncio.current_task()
        if self._is_given_up:
            return
        venue = self._venue() if callable(self._venue) else self._venue
        async with AsyncExitStack() as stack:
            if isinstance(venue, AbstractAsyncContextManager):
                await stack.enter_async_context(venue)
            connecting = Connecting(venue, self._config, self._options)
            quoter = await connecting.__aenter__()
            try:
                self._started.set_result((quoter, asyncio.get_running_loop()))
                await self._leave.wait()
            finally:
                error = self._error
                await connecting.__aexit__(
                    None if error is None else type(error),
                    error,
                    None if error is None else error.__traceback__,
                )
