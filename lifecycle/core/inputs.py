"""What the order manager is told, checked before anything is done with it.

A float where units are counted, or an id that is a number, is no error that shows by itself: it
would be decided by, sent, and recorded, and a journal that holds it could not be read again. So a
number must be an int and nothing like it (not of numpy, not a bool). Nothing has happened where one
of these is refused. Reports are checked when they are made (`exchange.typed`).
"""

from collections.abc import Mapping
from typing import Any, Final

from exchange.commands import Cancel, Modify, Place
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import MINUTE, Nanos, Price
from exchange.venue import Capabilities
from exchange.words import Outcome
from lifecycle.core.ahead import is_ahead
from lifecycle.core.desk import FOREVER
from spec.trace import Target, Targets

AHEAD_MAX: Final = 24 * 60 * MINUTE
"""No two clocks differ by so much: one of the times is in other units, and no market would ever be
an old one. That is said by `FOREVER`, where it is meant."""

LARGEST: Final = 1 << 62
"""Of any number: a journal holds what has 64 bits, and sums of a few must have no more."""

# Compiled, a name from another module is looked up whenever it is used; a constant is not.
_TARGET: Final = Target
_UNITS: Final = "a whole number of price units, an int"
_TIME: Final = "whole nanoseconds, an int"


def check_made_of(instrument: object, capabilities: object, session: object) -> None:
    """Check what an order manager is made of, its configuration apart; raises TypeError."""
    if not isinstance(instrument, Instrument):
        raise TypeError(f"instrument must be an Instrument, was {instrument!r}")
    if not isinstance(capabilities, Capabilities):
        raise TypeError(f"capabilities must be Capabilities, was {capabilities!r}")
    check_session(session)


def check_session(session: object) -> None:
    """Check that the prefix of cloids is one; raises TypeError."""
    if type(session) is not str:
        raise TypeError(f"session must be a str, was {session!r}")


def check_now(now: object) -> None:
    """Check that a time is one; raises TypeError."""
    if type(now) is not int:
        raise TypeError(f"now must be {_TIME} (time.time_ns() gives them), was {now!r}")
    if now > LARGEST:
        raise ValueError(f"now must be in nanoseconds, in this century or the next, was {now}")


def check_market(market: object, now: Nanos) -> None:
    """Check that a market is in units; raises TypeError, and ValueError for one of the future."""
    if not isinstance(market, Market):
        raise TypeError(f"market must be an exchange.market.Market, was {market!r}")
    # Compiled, what is read of a Market is checked without a word about where it stands.
    told: Any = market
    at: object = told.at
    bid: object = told.bid
    ask: object = told.ask
    volatility: object = told.volatility
    queues: object = told.queues
    if type(at) is not int:
        raise _wrong(market, "at", _TIME)
    if at > now + AHEAD_MAX and at != FOREVER:
        raise ValueError(
            f"Market.at must not be a day after now, both in nanoseconds, was {at} at {now}"
        )
    if bid is not None and type(bid) is not int:
        raise _wrong(market, "bid", _UNITS)
    if ask is not None and type(ask) is not int:
        raise _wrong(market, "ask", _UNITS)
    if type(volatility) is not int:
        raise _wrong(market, "volatility", "whole millionths of a basis point, an int")
    if max(bid or 0, ask or 0, volatility) > LARGEST:
        raise ValueError(f"Market must have no number above {LARGEST}, was {market!r}")
    if not isinstance(queues, Mapping):
        raise _wrong(market, "queues", "places in their queues by cloid")


def check_targets(targets: object) -> None:
    """Check that targets are best first, bids below asks; raises ValueError or TypeError."""
    if not isinstance(targets, Targets):
        raise TypeError(f"targets must be a Targets(bids, asks), was {targets!r}")
    told: Any = targets
    _check_side("bids", told.bids, buys=True)
    _check_side("asks", told.asks, buys=False)
    bids, asks = targets.bids, targets.asks
    if bids and asks and bids[0].price >= asks[0].price:
        raise ValueError(f"bids must stay below asks, was {bids[0].price} and {asks[0].price}")


def _check_side(name: str, wanted: object, *, buys: bool) -> None:
    if type(wanted) is not tuple:
        # What may be changed later would be taken for what was looked at before.
        raise TypeError(f"{name} must be a tuple of Targets, was {wanted!r}")
    before: Price = 0
    for target in wanted:
        if not isinstance(target, _TARGET):
            raise TypeError(f"{name} must be a tuple of Targets, was {target!r} in it")
        # Compiled, a field that is read as the int it should be is taken apart and made again, and
        # what is no int is refused by words that name neither place nor value.
        told: Any = target
        price: object = told.price
        qty: object = told.qty
        if type(price) is not int or type(qty) is not int:
            # A price of a float would go to the venue as units, and off by any factor.
            raise TypeError(f"{name} must have whole price units and lots, was {target}")
        if price <= 0 or qty <= 0:
            raise ValueError(f"{name} must have a positive price and size, was {target}")
        if price > LARGEST or qty > LARGEST:
            raise ValueError(f"{name} must have no number above {LARGEST}, was {target}")
        if before > 0 and not is_ahead(before, price, buys=buys):
            raise ValueError(
                f"{name} must be best first and each price once, was {price} after {before}"
            )
        before = price


def check_request(command: object, outcome: object) -> None:
    """Check that these are a request and what became of it; raises TypeError."""
    if not isinstance(command, Place | Modify | Cancel):
        # A query has no such end: the timers ask again.
        raise TypeError(f"command must be a Place, Modify or Cancel, was {command!r}")
    if not isinstance(outcome, Outcome):
        raise TypeError(f"outcome must be a member of Outcome, was {outcome!r}")


def _wrong(market: Market, field: str, rule: str) -> TypeError:
    value = getattr(market, field)
    return TypeError(f"Market.{field} must be {rule}, was {value!r} in {market!r}")
