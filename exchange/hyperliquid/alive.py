"""The dead man's switch: the venue cancels everything unless it is told that we are well.

`scheduleCancel` names a time at which all of the account's open orders are cancelled, on all its
markets, unless another time is named before. It is moved on when less than half of the span is
left, as each time it counts as a request. The venue lets ten of them come true a day, takes none
that is due within five seconds, and none from an account that has not traded enough: that refusal
is said once, and the switch is off from then on.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from exchange.hyperliquid import wire
from exchange.hyperliquid.clock import Offset
from exchange.hyperliquid.codec_words import find_error
from exchange.units import MILLISECOND, Nanos

log = logging.getLogger(__name__)

VOLUME: Final = "volume"
"""Why an account may not use it, in the codec's words."""

Act = Callable[[wire.Action], Awaitable[wire.ExchangeReply | None]]


class Switch:
    """One account's scheduled cancellation."""

    def __init__(self, act: Act, offset: Offset, span: Nanos) -> None:
        """Schedule nothing yet; `span` is how long after a sign of health it is due."""
        self._act: Final = act
        self._offset: Final = offset
        self._span: Final = span
        self._is_asking = False
        self.armed_until: Nanos = 0
        """When everything is cancelled if we say no more, in our clock; 0: never."""
        self.refused = ""
        """Why the venue does not let us, empty while it does."""

    def is_due(self, until: Nanos) -> bool:
        """Say whether it is time to move the cancellation on to `until`."""
        if not self._span or self.refused or self._is_asking:
            return False
        return until - self.armed_until >= self._span // 2

    async def arm(self, until: Nanos) -> None:
        """Have everything cancelled at `until`."""
        if await self._schedule(self._offset.theirs(until) // MILLISECOND):
            self.armed_until = until

    async def disarm(self) -> None:
        """Have nothing cancelled, if anything was to be."""
        if self.armed_until and await self._schedule(None):
            self.armed_until = 0

    async def _schedule(self, ms: int | None) -> bool:
        self._is_asking = True
        try:
            reply = await self._act(wire.ScheduleCancel(ms))
        finally:
            self._is_asking = False
        if reply is None:
            return False
        if reply.status == "ok":
            return True
        why = str(reply.response)
        row = find_error(why)
        if row is not None and row.reason == VOLUME:
            self.refused = why
            log.error("the dead man's switch is off, the venue refuses it: %s", why)
        else:
            log.warning("the dead man's switch was not moved on: %s", why)
        return False
