"""An account's orders and positions as the wire shows them.

One order here is one oid: a modify makes another. Each goes by a name of its own on the paper
venue, so that a client may leave out its cloid, or use it again.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from exchange.hyperliquid.served.universe import Asset
from exchange.hyperliquid.wire import Tif
from exchange.hyperliquid.wire_info import BasicOrder, FrontendOrder, OrderRecord, WireSide
from exchange.hyperliquid.wire_socket import OrderUpdate
from exchange.units import Price, Qty
from exchange.words import Cloid, Side

MAKER_RATE: Final = Decimal("0.00015")
TAKER_RATE: Final = Decimal("0.00045")
"""Fees of the lowest tier, as shares of the notional."""
CENTS: Final = Decimal("0.000001")
"""The finest step of an amount of money that is shown."""

OPEN: Final = "open"
FILLED: Final = "filled"
CANCELLED: Final = "canceled"


def shown(value: Decimal) -> str:
    """Write a number as the venue does: without trailing zeros, but for one decimal."""
    text = f"{value:f}"
    if "." not in text:
        return text + ".0"
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


def money(value: Decimal) -> str:
    """Write an amount of quote currency, cut to what is shown of it."""
    cut = value.quantize(CENTS, rounding=ROUND_DOWN)
    # Nothing is not negative.
    return shown(cut or abs(cut))


def wire_side(side: Side) -> WireSide:
    """Write a side."""
    return "B" if side is Side.BUY else "A"


def px(asset: Asset, price: Price) -> str:
    """Write a price."""
    return shown(price * asset.instrument.price_unit)


def sz(asset: Asset, qty: Qty) -> str:
    """Write a size, or a signed position."""
    return shown(qty * asset.instrument.lot)


def notional(asset: Asset, price: Price, qty: Qty) -> Decimal:
    """Return price × size in quote currency."""
    return price * qty * (asset.instrument.price_unit * asset.instrument.lot)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order that is asked for, its numbers understood."""

    asset: Asset
    side: Side
    price: Price
    qty: Qty
    tif: Tif
    reduce_only: bool
    cloid: str | None

    @property
    def is_maker(self) -> bool:
        """Whether it must not take."""
        return self.tif == "Alo"


@dataclass(slots=True, eq=False)
class ServedOrder:
    """One order."""

    oid: int
    name: Cloid
    """On the paper venue."""
    wanted: Wanted
    placed_ms: int
    qty: Qty
    """Less than was wanted where a reduce-only order was larger than the position."""
    filled: Qty = 0
    status: str = OPEN
    status_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it rests."""
        return self.status == OPEN

    @property
    def leaves(self) -> Qty:
        """Return what has not filled."""
        return self.qty - self.filled

    def basic(self) -> BasicOrder:
        """Write the order as lists and updates show it."""
        wanted = self.wanted
        return BasicOrder(
            coin=wanted.asset.coin,
            side=wire_side(wanted.side),
            limit_px=px(wanted.asset, wanted.price),
            sz=sz(wanted.asset, self.leaves),
            oid=self.oid,
            timestamp=self.placed_ms,
            orig_sz=sz(wanted.asset, wanted.qty),
            cloid=wanted.cloid,
            reduce_only=wanted.reduce_only,
        )

    def frontend(self) -> FrontendOrder:
        """Write all that is known of the order."""
        basic = self.basic()
        return FrontendOrder(
            coin=basic.coin,
            side=basic.side,
            limit_px=basic.limit_px,
            sz=basic.sz,
            oid=basic.oid,
            timestamp=basic.timestamp,
            orig_sz=basic.orig_sz,
            reduce_only=basic.reduce_only,
            tif=self.wanted.tif,
            cloid=basic.cloid,
        )

    def record(self) -> OrderRecord:
        """Write the order with what became of it."""
        return OrderRecord(self.frontend(), self.status, self.status_ms)

    def update(self) -> OrderUpdate:
        """Write what is pushed about the order."""
        return OrderUpdate(self.basic(), self.status, self.status_ms)


@dataclass(slots=True)
class Holding:
    """A position in one asset, and what it has cost."""

    asset: Asset
    size: int = 0
    """Signed, in lots."""
    entry: Decimal = Decimal(0)
    """What the position was entered for, in quote currency; never negative."""
    leverage: int = 1
    is_cross: bool = True

    def trade(self, side: Side, price: Price, qty: Qty) -> tuple[str, Decimal]:
        """Book a fill; return how the venue calls its direction, and the profit it realises."""
        before, after = self.size, self.size + side * qty
        value = notional(self.asset, price, qty)
        if before * side >= 0:
            self.size, self.entry = after, self.entry + value
            return ("Open Long" if side is Side.BUY else "Open Short"), Decimal(0)
        closed = min(qty, abs(before))
        cost = self.entry * closed / abs(before)
        profit = (notional(self.asset, price, closed) - cost) * (1 if before > 0 else -1)
        self.size = after
        self.entry -= cost
        if before * after < 0:
            self.entry = notional(self.asset, price, abs(after))
            return ("Long > Short" if before > 0 else "Short > Long"), profit
        return ("Close Long" if before > 0 else "Close Short"), profit
