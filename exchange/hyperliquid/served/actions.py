"""What an action does to an account, and how that is said.

The form of all items is checked before anything happens, and one error stands for the whole
batch; what fails at the book fails alone. The words are the venue's.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, assert_never

from exchange.hyperliquid.served.account import Account, Moment
from exchange.hyperliquid.served.orders import Wanted
from exchange.hyperliquid.served.tape import Tape
from exchange.hyperliquid.served.universe import Asset, Universe
from exchange.hyperliquid.wire import (
    Action,
    AgentEnableDexAbstraction,
    AgentSetAbstraction,
    BatchModify,
    Cancel,
    CancelByCloid,
    CreateSubAccount,
    ExchangeReply,
    ItemStatus,
    Modify,
    ModifyWire,
    Noop,
    Order,
    OrderWire,
    ReserveRequestWeight,
    ScheduleCancel,
    SetReferrer,
    SubAccountTransfer,
    TwapCancel,
    TwapOrder,
    UpdateIsolatedMargin,
    UpdateLeverage,
    VaultTransfer,
    done,
    ok,
    refused,
)
from exchange.words import Side

TAKERS: Final = frozenset({"Gtc", "Ioc", "FrontendMarket"})
BAND: Final = Decimal("0.95")
"""How far from the mid a price may be, as a share of it."""
SCHEDULE_MS: Final = 5_000
"""How soon orders may be scheduled to be cancelled."""
WHOLE: Final = "Order price cannot be more than 95% away from the reference price"

MAKING, CANCELLING, TAKING = range(3)
"""The order in which a block executes actions."""


def rank(action: Action) -> int:
    """Return an action's place in its block: what cannot take, cancels, what may take."""
    match action:
        case Cancel() | CancelByCloid():
            return CANCELLING
        case Order():
            orders = action.orders
        case Modify():
            orders = [action.order]
        case BatchModify():
            orders = [one.order for one in action.modifies]
        case _:
            return MAKING
    takes = any(o.type.limit is None or o.type.limit.tif in TAKERS for o in orders)
    return TAKING if takes else MAKING


def items(action: Action) -> int:
    """Return how many items an action carries."""
    match action:
        case Order():
            return len(action.orders)
        case Cancel() | CancelByCloid():
            return len(action.cancels)
        case BatchModify():
            return len(action.modifies)
        case _:
            return 1


def is_cancel(action: Action) -> bool:
    """Say whether an action counts against the larger ledger."""
    return isinstance(action, Cancel | CancelByCloid)


