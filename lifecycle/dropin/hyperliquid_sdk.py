"""The order manager behind the official Hyperliquid SDK: one changed line in a bot that uses it.

`exchange = ManagedExchange(exchange, info)`, and the bot goes on as before: the same methods, the
same answers, the same exceptions. A cancel and the order that follows it are netted into keeping
the order that rests, or into one modify of it; ids that the bot holds stay valid. The SDK's own
objects sign, send and ask, so that their settings hold.

**What is managed.** Post-only limit orders of perpetuals that are not reduce-only, sent without a
builder and a grouping. Everything else passes straight through to the SDK.

**Netting.** A cancel is answered at once and sent later: when no order of its side has taken its
place by `window_s` after the bot's last call. A new order takes the place of the nearest one of
its side that was cancelled; what the manager decides then is sent at once, and the call returns
when the venue has answered. `flush`, `cancel(…, urgent=True)` and `close` do not wait.

What each call answers, and when, stands in docs/dropin-hyperliquid-sdk.md.
"""

import atexit
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from exchange.hyperliquid.instruments import DEX_BASE, Asset, instrument_of
from exchange.hyperliquid.wire_info import AssetMeta
from exchange.units import seconds
from exchange.words import Side
from lifecycle.config import STABLE, Config
from lifecycle.core.manager import OrderManager
from lifecycle.drive.recovery import new_session as new_prefix
from lifecycle.dropin.clock import Clock, Clocked
from lifecycle.dropin.converged import Converged
from lifecycle.dropin.given import check_config
from lifecycle.dropin.hyperliquid_sdk_book import BotOrder
from lifecycle.dropin.hyperliquid_sdk_desk import Desk
from lifecycle.dropin.hyperliquid_sdk_info import ManagedInfo
from lifecycle.dropin.hyperliquid_sdk_venue import SdkVenue
from lifecycle.dropin.hyperliquid_sdk_words import (
    ENDED,
    FORM,
    GONE,
    Status,
    answer_of,
    cloid_type,
    fill_in,
    find,
    form_of,
    in_the_way,
    may_become,
    statuses_of,
    text_of,
)
from lifecycle.dropin.keeping import Begun, Keeping
from lifecycle.dropin.wanted import price_of, qty_of
from lifecycle.journal.base import Header

WINDOW_S: Final = 0.5
CLOSE_S: Final = 30.0
SPOT: Final = 10_000
"""Where the ids of spot assets begin; those of perpetuals of other dexes are above `DEX_BASE`."""


