"""L5, the hard part: what the venue still grants, and what to do when it says stop.

Two ledgers where the venue has two: places and modifies draw on the requests, cancels on their
own, larger one. A batch of n is n, because every command is entered by itself. When the venue
refuses for quota, one probe at a time is sent, the pause doubling, until a request is accepted.
"""

from typing import Final

from exchange.units import SECOND, Nanos
from lifecycle.core.settings import MILLION, Settings

LIMITED_PAUSE: Final = 10 * SECOND
"""The first pause when limited: Hyperliquid lets one request in ten seconds through."""
LIMITED_PAUSE_MAX: Final = 160 * SECOND


class Ledger:
    """The request quota as far as we know it."""

    __slots__ = ("cancel_cap", "cancels", "cap", "limited", "pause", "probe_at", "requests")

    def __init__(self, settings: Settings) -> None:
        self.cap = settings.quota_cap
        """Requests granted; None: no limit."""
        self.cancel_cap = settings.quota_cancel_cap
        self.requests = settings.quota_used
        """Places and modifies sent, and what was used before."""
        self.cancels = settings.quota_used
        self.limited = False
        """The venue refuses requests until further notice."""
        self.pause: Nanos = LIMITED_PAUSE
        self.probe_at: Nanos = 0
        """When the next probe may be sent."""

    @property
    def headroom(self) -> int:
        """Unused share of the requests, in millionths; all of them where there is no limit."""
        if self.cap is None:
            return MILLION
        if self.cap == 0:
            return 0
        return max(0, (self.cap - self.requests) * MILLION // self.cap)

    @property
    def can_request(self) -> bool:
        """Whether the ledger allows one more place or modify."""
        return self.cap is None or self.requests < self.cap

    @property
    def can_cancel(self) -> bool:
        """Whether the ledger allows one more cancel."""
        return self.cancel_cap is None or self.cancels < self.cancel_cap

    def is_held(self, now: Nanos) -> bool:
        """Say whether the venue's refusal holds a command back now."""
        return self.limited and now < self.probe_at

    def enter(self, *, cancel: bool, now: Nanos) -> None:
        """Enter one command that is sent now; while limited it is the probe."""
        if cancel:
            self.cancels += 1
        else:
            self.requests += 1
        if self.limited:
            self.pause = min(2 * self.pause, LIMITED_PAUSE_MAX)
            self.probe_at = now + self.pause

    def refuse(self, now: Nanos) -> None:
        """Note that the venue refuses requests for quota."""
        if not self.limited:
            self.limited = True
            self.pause = LIMITED_PAUSE
            self.probe_at = now + self.pause

    def accept(self) -> None:
        """Note that a request was accepted: the venue refuses no longer."""
        self.limited = False

    def latch_factor(self, settings: Settings) -> int:
        """Return by how much the latch widens at this headroom, in millionths, 1,000,000 or more.

        One from `wide_below` up, `widest_factor` from `widest_below` down, linear between.
        """
        headroom = self.headroom
        if self.cap is None or headroom >= settings.wide_below:
            return MILLION
        if headroom <= settings.widest_below:
            return settings.widest_factor
        span = settings.wide_below - settings.widest_below
        missing = settings.wide_below - headroom
        return MILLION + (settings.widest_factor - MILLION) * missing // span
