"""What every peer's rule shares: a cycle of its own on our desk, and nothing else changed.

A peer decides by its published rule and sends through the same desk, so that reports, timers and
queries are handled alike, and metrics read the same decisions. Nothing is held against a peer that
its description does not say: it sees the targets, the acknowledged book and the market of the
cycle, nothing that the venue would surely refuse is sent, and where its rule cancels and places
again, both leave in one cycle unless the description has it wait.
"""

from abc import ABC, abstractmethod
from typing import Final

from exchange.commands import Command
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import BPS, Nanos, Price
from exchange.venue import Capabilities
from exchange.words import Cloid, Side
from lifecycle.config import STABLE, Config
from lifecycle.core.desk import Desk
from lifecycle.core.manager import CANCEL_REPLACE, OrderManager
from lifecycle.core.order import Order
from lifecycle.core.plan import blind_decisions
from lifecycle.core.timers import run_timers
from spec.states import Request
from spec.trace import Action, Decision, Plan, Reason, Target, Targets

SIDES: Final = (Side.BUY, Side.SELL)
_LEAVING: Final = frozenset({Request.CANCELLING, Request.CANCELLING_IN_DOUBT})


class Turn:
    """The scratch of one cycle: what a rule may look at, and the acts that it may choose."""

    def __init__(self, desk: Desk, targets: Targets, market: Market, width: float) -> None:
        self.desk = desk
        self.market = market
        self.width = width
        self.wanted: dict[Side, tuple[Target, ...]] = {
            Side.BUY: targets.bids,
            Side.SELL: targets.asks,
        }
        self.decisions: list[Decision] = []
        self.leaving = [o for o in desk.blotter.open.values() if o.request in _LEAVING]
        """Orders whose cancel is unanswered."""
        self._cancels: list[Command] = []
        self._modifies: list[Command] = []
        self._places: list[Command] = []

    @property
    def commands(self) -> tuple[Command, ...]:
        """What the rule has chosen, cancels first and places last."""
        return (*self._cancels, *self._modifies, *self._places)

    def orders(self, side: Side) -> list[Order]:
        """Return the orders of a side that are not leaving, in the order of their placing."""
        return [
            order
            for order in self.desk.blotter.open.values()
            if order.side is side and order.request not in _LEAVING
        ]

    def from_the_touch(self, side: Side) -> list[Order]:
        """Return the same, best price first."""
        return sorted(self.orders(side), key=lambda order: (-side * order.price, order.cloid))

    def band(self, target: Target) -> int:
        """Return the rule's width, in basis points of a target's price, in price units."""
        return int(self.width * target.price / BPS)

    # What a rule may do with an order.

    def keep(self, order: Order, level: int, band: int) -> None:
        """Leave an order as it is, standing for a target."""
        order.level = level
        target = self.wanted[order.side][level]
        same = order.price == target.price and order.leaves == target.qty
        reason = Reason.SAME_POINT if same else Reason.LATCHED
        self._note(order, level, Action.KEEP, reason, band)

    def wait(self, order: Order, level: int, band: int) -> None:
        """Do nothing, because a request of the order is unanswered."""
        reason = Reason.IN_DOUBT if order.is_in_doubt else Reason.IN_FLIGHT
        self._note(order, level, Action.WAIT, reason, band)

    def modify(self, order: Order, level: int, band: int) -> None:
        """Amend an idle order to its target."""
        target = self.wanted[order.side][level]
        if not self._may_be_sent(order.side, target):
            self._note(order, level, Action.WAIT, Reason.WOULD_CROSS, band)
            return
        order.level = level
        self._note(order, level, Action.MODIFY, Reason.MODIFY, band)
        self._modifies.append(self.desk.modify(order, target.price, target.qty))

    def cancel(self, order: Order, level: int, band: int) -> None:
        """Cancel an idle order; `level` is -1 where no target wants it."""
        reason = Reason.WITHDRAWN if level < 0 else Reason.REPLACE
        self._note(order, level, Action.CANCEL, reason, band)
        self._cancels.append(self.desk.cancel(order))

    # What a rule may do with a target.

    def place(self, side: Side, level: int, band: int) -> None:
        """Send an order for a target."""
        target = self.wanted[side][level]
        if not self._may_be_sent(side, target):
            self._note_level(side, level, Reason.WOULD_CROSS, band, None)
            return
        command = self.desk.place(side, target.price, target.qty, level)
        self._places.append(command)
        self._note_level(side, level, Reason.UNCOVERED, band, command.cloid)

    def leave_bare(self, side: Side, level: int, band: int) -> None:
        """Send nothing for a target yet, because what was there may still be live."""
        self._note_level(side, level, Reason.PREDECESSOR, band, None)

    def _may_be_sent(self, side: Side, target: Target) -> bool:
        """Say whether the venue would take it; what it surely refuses would only cost calls."""
        facing: Price | None = self.market.ask if side is Side.BUY else self.market.bid
        crosses = facing is not None and (target.price - facing) * side >= 0
        return not crosses and self.desk.instrument.accepts(target.price, target.qty)

    def _note(self, order: Order, level: int, action: Action, reason: Reason, band: int) -> None:
        target = Target(0, 0) if level < 0 else self.wanted[order.side][level]
        self.decisions.append(
            Decision(
                order.cloid,
                order.side,
                level,
                action,
                reason,
                order.price,
                target.price,
                order.leaves,
                target.qty,
                band,
            )
        )

    def _note_level(
        self, side: Side, level: int, reason: Reason, band: int, cloid: Cloid | None
    ) -> None:
        target = self.wanted[side][level]
        placed = cloid is not None
        self.decisions.append(
            Decision(
                cloid,
                side,
                level,
                Action.PLACE if placed else Action.WAIT,
                reason,
                target.price if placed else 0,
                target.price,
                target.qty if placed else 0,
                target.qty,
                band,
            )
        )


class PeerManager(OrderManager, ABC):
    """An order manager whose cycle is another's rule; `width` is what its frontier sweeps."""

    __slots__ = ("width",)

    def __init__(
        self,
        instrument: Instrument,
        *,
        width: float,
        config: Config = STABLE,
        capabilities: Capabilities = CANCEL_REPLACE,
        session: str = "0",
    ) -> None:
        super().__init__(instrument, config=config, capabilities=capabilities, session=session)
        self.width = width

    def cycle(self, now: Nanos, targets: Targets, market: Market) -> Plan:
        """Decide by the peer's rule; timers and blindness are as in our own."""
        desk = self._desk
        if now < desk.now:
            raise ValueError(f"now must not run backwards, was {now} after {desk.now}")
        desk.now = now
        desk.quiet = None
        queries = run_timers(desk)
        if desk.is_blind:
            return Plan(queries, tuple(blind_decisions(desk, targets)), desk.blotter.position)
        turn = Turn(desk, targets, market, self.width)
        for order in turn.leaving:
            turn.wait(order, -1, 0)
        self.decide(turn)
        commands = (*turn.commands, *queries)
        return Plan(commands, tuple(turn.decisions), desk.blotter.position)

    @abstractmethod
    def decide(self, turn: Turn) -> None:
        """Choose an act for every order and every target."""


def is_idle(order: Order) -> bool:
    """Say whether nothing of the order is unanswered, so that it may be acted on."""
    return order.request is Request.IDLE
