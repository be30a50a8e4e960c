"""A venue that keeps to the contract, whatever the one behind it does.

Its reports come in the manager's own time, and a `submit` that fails has an outcome like any other
request: what was in it is unknown, and evidence decides.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from exchange.commands import Cancel, Command, Modify, Place
from exchange.instrument import Instrument
from exchange.units import Nanos
from exchange.venue import Capabilities, NoAnswer, Received, Venue
from lifecycle.caught import Caught
from lifecycle.core.manager import OrderManager
from lifecycle.dropin.calls import outcome_of

log = logging.getLogger(__name__)


class Monotone:
    """A venue to whose reports no earlier time is given than the manager has come to.

    So it may be after a restart where the clock was set back since, and where times are the
    venue's. Nor is a later one given than it is: what comes next would be of the past.
    """

    def __init__(self, venue: Venue, manager: OrderManager) -> None:
        self._venue: Final = venue
        self._manager: Final = manager
        self._lost: list[Received] = []
        """What a `submit` that has failed has left without an answer."""
        self.trouble = ""
        """Why the last `submit` that failed has failed, empty where none did."""

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self._venue.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self._venue.capabilities

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Send commands; where the venue raises, some may have left, nobody knows which."""
        call = Caught()
        with call:
            self._venue.submit(commands, now)
        if call.error is None:
            return
        self.trouble = f"submit: {call.error!r}"
        log.warning("submit has failed: %r", call.error, exc_info=call.error)
        outcome = outcome_of(call.error)
        # A question that was lost is asked again by the manager's timers.
        self._lost += (
            Received(now, NoAnswer(command, outcome))
            for command in commands
            if isinstance(command, Place | Modify | Cancel)
        )

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us, none of it before what the manager was told last.

        Raises TypeError where the venue returns something else.
        """
        told: Any = self._venue.poll(now)
        if not isinstance(told, Sequence) or not all(isinstance(one, Received) for one in told):
            raise TypeError(f"poll must return a list of Received, was {told!r}")
        # Answers that did come are told first, and end what would be unknown.
        lost, self._lost = self._lost, []
        at, received = self._manager.now, []
        for one in (*told, *lost):
            at = max(at, min(one.at, now))
            received.append(one if one.at == at else Received(at, one.report))
        return received
