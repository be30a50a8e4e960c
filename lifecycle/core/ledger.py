"""L5, the hard part: what the venue still grants, and what to do when it says stop.

Two ledgers where the venue has two: places and modifies draw on the requests, cancels on their
own, larger one; what is traded earns on both. A batch of n is n, because every command is entered
by itself. When the venue refuses for quota, one probe at a time is sent, the pause doubling, until
a request is accepted.
"""

from fractions import Fraction
from typing import Final, Self

from exchange.units import SECOND, Nanos
from lifecycle.core.settings import MILLION, Settings

LIMITED_PAUSE: Final = 10 * SECOND
"""The first pause when limited: Hyperliquid lets one request in ten seconds through."""
LIMITED_PAUSE_MAX: Final = 160 * SECOND
_ONE: Final = Fraction(1)


class Ledger:
    """The request quota as far as we know it."""

    __slots__ = (
        "cancel_cap",
        "cancels",
        "cap",
        "earned",
        "limited",
        "pause",
        "probe_at",
        "rate",
        "requests",
        "traded",
    )

    def __new__(cls, *_: object, **__: object) -> Self:
        """Leave the rest to `__init__`; a copy does without it (`lifecycle.check.clone`)."""
        return super().__new__(cls)

    def __init__(self, settings: Settings, unit: Fraction = _ONE) -> None:
        """Start with what was used before; `unit` is one price unit × lot in quote currency."""
        self.cap = settings.quota_cap
        """Requests granted before anything was traded; None: no limit."""
        self.cancel_cap = settings.quota_cancel_cap
        self.requests = settings.quota_used
        """Places and modifies sent, and what was used before."""
        self.cancels = settings.quota_used
        self.rate = (unit * settings.quota_earns / MILLION).as_integer_ratio()
        """Requests that one price unit × lot earns, as numerator and denominator."""
        self.traded = 0
        """Volume heard of, in price units × lots; not kept where it earns nothing."""
        self.earned = 0
        """Whole requests, and as many cancels, that it has earned."""
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
        granted = self.cap + self.earned
        left = granted - self.requests
        return left * MILLION // granted if left > 0 else 0

    @property
    def left(self) -> int | None:
        """How many more places and modifies the ledger allows; None: no limit."""
        return None if self.cap is None else max(0, self.cap + self.earned - self.requests)

    @property
    def can_request(self) -> bool:
        """Whether the ledger allows one more place or modify."""
        return self.cap is None or self.requests < self.cap + self.earned

    @property
    def can_cancel(self) -> bool:
        """Whether the ledger allows one more cancel."""
        return self.cancel_cap is None or self.cancels < self.cancel_cap + self.earned

    def earn(self, traded: int) -> int:
        """Take in all that was traded so far, in price units × lots.

        Returns how many whole requests it has earned that were not known of.
        """
        numerator, denominator = self.rate
        if numerator == 0 or traded == self.traded:
            return 0
        self.traded = traded
        more = traded * numerator // denominator - self.earned
        self.earned += more
        return more

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

        One from `wide_below` up, `widest_factor` from `widest_below` down, linear between; always
        one where nothing is saved up.
        """
        if self.cap is None or not settings.saving:
            return MILLION
        headroom = self.headroom
        if headroom >= settings.wide_below:
            return MILLION
        if headroom <= settings.widest_below:
            return settings.widest_factor
        span = settings.wide_below - settings.widest_below
        missing = settings.wide_below - headroom
        return MILLION + (settings.widest_factor - MILLION) * missing // span
