"""One of our orders at the paper venue, and its place in the queue at its price.

Our order stands behind what was displayed when it arrived, and never changes the displayed book:
what is displayed at its price is what stands ahead of it plus what stands behind. A trade eats
from the front. A decrease that no trade explains is a cancellation, and nobody says whose; it is
split by the quantities ahead and behind, weighted by a configured share. An increase came behind.
"""

from typing import Final

from exchange.commands import Place
from exchange.queue_estimate import cut_ahead
from exchange.units import Price, Qty
from exchange.words import Cloid, Oid, Side, Status

_OPEN: Final = Status.OPEN
SHARES: Final = 1000
"""Shares are integers of so many parts, so that equal seeds make equal queues everywhere."""


class PaperOrder:
    """One of our orders; a modify that replaces it gives it a new leg."""

    __slots__ = (
        "ahead",
        "behind",
        "cloid",
        "filled",
        "filled_before",
        "is_blind",
        "oid",
        "post_only",
        "price",
        "qty",
        "reduce_only",
        "side",
        "singles",
        "status",
    )

    def __init__(
        self,
        cloid: Cloid,
        oid: Oid,
        side: Side,
        price: Price,
        qty: Qty,
        post_only: bool,
        reduce_only: bool,
    ) -> None:
        """Take what a place asks for; it has no place in a queue yet."""
        self.cloid: Final = cloid
        self.oid = oid
        self.side: Final = side
        self.price = price
        self.qty = qty
        """Of the current leg."""
        self.post_only = post_only
        self.reduce_only = reduce_only
        self.status = Status.OPEN
        self.filled: Qty = 0
        """Of the current leg."""
        self.filled_before: Qty = 0
        """Of the legs before it."""
        self.ahead: Qty = 0
        self.behind: Qty = 0
        self.is_blind = False
        """What stands at its price is beyond what is visible: the position is not known."""
        self.singles: dict[str, Qty] | None = None
        """Where orders are recorded one by one: those ahead, and what remains of each."""

    @classmethod
    def of(cls, command: Place, oid: Oid) -> "PaperOrder":
        """Make the order that a place asks for."""
        return cls(
            cloid=command.cloid,
            oid=oid,
            side=command.side,
            price=command.price,
            qty=command.qty,
            post_only=command.post_only,
            reduce_only=command.reduce_only,
        )

    @property
    def leaves(self) -> Qty:
        """Return what is still open."""
        return self.qty - self.filled if self.status is _OPEN else 0

    @property
    def life_filled(self) -> Qty:
        """Return what has filled over all legs."""
        return self.filled_before + self.filled

    def join(self, displayed: Qty | None, singles: dict[str, Qty] | None) -> None:
        """Stand at the end of the queue: behind `displayed`, or behind single orders."""
        self.singles = None if singles is None else dict(singles)
        self.behind = 0
        if singles is not None:
            self.is_blind = False
            self.ahead = sum(singles.values())
        else:
            self.is_blind = displayed is None
            self.ahead = displayed or 0

    def show(self, displayed: Qty, share_ahead: int) -> None:
        """Learn what is displayed at our price, trades deducted.

        Of a decrease, `share_ahead` parts of `SHARES` weigh what stands ahead, the others what
        stands behind: with half of them the split is in proportion.
        """
        if self.is_blind:
            # It may all have come before us; that it came after would flatter the maker.
            self.is_blind, self.ahead = False, displayed
            return
        ahead, behind = self.ahead, self.behind
        decrease = ahead + behind - displayed
        if decrease <= 0:
            self.behind = behind - decrease
            return
        weight_behind = behind * (SHARES - share_ahead)
        cut = cut_ahead(decrease, ahead, behind, ahead * share_ahead, weight_behind)
        self.ahead = ahead - cut
        self.behind = behind - (decrease - cut)

    def hit(self, traded: Qty, taken: Qty) -> Qty:
        """Let a trade at our price pass; return how much of it is ours.

        `taken` is what orders of ours that stand before this one have had of the same trade.
        """
        if self.is_blind:
            return 0
        eaten = min(self.ahead, traded)
        self.ahead -= eaten
        self.behind -= min(self.behind, traded - eaten)
        return max(0, min(self.leaves, traded - eaten - taken))

    def single(self, oid: str, qty: Qty) -> None:
        """Learn what remains of a single order; those that are not ahead do not matter."""
        singles = self.singles
        if singles is None or oid not in singles:
            return
        before = singles[oid]
        if 0 < qty <= before:
            singles[oid] = qty
            self.ahead -= before - qty
        else:
            # Gone, or grown and so behind us now.
            del singles[oid]
            self.ahead -= before
