"""A venue whose client dies on its way to it: nothing, a part, or all of what it sends arrives."""

from collections.abc import Sequence

from exchange.commands import Cancel, Command, Modify, Place
from exchange.instrument import Instrument
from exchange.paper.venue import PaperVenue
from exchange.units import Nanos
from exchange.venue import Capabilities, Received
from lifecycle.soak.plan import Crash, Where


class DiedError(Exception):
    """The process is dead: whatever it was about to do does not happen."""


class MortalVenue:
    """A paper venue that the process dies at when it was told to."""

    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue
        self.crash: Crash | None = None
        """How it dies at the next request, None: it does not."""

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self._venue.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self._venue.capabilities

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Send commands, as far as the process lives to send them; raises DiedError."""
        crash = self.crash
        if crash is None or now < crash.at or crash.where is Where.IDLE or not _changes(commands):
            self._venue.submit(commands, now)
            return
        leaving = len(commands)
        if crash.where is Where.BEFORE:
            leaving = 0
        elif crash.where is Where.MIDDLE:
            leaving = min(leaving - 1, int(leaving * crash.share) + 1)
        if leaving:
            self._venue.submit(commands[:leaving], now)
        raise DiedError

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us."""
        return self._venue.poll(now)


def _changes(commands: Sequence[Command]) -> bool:
    """Say whether anything but questions is sent: dying at those is no risk."""
    return any(isinstance(command, Place | Modify | Cancel) for command in commands)