class ManagedExchange:
    """The SDK's `Exchange`, with its orders managed; safe to call from many threads."""

    def __init__(
        self,
        exchange: Any,
        info: Any,
        *,
        config: Config = STABLE,
        journal: str | Path | None = None,
        forward: str | None = None,
        coins: Iterable[str] | None = None,
        window_s: float = WINDOW_S,
        clock: Clocked | None = None,
    ) -> None:
        """Wrap the SDK's two objects; nothing is asked before a coin's first order.

        `journal` is a file; each coin has its own beside it, "bot-ETH.db" for "bot.db", which is
        gone on with where it exists. Without one a crash leaves orders behind that nobody knows to
        be ours. `forward` is the URL of a fleet's journal, to which they go as well. `coins` are
        those to manage, all by default. Deferred cancels wait for `window_s` after the bot's last
        call. Raises ValueError where that is not positive, where a coin is none of the venue's, or
        for a `forward` without a journal; JournalError for one that is no URL; TypeError where the
        two objects are not what they should be.
        """
        if not window_s > 0:
            raise ValueError(f"window_s must be positive, was {window_s}")
        if not (hasattr(exchange, "bulk_orders") and hasattr(info, "open_orders")):
            was = f"{type(exchange).__name__} and {type(info).__name__}"
            raise TypeError(f"ManagedExchange must be given an Exchange and an Info, was {was}")
        check_config(config)
        if isinstance(coins, str):
            raise TypeError(f"coins must be several names, as in [{coins!r}], was {coins!r}")
        coins = None if coins is None else tuple(coins)
        for coin in coins or ():
            if coin not in info.coin_to_asset:
                raise ValueError(f"coins must be those of the venue, was {coin!r}")
        self._exchange: Final = exchange
        self._config: Final = config
        self._keeping: Final = Keeping.of(journal, forward)
        self._coins: Final = None if coins is None else frozenset(coins)
        self._window: Final = seconds(window_s)
        self._clock: Final = Clock() if clock is None else clock
        self.desks: Final[dict[str, Desk]] = {}
        """Of each managed coin, to look at."""
        self._opening: Final = threading.Lock()
        self._plain_info: Final = info
        self.info: Final = ManagedInfo(info, self.desks)
        """The SDK's `Info`, by the ids that the bot holds."""
        if journal is not None and coins is not None:
            for coin in sorted(coins):
                self._desk(coin)
        atexit.register(self.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)

    # Orders.

    def order(
        self,
        name: str,
        is_buy: bool,
        sz: float,
        limit_px: float,
        order_type: Any,
        reduce_only: bool = False,
        cloid: Any = None,
        builder: Any = None,
    ) -> Any:
        """As the SDK's."""
        order = {
            "coin": name,
            "is_buy": is_buy,
            "sz": sz,
            "limit_px": limit_px,
            "order_type": order_type,
            "reduce_only": reduce_only,
        }
        if cloid:
            order["cloid"] = cloid
        return self.bulk_orders([order], builder)

    def bulk_orders(self, order_requests: Any, builder: Any = None, grouping: Any = "na") -> Any:
        """As the SDK's."""
        if builder or grouping != "na":
            return self._exchange.bulk_orders(order_requests, builder, grouping)
        taken: set[tuple[str, bool, str]] = set()
        return self._split(
            "order",
            order_requests,
            lambda one: self._desk_for_order(one, taken),
            self._exchange.bulk_orders,
            self._place,
        )

    def modify_order(
        self,
        oid: Any,
        name: str,
        is_buy: bool,
        sz: float,
        limit_px: float,
        order_type: Any,
        reduce_only: bool = False,
        cloid: Any = None,
    ) -> Any:
        """As the SDK's; `oid` may be any that the bot was ever told."""
        order = {
            "coin": name,
            "is_buy": is_buy,
            "sz": sz,
            "limit_px": limit_px,
            "order_type": order_type,
            "reduce_only": reduce_only,
            "cloid": cloid,
        }
        return self.bulk_modify_orders_new([{"oid": oid, "order": order}])

    def bulk_modify_orders_new(self, modify_requests: Any) -> Any:
        """As the SDK's."""
        return self._split(
            "order",
            modify_requests,
            lambda one: self._desk_of(one["order"]["coin"], one["oid"]),
            self._exchange.bulk_modify_orders_new,
            self._modify,
        )

    # Cancels.

    def cancel(self, name: str, oid: int, *, urgent: bool = False) -> Any:
        """As the SDK's; answered at once and deferred, unless `urgent`."""
        return self.bulk_cancel([{"coin": name, "oid": oid}], urgent=urgent)

    def cancel_by_cloid(self, name: str, cloid: Any, *, urgent: bool = False) -> Any:
        """As the SDK's; answered at once and deferred, unless `urgent`."""
        return self.bulk_cancel_by_cloid([{"coin": name, "cloid": cloid}], urgent=urgent)

    def bulk_cancel(self, cancel_requests: Any, *, urgent: bool = False) -> Any:
        """As the SDK's; answered at once and deferred, unless `urgent`."""
        return self._split(
            "cancel",
            cancel_requests,
            lambda one: self._desk_of(one["coin"], one["oid"]),
            self._exchange.bulk_cancel,
            lambda desk, these: self._cancel(desk, [one["oid"] for one in these], urgent),
        )

    def bulk_cancel_by_cloid(self, cancel_requests: Any, *, urgent: bool = False) -> Any:
        """As the SDK's; answered at once and deferred, unless `urgent`."""
        return self._split(
            "cancel",
            cancel_requests,
            lambda one: self._desk_of(one["coin"], one["cloid"]),
            self._exchange.bulk_cancel_by_cloid,
            lambda desk, these: self._cancel(desk, [one["cloid"] for one in these], urgent),
        )

    def schedule_cancel(self, time: int | None) -> Any:
        """As the SDK's: the venue's dead man's switch; what it cancels is not placed again."""
        return self._exchange.schedule_cancel(time)

    # Beyond the SDK.

    def set_targets(self, coin: str, quotes: Iterable[tuple[bool, float, float]]) -> Converged:
        """Say all that shall rest of a coin, in place of what the bot wanted before.

        A quote is `(is_buy, sz, limit_px)`. Returns what was decided about each and why, without
        waiting for answers; what has to wait is retried. Raises TypeError or ValueError for quotes
        that cannot be, what the SDK raises where the venue cannot be looked at.
        """
        desk = self._desk(coin)
        instrument = desk.asset.instrument
        wanted: dict[tuple[Side, int], int] = {}
        for quote in quotes:
            try:
                is_buy, sz, limit_px = quote
            except (TypeError, ValueError):
                what = f"a quote must be (is_buy, sz, limit_px), was {quote!r}"
                raise TypeError(what) from None
            side = Side.BUY if is_buy else Side.SELL
            key = side, price_of(instrument, limit_px, side)
            wanted[key] = wanted.get(key, 0) + qty_of(instrument, sz)
        bids = [price for side, price in wanted if side is Side.BUY]
        asks = [price for side, price in wanted if side is Side.SELL]
        if bids and asks and max(bids) >= min(asks):
            raise ValueError("bids must be below asks, were not")
        with desk.call():
            desk.freshen()
            for one in tuple(desk.book.live):
                desk.book.defer(one)
            for (side, price), qty in wanted.items():
                if qty:
                    desk.book.add(side, price, qty)
            return desk.converge()

    def flush(self, timeout_s: float = CLOSE_S) -> bool:
        """Send every deferred cancel now, and wait; False where not all were answered in time."""
        done = [desk.flush(timeout_s) for desk in tuple(self.desks.values())]
        return all(done)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Send what is deferred, and end; what the bot wants stays on the book.

        Also done when the interpreter ends. A repetition does nothing.
        """
        atexit.unregister(self.close)
        for desk in tuple(self.desks.values()):
            desk.close(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def manager(self, coin: str) -> OrderManager:
        """Return the core of a coin, to look at: orders, exposure, quota."""
        return self._desk(coin).manager

    # Which is whose.

    def _coin_of(self, name: str) -> str | None:
        """Return the coin to manage, None for one that passes through; KeyError as the SDK."""
        coin: str = self._plain_info.name_to_coin[name]
        asset = self._plain_info.coin_to_asset[coin]
        if SPOT <= asset < DEX_BASE or (self._coins is not None and coin not in self._coins):
            return None
        return coin

    def _desk_for_order(self, order: Any, taken: set[tuple[str, bool, str]]) -> Desk | None:
        """Return the desk of a new order; `taken` are the places of the batch's others."""
        coin = self._coin_of(order["coin"])
        tif = order["order_type"].get("limit", {}).get("tif")
        if coin is None or tif != "Alo" or order.get("reduce_only"):
            return None
        desk, px = self._desk(coin), text_of(order["limit_px"])
        side = Side.BUY if order["is_buy"] else Side.SELL
        form = form_of(desk.asset, px, text_of(order["sz"]))
        with desk.lock:
            known = not isinstance(form, str) and desk.book.has_price(side, form[0])
        # Two at one price are two queues: the second is the bot's own business.
        if known or (coin, side is Side.BUY, px) in taken:
            return None
        taken.add((coin, side is Side.BUY, px))
        return desk

    def _desk_of(self, name: str, named: Any) -> Desk | None:
        """Return the desk that knows an order of the bot's, None where none does."""
        coin = self._coin_of(name)
        desk = None if coin is None else self.desks.get(coin)
        if desk is None or find(desk, named) is None:
            return None
        return desk

    def _desk(self, coin: str) -> Desk:
        with self._opening:
            desk = self.desks.get(coin)
            if desk is None:
                exchange, info = self._exchange, self._plain_info
                number = info.coin_to_asset[coin]
                meta = AssetMeta(info.asset_to_sz_decimals[number], coin, 1)
                user = exchange.vault_address or exchange.account_address
                user = user or exchange.wallet.address
                desk = self.desks[coin] = Desk(
                    exchange,
                    info,
                    Asset(coin, number, instrument_of(meta)),
                    user,
                    partial(self._begin, user),
                    config=self._config,
                    clock=self._clock,
                    window=self._window,
                    cloid_type=cloid_type(),
                )
            return desk

    def _begin(self, user: str, venue: SdkVenue) -> Begun:
        """Return a coin's manager and journal; raises JournalError."""
        instrument, keeping = venue.instrument, self._keeping
        if keeping.path is not None:
            plain = instrument.symbol.replace(":", "_")
            path = keeping.path.with_name(f"{keeping.path.stem}-{plain}{keeping.path.suffix}")
            keeping = Keeping(path, keeping.forward)
        header = Header.of_now(new_prefix(), instrument, venue.capabilities, self._config)
        return keeping.begin(header, account=user)

    # Calls.

    def _split(
        self,
        kind: str,
        items: Sequence[Any],
        desk_of: Callable[[Any], Desk | None],
        pass_on: Callable[[list[Any]], Any],
        manage: Callable[[Desk, list[Any]], list[Status]],
    ) -> Any:
        """Have each item done by its desk, or by the SDK; answer as for one batch."""
        desks = [desk_of(item) for item in items]
        if all(desk is None for desk in desks):
            return pass_on(list(items))
        statuses: list[Status] = [""] * len(items)
        others = [i for i, desk in enumerate(desks) if desk is None]
        if others:
            reply = pass_on([items[i] for i in others])
            fill_in(statuses, others, statuses_of(reply, len(others)))
        for desk in dict.fromkeys(one for one in desks if one is not None):
            these = [i for i, one in enumerate(desks) if one is desk]
            fill_in(statuses, these, manage(desk, [items[i] for i in these]))
        return {"status": "ok", "response": {"type": kind, "data": {"statuses": statuses}}}

    def _place(self, desk: Desk, orders: list[Any]) -> list[Status]:
        wires = [(text_of(one["sz"]), text_of(one["limit_px"])) for one in orders]
        with desk.call():
            desk.freshen()
            told: list[BotOrder | str] = []
            for order, (sz, px) in zip(orders, wires, strict=True):
                side = Side.BUY if order["is_buy"] else Side.SELL
                form = form_of(desk.asset, px, sz)
                if isinstance(form, str):
                    told.append(form)
                elif desk.book.meets(side, form[0]) or desk.book.has_price(side, form[0]):
                    told.append(in_the_way(desk.asset))
                else:
                    cloid = order.get("cloid")
                    raw = None if cloid is None else cloid.to_raw().lower()
                    told.append(desk.book.add(side, *form, raw))
            placed = [one for one in told if isinstance(one, BotOrder)]
            self._settle(desk, placed)
            return [answer_of(desk, one) for one in told]

    def _modify(self, desk: Desk, modifies: list[Any]) -> list[Status]:
        wires = [(text_of(m["order"]["sz"]), text_of(m["order"]["limit_px"])) for m in modifies]
        with desk.call():
            desk.freshen()
            told: list[BotOrder | str] = []
            before: dict[int, tuple[int, int]] = {}
            for modify, (sz, px) in zip(modifies, wires, strict=True):
                one, order = find(desk, modify["oid"]), modify["order"]
                form = form_of(desk.asset, px, sz)
                if one is None or one.end:
                    told.append(ENDED)
                elif not may_become(one, order):
                    told.append(FORM)
                elif isinstance(form, str):
                    told.append(form)
                elif desk.book.meets(one.side, form[0]) or (
                    form[0] != one.price and desk.book.has_price(one.side, form[0])
                ):
                    told.append(in_the_way(desk.asset))
                else:
                    before[id(one)] = one.price, one.qty
                    one.price, one.qty = form
                    if order.get("cloid") is not None:
                        one.cloid = order["cloid"].to_raw().lower()
                        desk.book.by_cloid[one.cloid] = one
                    told.append(one)
            changed = [one for one in told if isinstance(one, BotOrder)]
            self._settle(desk, changed, before)
            return [answer_of(desk, one) for one in told]

    @staticmethod
    def _settle(
        desk: Desk, orders: list[BotOrder], before: dict[int, tuple[int, int]] | None = None
    ) -> None:
        """Have orders sent; raises what the SDK raised about one, and then wants none of them.

        A refused one is wanted no more, or as `before` where its change was refused and it rests.
        """
        for one in orders:
            one.error, one.failure = "", None
        if orders:
            desk.settle(orders)
        failure = next((one.failure for one in orders if one.failure is not None), None)
        for one in orders:
            if not one.error and failure is None:
                continue
            if before is not None and one.failure is None and desk.still_rests(one):
                one.price, one.qty = before[id(one)]
            else:
                desk.refused(one)
        if failure is not None:
            raise failure

    @staticmethod
    def _cancel(desk: Desk, names: list[Any], urgent: bool) -> list[Status]:
        statuses: list[Status] = []
        with desk.call():
            for name in names:
                one = find(desk, name)
                if one is None or one.end in {"filled", "canceled"}:
                    statuses.append({"error": f"{GONE} asset={desk.asset.id}"})
                elif one.end or not urgent:
                    # One that ended otherwise is being withdrawn already.
                    if not one.end:
                        desk.book.defer(one)
                    statuses.append("success")
                else:
                    one.error, one.failure = "", None
                    desk.withdraw(one)
                    if one.failure is not None:
                        raise one.failure
                    statuses.append({"error": one.error} if one.error else "success")
        return statuses
