"""A venue whose reports come in the manager's own time."""

from typing import Final

from exchange.instrument import Instrument
from exchange.units import Nanos
from exchange.venue import Capabilities, Received, Venue
from lifecycle.core.manager import OrderManager


class Monotone:
    """A venue to whose reports no earlier time is given than the manager has come to.

    So it may be after a restart where the clock was set back since.
    """

    def __init__(self, venue: Venue, manager: OrderManager) -> None:
        self._venue: Final = venue
        self._manager: Final = manager
        self.submit: Final = venue.submit

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self._venue.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self._venue.capabilities

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us, none of it before what the manager was told last."""
        last = self._manager.now
        return [
            one if one.at >= last else Received(last, one.report) for one in self._venue.poll(now)
        ]
