"""`connect`: a venue and a configuration made into a quoter, and an orderly end of it.

Entering starts with questions, whatever was before: what rests, what has filled. With a journal
that is there it goes on where that ends. Leaving withdraws everything and waits for the proof,
or leaves everything where it is; either way the journal is closed and no task is left behind.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from exchange.units import seconds
from exchange.venue import LiveVenue
from lifecycle.config import STABLE, Config
from lifecycle.core.order import Order
from lifecycle.drive.driver import Driver, Sink
from lifecycle.drive.recovery import new_session
from lifecycle.drive.switch import KillSwitch
from lifecycle.dropin.clock import Clocked, clock_of
from lifecycle.dropin.given import (
    check_config,
    check_functions,
    check_is,
    check_seconds,
    check_venue,
)
from lifecycle.dropin.keeping import Begun, Keeping
from lifecycle.dropin.monotone import Monotone
from lifecycle.dropin.quoter import NotWithdrawnError, Quoter, StoppedError
from lifecycle.journal.base import Header, Journal
from lifecycle.observe.observer import Observer

log = logging.getLogger(__name__)

OnExit: TypeAlias = Literal["withdraw", "leave"]
"""What becomes of what rests when the quoter is left."""

SILENCE_S: Final = 120.0
"""A bot that has not converged for so long has no quotes that are worth believing."""


@runtime_checkable
class Configurable(Protocol):
    """A venue that some settings have no meaning for."""

    def configure(self, config: Config) -> Config:
        """Return the configuration to use; raises ValueError where there is none."""


@runtime_checkable
class Restoring(Protocol):
    """A venue that must know which orders there are, to know them again."""

    def restored(self, orders: Iterable[Order]) -> None:
        """Learn of the orders of a journal that may rest."""


@runtime_checkable
class Finishing(Protocol):
    """A venue that has something to end when nobody drives it any more."""

    async def finish(self) -> None:
        """Wait for what is under way, and let go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `connect` takes beside a venue and a configuration, checked when it is made."""

    journal: str | Path | None = None
    forward: str | None = None
    observer: Observer | None = None
    switch: KillSwitch | None = None
    sinks: Sequence[Sink] = ()
    on_exit: OnExit = "withdraw"
    exit_timeout_s: float = 30.0
    silence_s: float | None = SILENCE_S
    clock: Clocked | None = None

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for what cannot be, as `connect` does."""
        if self.on_exit not in ("withdraw", "leave"):
            raise ValueError(f"on_exit must be withdraw or leave, was {self.on_exit!r}")
        check_is("journal", self.journal, str | Path, "the name of a file")
        check_is("forward", self.forward, str, "the URL of a fleet's journal")
        check_is("observer", self.observer, Observer, "an Observer(log, metrics)")
        check_is("switch", self.switch, KillSwitch, 'a KillSwitch("file")')
        check_is("clock", self.clock, Clocked, "a Clock, which has now()")
        check_seconds("exit_timeout_s", self.exit_timeout_s)
        if self.silence_s is not None:
            check_seconds("silence_s", self.silence_s, is_positive=True)
        if not isinstance(self.sinks, Sequence):
            raise TypeError(f"sinks must be a list of functions, was {self.sinks!r}")
        for sink in self.sinks:
            check_functions(sinks=sink)
        _ = self.keeping

    @property
    def keeping(self) -> Keeping:
        """Where the journal is; raises ValueError or JournalError where it cannot be there."""
        return Keeping.of(self.journal, self.forward)


def connect(
    venue: LiveVenue,
    config: Config = STABLE,
    *,
    journal: str | Path | None = None,
    forward: str | None = None,
    observer: Observer | None = None,
    switch: KillSwitch | None = None,
    sinks: Sequence[Sink] = (),
    on_exit: OnExit = "withdraw",
    exit_timeout_s: float = 30.0,
    silence_s: float | None = SILENCE_S,
    clock: Clocked | None = None,
) -> "Connecting":
    """Join a venue and a configuration, to be entered: `async with … as quoter`.

    `venue` must be open. `journal` is a file: what is there is gone on with, and it must be of the
    same configuration; without one a crash leaves orders behind that nobody knows to be ours.
    `forward` is the URL of a fleet's journal, to which its records go as well; nothing waits for
    it. A log and metrics are in `observer`, a kill switch is `switch`, and `sinks` take every
    record after the journal and before anything is sent. On leaving everything is withdrawn, and
    that it is gone is proven within `exit_timeout_s`, or NotWithdrawnError raised; where the body
    has raised already, that goes on, with a note. `on_exit="leave"` leaves what rests, for the
    next start on the same journal. A bot that has not converged for `silence_s` has everything
    withdrawn until it does; None: never.

    Raises TypeError for what is no venue, no configuration, or not what an option takes, ValueError
    for an `on_exit` that is not there, a time that cannot be and a `forward` without a journal,
    JournalError for one that is no URL. Entering raises JournalError where the journal cannot be
    used, and ValueError where the configuration has no meaning for the venue.
    """
    return Connecting(
        venue,
        config,
        Options(
            journal=journal,
            forward=forward,
            observer=observer,
            switch=switch,
            sinks=sinks,
            on_exit=on_exit,
            exit_timeout_s=exit_timeout_s,
            silence_s=silence_s,
            clock=clock,
        ),
    )


