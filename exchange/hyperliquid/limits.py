"""What we may ask of Hyperliquid: a weight per minute by IP address, and requests by account.

The first is counted here, since the venue does not say how much is left, and refuses by HTTP 429
without having looked at the request. Questions leave a reserve of it to actions. The second is
the venue's own count (`userRateLimit`): it is asked for at the start and from time to time, and
what is sent is added in between. It is not enforced here: whoever decides what to send
does (the quota layer of the order manager, which `Allowance` is made for).

Source: Hyperliquid documentation, "Rate limits and user limits".
"""

from collections import deque
from decimal import Decimal
from typing import Final

from msgspec import Struct

from exchange.hyperliquid.wire_info import (
    AllMids,
    GetClearinghouseState,
    GetExchangeStatus,
    GetL2Book,
    GetOrderStatus,
    GetSpotClearinghouseState,
    GetUserFills,
    GetUserRole,
    HistoricalOrders,
    InfoRequest,
    UserFillsByTime,
    UserRateLimit,
)
from exchange.units import MINUTE, Nanos

WEIGHT_MAX: Final = 1200
"""A minute, for one IP address."""
RESERVE: Final = 300
"""Of that, what questions leave to actions."""
ITEMS_PER_WEIGHT: Final = 40
ROWS_PER_WEIGHT: Final = 20
CANCEL_EXTRA: Final = 100_000
"""Cancels are granted at most so many above the cap of requests."""

_LIGHT: Final = (
    GetL2Book,
    AllMids,
    GetClearinghouseState,
    GetOrderStatus,
    GetSpotClearinghouseState,
    GetExchangeStatus,
)
_BY_ROW: Final = (GetUserFills, UserFillsByTime, HistoricalOrders)


def weight_of_action(items: int) -> int:
    """Return what an action with so many orders or cancels weighs."""
    return 1 + items // ITEMS_PER_WEIGHT


def weight_of(question: InfoRequest) -> int:
    """Return what a question weighs, its answer's length apart."""
    if isinstance(question, _LIGHT):
        return 2
    return 60 if isinstance(question, GetUserRole) else 20


def weight_of_rows(question: InfoRequest, rows: int) -> int:
    """Return what the length of an answer adds."""
    return rows // ROWS_PER_WEIGHT if isinstance(question, _BY_ROW) else 0


class IpLedger:
    """What this machine has asked within the last minute."""

    def __init__(self, weight_max: int = WEIGHT_MAX, *, per: Nanos = MINUTE) -> None:
        """Allow `weight_max` within each span of `per`."""
        self.weight_max: Final = weight_max
        self._per: Final = per
        self._spent: Final[deque[tuple[Nanos, int]]] = deque()
        self._used = 0
        self._refused_until: Nanos = 0

    def used(self, now: Nanos) -> int:
        """Return the weight spent within the last minute."""
        spent = self._spent
        while spent and spent[0][0] <= now - self._per:
            self._used -= spent.popleft()[1]
        return self._used

    def spend(self, weight: int, now: Nanos) -> None:
        """Note what is sent."""
        self._spent.append((now, weight))
        self._used += weight

    def refused(self, now: Nanos, pause: Nanos) -> None:
        """Note that the venue counts otherwise than we do: nothing is to be asked for a while."""
        self._refused_until = max(self._refused_until, now + pause)

    def wait(self, weight: int, now: Nanos, *, reserve: int = 0) -> Nanos:
        """Return how long `weight` must wait so that `reserve` is left afterwards; 0: it need not.

        What weighs more than is ever allowed waits until nothing else has been sent. What leaves a
        reserve also waits where the venue has refused something; the rest is for it to judge.
        """
        pause = max(0, self._refused_until - now) if reserve else 0
        allowed = max(weight, self.weight_max - reserve)
        over = self.used(now) + weight - allowed
        for at, spent in self._spent:
            if over <= 0:
                break
            over -= spent
            pause = max(pause, at + self._per - now)
        return pause


class Allowance(Struct, frozen=True):
    """Requests of an account: made, and allowed in all, as the order manager's quota needs them."""

    used: int
    cap: int
    volume: Decimal
    """What was ever traded, in dollars; each earns a request."""

    @property
    def left(self) -> int:
        """Return how many requests may still be made."""
        return max(0, self.cap - self.used)

    @property
    def cancel_cap(self) -> int:
        """Return how many requests there may be in all when cancels are made."""
        return min(self.cap + CANCEL_EXTRA, 2 * self.cap)


class AddressLedger:
    """An account's requests: the venue's count, and what we have sent since."""

    def __init__(self) -> None:
        self._told: UserRateLimit | None = None
        self._since = 0
        self.limited = 0
        """How often the venue has refused for it."""

    def told(self, limit: UserRateLimit, *, sent_since: int = 0) -> None:
        """Take the venue's count; `sent_since` requests left after it was asked for."""
        self._told = limit
        self._since = sent_since

    def sent(self, requests: int) -> None:
        """Count what is sent; a batch of n counts n."""
        self._since += requests

    @property
    def since(self) -> int:
        """Return what was sent since the venue's count."""
        return self._since

    @property
    def allowance(self) -> Allowance | None:
        """Return what is used and allowed, None where the venue has not said it.

        What was bought beyond is added to what is allowed.
        """
        told = self._told
        if told is None:
            return None
        return Allowance(
            used=told.n_requests_used + self._since,
            cap=told.n_requests_cap + (told.n_requests_surplus or 0),
            volume=Decimal(told.cum_vlm),
        )
