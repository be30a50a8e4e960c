"""What a converge has come to, in words and in human units, for the bot that asked for it."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from exchange.instrument import Instrument
from exchange.units import Price, Qty
from exchange.words import Cloid, Side
from lifecycle.explain.words import REASONS
from spec.trace import Action, Decision, Plan, Reason

LASTING: Final = frozenset(
    {
        Reason.BREAKER,
        Reason.COLLAR,
        Reason.EXPOSURE,
        Reason.INVALID,
        Reason.LIMITED,
        Reason.SIZE,
        Reason.STALE_MARKET,
    }
)
"""Why a quote has no order for as long as nobody does something about it."""


class Decided(Struct, frozen=True):
    """What was decided about one order, or about one quote that has none."""

    action: Action
    reason: Reason
    side: Side
    level: int
    """Of the quote, 0 nearest the touch; -1 where none wants the order."""
    price: Decimal | None
    """Of the order as it rests; None without one."""
    qty: Decimal | None
    """What remains of it."""
    target: Decimal | None
    """The price that is wanted, after the grid; None where nothing is."""
    target_qty: Decimal | None
    cloid: Cloid | None

    def __str__(self) -> str:
        """Return it as one line."""
        side = "bid" if self.side is Side.BUY else "ask"
        rests = "" if self.price is None else f" {self.qty} at {self.price}"
        wants = "" if self.target is None else f" {self.target_qty} at {self.target}"
        both = " for" if rests and wants and self.action is not Action.PLACE else ""
        if self.action is Action.PLACE:
            rests = ""
        return f"{self.action.value} {side}{rests}{both}{wants}: {REASONS[self.reason]}"


class Converged(Struct, frozen=True):
    """One cycle: every order and every quote, each with what was decided and why."""

    plan: Plan
    """The same in the core's words, with the commands that were sent."""
    decisions: tuple[Decided, ...]

    @property
    def kept(self) -> tuple[Decided, ...]:
        """Orders that rest as they are, and that is wanted."""
        return self._with(Action.KEEP)

    @property
    def modified(self) -> tuple[Decided, ...]:
        """Orders whose change was sent."""
        return self._with(Action.MODIFY)

    @property
    def placed(self) -> tuple[Decided, ...]:
        """Quotes whose order was sent."""
        return self._with(Action.PLACE)

    @property
    def cancelled(self) -> tuple[Decided, ...]:
        """Orders whose cancellation was sent."""
        return self._with(Action.CANCEL)

    @property
    def waiting(self) -> tuple[Decided, ...]:
        """Orders and quotes for which something else is wanted that may not be sent now."""
        return self._with(Action.WAIT)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return sum(d.action not in (Action.KEEP, Action.WAIT) for d in self.decisions)

    def _with(self, action: Action) -> tuple[Decided, ...]:
        return tuple(decided for decided in self.decisions if decided.action is action)

    def __str__(self) -> str:
        """Return a line for each decision."""
        return "\n".join(str(decided) for decided in self.decisions)


class Unplaced:
    """Says why quotes have no order, for who reads a log: each reason of a side once."""

    def __init__(self) -> None:
        self._told: frozenset[tuple[Side, Reason]] = frozenset()

    def news(self, plan: Plan, instrument: Instrument) -> list[str]:
        """Return a line for each reason that was not there in the last cycle."""
        found = {
            (one.side, one.reason): one
            for one in plan.decisions
            if one.action is Action.WAIT and one.reason in LASTING
        }
        told, self._told = self._told, frozenset(found)
        return [str(_decided(one, instrument)) for why, one in found.items() if why not in told]


def converged(plan: Plan, instrument: Instrument) -> Converged:
    """Say a plan in human units."""
    return Converged(plan, tuple(_decided(one, instrument) for one in plan.decisions))


def _decided(decision: Decision, instrument: Instrument) -> Decided:
    return Decided(
        action=decision.action,
        reason=decision.reason,
        side=decision.side,
        level=decision.level,
        price=_price(decision.price, instrument),
        qty=_qty(decision.qty, instrument) if decision.price else None,
        target=_price(decision.target, instrument),
        target_qty=_qty(decision.target_qty, instrument) if decision.target else None,
        cloid=decision.cloid,
    )


def _price(price: Price, instrument: Instrument) -> Decimal | None:
    return price * instrument.price_unit if price else None


def _qty(qty: Qty, instrument: Instrument) -> Decimal:
    return qty * instrument.lot