class Connecting:
    """What `connect` returns: to be entered once."""

    def __init__(self, venue: LiveVenue, config: Config, options: Options) -> None:
        """Keep what is needed to start; use `connect`."""
        check_config(config)
        check_venue(venue)
        self._venue = venue
        self._config = config
        self._options = options
        self._journal: Journal | None = None
        self._quoter: Quoter | None = None

    async def __aenter__(self) -> Quoter:
        """Start; returns at once, `ready` waits for the first look at the venue."""
        if self._quoter is not None:
            raise StoppedError("a connection must be entered once; call connect again")
        venue = self._venue
        config = self._config
        if isinstance(venue, Configurable):
            config = venue.configure(config)
        header = Header.of_now(new_session(), venue.instrument, venue.capabilities, config)
        begun = self._options.keeping.begin(header)
        self._journal = begun.journal
        with ExitStack() as undo:
            undo.callback(self._close)
            self._quoter = quoter = self._made(begun, config)
            quoter.start(new_session(begun.session))
            undo.pop_all()
        return quoter

    def _made(self, begun: Begun, config: Config) -> Quoter:
        options, venue, observer = self._options, self._venue, self._options.observer
        if isinstance(venue, Restoring):
            venue.restored(begun.manager.open_orders.values())
        guarded = Monotone(venue, begun.manager)
        refill = config.orders.refill_s
        journals = () if begun.journal is None else (begun.journal.append,)
        driver = Driver(
            begun.manager,
            guarded,
            (*journals, *options.sinks),
            observers=() if observer is None else (observer.feed,),
            refill=None if refill is None else seconds(refill),
        )
        return Quoter(
            venue,
            driver,
            config,
            clock_of(venue) if options.clock is None else options.clock,
            observer=observer,
            switch=options.switch,
            recovery=begun.recovery,
            silence_s=options.silence_s,
            trouble=lambda: guarded.trouble,
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Withdraw or leave, and end; raises NotWithdrawnError where nothing else was raised."""
        quoter = self._quoter
        assert quoter is not None, "only what was entered is left"
        try:
            await self._end(quoter, error)
        except asyncio.CancelledError:
            log.warning("left before it was proven that nothing rests: look at the venue")
            raise
        finally:
            try:
                await self._stop(quoter)
            finally:
                self._close()

    async def _end(self, quoter: Quoter, error: BaseException | None) -> None:
        try:
            if self._options.on_exit == "leave":
                if not await quoter.settle(self._options.exit_timeout_s):
                    log.warning("left with requests unanswered: the next start asks about them")
                return
            await quoter.withdraw(self._options.exit_timeout_s, "the bot has left")
        except StoppedError as failure:
            # Nobody is there to withdraw anything.
            left = quoter.may_rest
            said = f"{failure}; may still rest: {left}" if left else str(failure)
            self._tell(StoppedError(said), failure, error)
        except NotWithdrawnError as failure:
            self._tell(failure, failure.__cause__, error)

    @staticmethod
    def _tell(failure: Exception, cause: BaseException | None, error: BaseException | None) -> None:
        """Raise a failure to leave in order; where the body has raised already, as a note to it."""
        if error is None:
            raise failure from cause
        log.error("%s", failure)
        error.add_note(str(failure))

    async def _stop(self, quoter: Quoter) -> None:
        try:
            await quoter.stop()
        finally:
            if isinstance(self._venue, Finishing):
                await self._venue.finish()

    def _close(self) -> None:
        if self._journal is not None:
            self._journal.close()
