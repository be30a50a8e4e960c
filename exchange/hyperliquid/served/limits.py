"""Who may ask how often: weight by network address, requests by account.

The first is a bucket that refills within a minute and answers 429. The second is a ledger over an
account's life: so many requests to begin with, and one for each unit of quote currency traded;
one that has none left may still send one request every ten seconds. Both minutes and seconds are
the market's.

Source: Hyperliquid documentation, "Rate limits and user limits".
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from exchange.units import MINUTE, SECOND, Nanos

IP_WEIGHT: Final = 1200
"""Weight a minute that one network address may use."""
FREE_REQUESTS: Final = 10_000
CANCEL_EXTRA: Final = 100_000
DRIP: Final = 10 * SECOND
"""A limited account may send one request in this time."""
EXPIRED_COST: Final = 5
"""Requests that an action costs which arrives after its own expiry."""
BATCH_MAX: Final = 200

LIGHT: Final = frozenset({
    "l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState",
    "exchangeStatus",
})  # fmt: skip
PER_TWENTY: Final = frozenset({
    "recentTrades", "historicalOrders", "userFills", "userFillsByTime", "fundingHistory",
    "userFunding", "nonUserFundingUpdates", "twapHistory", "userTwapSliceFills",
})  # fmt: skip


def info_weight(kind: str) -> int:
    """Return the weight of an information request, its answer's length apart."""
    if kind in LIGHT:
        return 2
    return 60 if kind == "userRole" else 20


def rows_weight(kind: str, rows: int) -> int:
    """Return the further weight of an answer of so many rows."""
    if kind in PER_TWENTY:
        return rows // 20
    return rows // 60 if kind == "candleSnapshot" else 0


def action_weight(items: int) -> int:
    """Return the weight of an action with so many items."""
    return 1 + items // 40


class Bucket:
    """The weight that one network address has left."""

    def __init__(self, per_minute: int, now: Nanos) -> None:
        """Start full; 0 a minute means without limit."""
        self._per_minute: Final = per_minute
        self._level = float(per_minute)
        self._at = now

    def take(self, weight: int, now: Nanos) -> bool:
        """Use weight; return False, using none, where not so much is left."""
        if not self._per_minute:
            return True
        self._fill(now)
        if self._level < weight:
            return False
        self._level -= weight
        return True

    def charge(self, weight: int, now: Nanos) -> None:
        """Use weight that is known only after the answer; the level may fall below zero."""
        self._fill(now)
        self._level -= weight

    def _fill(self, now: Nanos) -> None:
        gained = (now - self._at) * self._per_minute / MINUTE
        self._level = min(float(self._per_minute), self._level + gained)
        self._at = now


@dataclass(slots=True)
class Ledger:
    """The requests of one account."""

    granted: int = FREE_REQUESTS
    """Before anything was traded."""
    used: int = 0
    reserved: int = 0
    """Bought beforehand."""
    volume: Decimal = Decimal(0)
    """Traded so far, in quote currency."""
    drips_at: Nanos = 0
    """When a limited account may send again."""

    @property
    def cap(self) -> int:
        """Return how many requests are granted by now."""
        return self.granted + int(self.volume)

    def take(self, count: int, now: Nanos, *, cancels: bool) -> str:
        """Use so many requests; return the venue's refusal, empty if they are granted.

        A refused action uses none and does not put off the next one.
        """
        cap = self.cap
        limit = min(cap + CANCEL_EXTRA, 2 * cap) if cancels else cap
        if self.used + count > limit + self.reserved:
            # A batch of n counts n, so that only a single request is one.
            if count > 1 or now < self.drips_at:
                return (
                    f"Too many cumulative requests sent ({self.used + count} > {limit}) for "
                    f"cumulative volume traded ${self.volume:.2f}. Place taker orders to free up "
                    "1 request per USDC traded."
                )
            self.drips_at = now + DRIP
        self.used += count
        return ""
