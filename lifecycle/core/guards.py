"""The guards: hard limits that stand between a decision and the venue, whatever wanted it.

A gate stops a whole cycle: nothing is quoted by a market seen too long ago, and after the kill
switch everything is withdrawn. A barrier stops one place or modify: too far from the mid, too
large, too many in a minute, too many refused in a row. No guard ever holds a cancel back.
"""

from collections import deque
from typing import Final

from exchange.market import Market
from exchange.units import MINUTE, Nanos, Price, Qty
from lifecycle.core.settings import MILLION, Settings
from spec.trace import Reason

WHOLE: Final = 10_000 * MILLION
"""A price itself, in millionths of its basis points."""
ANY_PRICE: Final = 1 << 62
FOREVER: Final[Nanos] = 1 << 62

_HALTED: Final = Reason.HALTED
_STALE_MARKET: Final = Reason.STALE_MARKET
_COLLAR: Final = Reason.COLLAR
_SIZE: Final = Reason.SIZE
_RATE: Final = Reason.RATE
_BREAKER: Final = Reason.BREAKER


class Guards:
    """What the guards remember, and the collar of the cycle at hand."""

    __slots__ = (
        "halted",
        "halted_request",
        "highest",
        "is_proven",
        "lowest",
        "patience",
        "probe_at",
        "refused",
        "seen",
        "sent",
        "settings",
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.halted = False
        """Nothing is wanted any more, until the next start."""
        self.halted_request = 0
        """The number of the last request before the halt: what was asked before proves nothing."""
        self.is_proven = False
        """Since the halt a look has found nothing of ours."""
        self.refused = 0
        """Refusals in a row."""
        self.probe_at: Nanos = 0
        """When the breaker lets the next request through, if it is open."""
        self.sent: deque[Nanos] = deque(maxlen=settings.rate_max or 1)
        """When the last requests were sent, as many as one minute may have."""
        self.seen: tuple[Price | None, Price | None] | None = None
        """The touch that the collar was taken from."""
        self.lowest: Price = 0
        self.highest: Price = ANY_PRICE
        ages = (settings.market_stale, settings.market_withdraw)
        self.patience: Nanos = min((age for age in ages if age is not None), default=FOREVER)
        """How old what we see of the market may be, to quote by it."""

    def gate(self, now: Nanos, market: Market) -> Reason | None:
        """Return why this cycle may not quote, None if it may."""
        if self.halted:
            return _HALTED
        return _STALE_MARKET if now - market.at > self.patience else None

    def withdraws(self, now: Nanos, market: Market) -> bool:
        """Say whether a cycle that may not quote takes everything back as well."""
        withdraw = self.settings.market_withdraw
        return self.halted or (withdraw is not None and now - market.at > withdraw)

    def look(self, market: Market) -> None:
        """Take the collar from the mid of the book, or from the side that it has.

        Without a book there is nothing to measure by, and no price is inside.
        """
        collar = self.settings.collar
        if collar is None or (market.bid, market.ask) == self.seen:
            return
        self.seen = (market.bid, market.ask)
        bid, ask = market.bid or market.ask, market.ask or market.bid
        if bid is None or ask is None:
            self.lowest, self.highest = 1, 0
            return
        twice = bid + ask
        self.lowest = -(-twice * (WHOLE - collar) // (2 * WHOLE))
        self.highest = twice * (WHOLE + collar) // (2 * WHOLE)

    def barrier(self, price: Price, qty: Qty, now: Nanos) -> Reason | None:
        """Return which guard holds a place or a modify back, None if it may be sent."""
        settings = self.settings
        if not self.lowest <= price <= self.highest:
            return _COLLAR
        if settings.qty_max is not None and qty > settings.qty_max:
            return _SIZE
        most, sent = settings.rate_max, self.sent
        if most is not None and len(sent) == most and sent[0] > now - MINUTE:
            return _RATE
        if self.refused and self.is_open and now < self.probe_at:
            return _BREAKER
        return None

    @property
    def is_open(self) -> bool:
        """Whether the breaker is: so much was refused in a row that one probe goes at a time."""
        most = self.settings.rejects_max
        return most is not None and self.refused >= most

    def enter(self, now: Nanos, *, cancel: bool) -> None:
        """Note a request that is sent now; with the breaker open it is the probe."""
        if self.settings.rate_max is not None:
            self.sent.append(now)
        if not cancel and self.refused and self.is_open:
            self.probe_at = now + self.settings.reject_pause

    def refuse(self, now: Nanos) -> None:
        """Note that the venue refused a place or a modify."""
        self.refused += 1
        if self.is_open:
            self.probe_at = now + self.settings.reject_pause

    def accept(self) -> None:
        """Note that the venue took a place or a modify."""
        self.refused = 0

    def halt(self, request: int) -> None:
        """Want nothing any more; `request` is the number of the last request so far."""
        if not self.halted:
            self.halted = True
            self.halted_request = request
            self.is_proven = False

    def release(self) -> None:
        """Start again."""
        self.halted = self.is_proven = False