@dataclass(frozen=True, slots=True)
class Desk:
    """Executes actions."""

    universe: Universe
    tapes: dict[int, Tape]
    schedule_volume: Decimal = Decimal(0)
    """What must have been traded before a cancellation may be scheduled."""
    speed: float = 1.0
    """Of the market; shortens what is measured in the venue's time."""

    def execute(self, action: Action, account: Account, now: Moment) -> ExchangeReply:
        """Execute one action for an account."""
        match action:
            case Order():
                return self._order(action, account, now)
            case Cancel():
                told = [account.cancel(c.asset, c.oid, now) for c in action.cancels]
                return ok(*told, kind="cancel")
            case CancelByCloid():
                told = [account.cancel(c.asset, c.cloid, now) for c in action.cancels]
                return ok(*told, kind="cancel")
            case Modify():
                return self._modify(action, account, now)
            case BatchModify():
                return self._batch_modify(action, account, now)
            case ScheduleCancel():
                return self._schedule(action, account, now)
            case UpdateLeverage():
                return self._leverage(action, account)
            case ReserveRequestWeight():
                account.ledger.reserved += action.weight
                return done()
            case Noop() | SetReferrer() | UpdateIsolatedMargin():
                return done()
            case (
                TwapOrder()
                | TwapCancel()
                | CreateSubAccount()
                | SubAccountTransfer()
                | VaultTransfer()
                | AgentEnableDexAbstraction()
                | AgentSetAbstraction()
            ):
                return refused("Not served: this paper venue has orders only.")
            case _:
                assert_never(action)

    def _order(self, action: Order, account: Account, now: Moment) -> ExchangeReply:
        if not action.orders:
            return refused("Orders are empty.")
        wanted = self._all_wanted(action.orders)
        if isinstance(wanted, ExchangeReply):
            return wanted
        return ok(*[account.place(one, now) for one in wanted])

    def _modify(self, action: Modify, account: Account, now: Moment) -> ExchangeReply:
        wanted = self._all_wanted([action.order])
        if isinstance(wanted, ExchangeReply):
            return wanted
        status = account.modify(action.oid, wanted[0], now, always_place=action.always_place)
        if status.error is None:
            return done()
        # Only the refusal of the new order names the asset.
        if not status.error.endswith(f" asset={action.order.asset}"):
            return refused(status.error)
        plain = status.error.rpartition(" asset=")[0].removesuffix(".")
        return refused(f"Error placing new order during modify: {plain}")

    def _batch_modify(self, action: BatchModify, account: Account, now: Moment) -> ExchangeReply:
        if not action.modifies:
            return refused("Orders are empty.")
        wanted = self._all_wanted([one.order for one in action.modifies])
        if isinstance(wanted, ExchangeReply):
            return wanted
        pairs: list[tuple[ModifyWire, Wanted]] = list(zip(action.modifies, wanted, strict=True))
        return ok(
            *[
                account.modify(one.oid, new, now, always_place=action.always_place)
                for one, new in pairs
            ]
        )

    def _schedule(self, action: ScheduleCancel, account: Account, now: Moment) -> ExchangeReply:
        if account.ledger.volume < self.schedule_volume:
            return refused(
                "Cannot set scheduled cancel time until enough volume traded. "
                f"Required: ${self.schedule_volume}. Traded: ${account.ledger.volume:.2f}."
            )
        soonest = now.ms + int(SCHEDULE_MS / self.speed)
        if action.time is not None and action.time < soonest:
            return refused(f"Scheduled cancel time too early: {action.time} < {soonest}")
        account.cancel_at_ms = action.time
        return done()

    def _leverage(self, action: UpdateLeverage, account: Account) -> ExchangeReply:
        asset = self.universe.asset(action.asset)
        if asset is None or not 1 <= action.leverage <= asset.max_leverage:
            return refused("Invalid leverage value")
        held = account.holding(asset)
        if held.size and held.is_cross != action.is_cross:
            return refused("Cannot switch leverage type with open position.")
        held.leverage, held.is_cross = action.leverage, action.is_cross
        return done()

    # The form of orders.

    def _all_wanted(self, orders: list[OrderWire]) -> list[Wanted] | ExchangeReply:
        """Understand orders, or say why the whole batch is refused."""
        wanted: list[Wanted] = []
        for order in orders:
            one = self._wanted(order)
            if one == WHOLE:
                return refused(WHOLE)
            if isinstance(one, str):
                return ok(ItemStatus(error=f"{one} asset={order.asset}"))
            wanted.append(one)
        return wanted

    def _wanted(self, order: OrderWire) -> Wanted | str:
        """Understand one order, or say what is wrong with its form."""
        asset = self.universe.asset(order.asset)
        if asset is None:
            return "Not served: there is no such perpetual."
        if order.type.limit is None:
            return "Invalid TP/SL price."
        instrument = asset.instrument
        try:
            price = instrument.price(order.px)
        except ValueError:
            return "Price must be divisible by tick size."
        try:
            qty = instrument.qty(order.sz)
        except ValueError:
            return "Order has invalid size."
        if price <= 0:
            return "Order has invalid price."
        if qty <= 0:
            return "Order has zero size." if qty == 0 else "Order has invalid size."
        if not instrument.is_valid_price(price):
            return "Price must be divisible by tick size."
        if self._is_far(asset, price):
            return WHOLE
        return Wanted(
            asset=asset,
            side=Side.BUY if order.is_buy else Side.SELL,
            price=price,
            qty=qty,
            tif=order.type.limit.tif,
            reduce_only=order.reduce_only,
            cloid=None if order.cloid is None else order.cloid.lower(),
        )

    def _is_far(self, asset: Asset, price: int) -> bool:
        doubled = self.tapes[asset.id].mid2()
        return bool(doubled) and abs(2 * price - doubled) > BAND * doubled
