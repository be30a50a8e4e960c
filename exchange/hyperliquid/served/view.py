"""The market as everybody is shown it: books, touches, mids, contexts, candles.

The orders of all accounts are in it, as on the venue.
"""

from collections.abc import Iterable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from exchange.hyperliquid.served.account import Account
from exchange.hyperliquid.served.orders import ServedOrder, px, shown, sz
from exchange.hyperliquid.served.tape import Tape
from exchange.hyperliquid.served.universe import Asset, Universe
from exchange.hyperliquid.wire_info import AssetContext, BookLevel, Candle, L2Book
from exchange.hyperliquid.wire_socket import Touch
from exchange.units import Price, Qty
from exchange.words import Side

LEVELS: Final = 20
FAST_LEVELS: Final = 5
FIGURES_MIN: Final = 2
FIGURES_MAX: Final = 5
MINUTE_MS: Final = 60_000
CANDLES_MAX: Final = 5000
INTERVALS: Final = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "8h": 480,
    "12h": 720, "1d": 1440, "3d": 4320, "1w": 10080,
}  # fmt: skip
"""The lengths of candles, in minutes."""


class View:
    """What is public."""

    def __init__(
        self, universe: Universe, tapes: dict[int, Tape], accounts: dict[str, Account]
    ) -> None:
        self._universe: Final = universe
        self._tapes: Final = tapes
        self._accounts: Final = accounts
        self._minutes: Final[dict[int, Candle]] = {}
        """Of the live asset."""

    def book(
        self, asset: Asset, ms: int, *, levels: int = LEVELS, figures: int | None = None
    ) -> L2Book:
        """Return an asset's book, its prices rounded outwards to so many figures."""
        sides = []
        for side in (Side.BUY, Side.SELL):
            sizes = self._sizes(asset, side)
            prices = sorted(sizes, reverse=side is Side.BUY)
            if figures is None:
                rows = [
                    BookLevel(px(asset, p), sz(asset, sizes[p][0]), sizes[p][1])
                    for p in prices[:levels]
                ]
            else:
                rows = _rounded(asset, side, ((p, *sizes[p]) for p in prices), figures)[:levels]
            sides.append(rows)
        return L2Book(asset.coin, ms, (sides[0], sides[1]))

    def _sizes(self, asset: Asset, side: Side) -> dict[Price, tuple[Qty, int]]:
        """Return what is displayed by price, and how many orders that is at least."""
        sizes = {p: (q, 1) for p, q in self._tapes[asset.id].levels(side).items()}
        for order in self._served(asset, side):
            qty, count = sizes.get(order.wanted.price, (0, 0))
            sizes[order.wanted.price] = (qty + order.leaves, count + 1)
        return sizes

    def _served(self, asset: Asset, side: Side) -> Iterator[ServedOrder]:
        for account in self._accounts.values():
            for order in account.open_orders():
                if order.wanted.asset is asset and order.wanted.side is side:
                    yield order

    def touch(self, asset: Asset, ms: int) -> Touch:
        """Return an asset's best bid and ask."""
        touch = self._tapes[asset.id].touch
        best = []
        for side, price, qty in (
            (Side.BUY, touch.bid, touch.bid_qty),
            (Side.SELL, touch.ask, touch.ask_qty),
        ):
            count = 1 if price else 0
            for order in self._served(asset, side):
                ours = order.wanted.price
                ahead = (ours - price) * side
                if not price or ahead > 0:
                    price, qty, count = ours, order.leaves, 1  # noqa: PLW2901 - a better one
                elif ahead == 0:
                    qty, count = qty + order.leaves, count + 1  # noqa: PLW2901 - the same
            best.append(BookLevel(px(asset, price), sz(asset, qty), count) if price else None)
        return Touch(asset.coin, ms, (best[0], best[1]))

    def mid(self, asset: Asset) -> Decimal | None:
        """Return an asset's mid, None where its book is empty."""
        doubled = self._tapes[asset.id].mid2()
        return doubled * asset.instrument.price_unit / 2 if doubled else None

    def mids(self, dex: str) -> dict[str, str]:
        """Return all mids of a dex."""
        found = ((asset.coin, self.mid(asset)) for asset in self._universe.dex(dex) or ())
        return {coin: shown(mid) for coin, mid in found if mid is not None}

    def context(self, asset: Asset) -> AssetContext:
        """Return how an asset trades."""
        mid = self.mid(asset)
        text = shown(asset.mid if mid is None else mid)
        volume = Decimal(0)
        if asset.is_live:
            volume = sum((Decimal(candle.volume) for candle in self._minutes.values()), volume)
        traded = volume * (mid or 0)
        return AssetContext(
            mark_px=text,
            oracle_px=text,
            mid_px=None if mid is None else text,
            prev_day_px=text,
            day_ntl_vlm=shown(traded),
            day_base_vlm=shown(volume),
            impact_pxs=None if mid is None else [text, text],
        )

    # Candles.

    def trade(self, asset: Asset, price: Price, qty: Qty, ms: int) -> None:
        """Count a trade of the live asset."""
        text, minute = px(asset, price), ms - ms % MINUTE_MS
        of_minute = self._minutes.pop(minute, None)
        new = Candle(
            minute, minute + MINUTE_MS - 1, asset.coin, "1m", text, text, text, text,
            sz(asset, qty), 1,
        )  # fmt: skip
        self._minutes[minute] = new if of_minute is None else _joined([of_minute, new], "1m")
        while len(self._minutes) > CANDLES_MAX:
            del self._minutes[next(iter(self._minutes))]

    def candles(self, asset: Asset, interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        """Return the candles that lie within two times, as far as they are known."""
        if not asset.is_live or interval not in INTERVALS:
            return []
        length = INTERVALS[interval] * MINUTE_MS
        groups: dict[int, list[Candle]] = {}
        for opened, candle in self._minutes.items():
            if start_ms - length < opened <= end_ms:
                groups.setdefault(opened - opened % length, []).append(candle)
        joined = [
            _joined(candles, interval, opened, opened + length - 1, asset.coin)
            for opened, candles in groups.items()
        ]
        return [candle for candle in joined if candle.opened_at >= start_ms - length]


def _joined(
    candles: list[Candle],
    interval: str,
    opened_at: int | None = None,
    closed_at: int | None = None,
    coin: str | None = None,
) -> Candle:
    """Make one candle of several that follow each other."""
    first, last = candles[0], candles[-1]
    return Candle(
        first.opened_at if opened_at is None else opened_at,
        last.closed_at if closed_at is None else closed_at,
        coin or first.coin,
        interval,
        first.open,
        last.close,
        max((candle.high for candle in candles), key=Decimal),
        min((candle.low for candle in candles), key=Decimal),
        shown(sum((Decimal(candle.volume) for candle in candles), Decimal(0))),
        sum(candle.trades for candle in candles),
    )


def _rounded(
    asset: Asset, side: Side, levels: Iterable[tuple[Price, Qty, int]], figures: int
) -> list[BookLevel]:
    """Gather levels, best first, at prices of so many significant figures."""
    gathered: dict[Decimal, tuple[Qty, int]] = {}
    for price, qty, count in levels:
        exact = price * asset.instrument.price_unit
        step = Decimal(1).scaleb(exact.adjusted() - figures + 1)
        rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        at = (exact / step).to_integral_value(rounding=rounding) * step
        before, orders = gathered.get(at, (0, 0))
        gathered[at] = (before + qty, orders + count)
    return [BookLevel(shown(p), sz(asset, q), n) for p, (q, n) in gathered.items()]


def spread(book: L2Book) -> str:
    """Return the spread of a book, "0.0" where a side is empty."""
    bids, asks = book.levels
    if not bids or not asks:
        return "0.0"
    return shown(Decimal(asks[0].px) - Decimal(bids[0].px))
