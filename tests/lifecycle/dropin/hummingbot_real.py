"""hummingbot itself: its strategy base, clock and recorder, at two of its own kinds of connector.

`Account` is a connector as those of exchanges are, on hummingbot's own base and order tracker; the
exchange behind it is the paper venue. `Paper` is hummingbot's paper connector with a book that
follows a market. Both live by the loop's time. To be imported where hummingbot is installed.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Final

from hummingbot.client.config.client_config_map import (
    ClientConfigMap,
    MarketDataCollectionConfigMap,
)
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.connector.exchange_py_base import ExchangePyBase
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.connector.test_support.mock_order_tracker import MockOrderBookTrackerDataSource
from hummingbot.connector.test_support.mock_paper_exchange import MockPaperExchange
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.clock import Clock
from hummingbot.core.clock_mode import ClockMode
from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.core.data_type.in_flight_order import OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee
from hummingbot.core.event.events import OrderBookTradeEvent
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType

from exchange.commands import Cancel, Place
from exchange.market import Row, RowKind
from exchange.paper.generator import GENERATED
from exchange.paper.venue import PaperVenue
from exchange.reports import Accepted, Cancelled, CancelRejected, Fill, Rejected
from exchange.units import MILLISECOND, SECOND
from exchange.words import Side

_GONE: Final = OrderState(3)
"""By its number: hummingbot spells it in its own way."""
PAIR: Final = "ETH-USD"
STEP: Final = 100 * MILLISECOND
"""How often the exchange is listened to between two ticks."""


def follow(book: Any, market: Any, number: int) -> None:
    """Have a book of hummingbot's show a touch."""
    unit, lot = float(GENERATED.price_unit), float(GENERATED.lot)
    bids = [OrderBookRow(market.bid * unit, market.bid_qty * lot, number)] if market.bid else []
    asks = [OrderBookRow(market.ask * unit, market.ask_qty * lot, number)] if market.ask else []
    book.apply_snapshot(bids, asks, number)


class Account(ExchangePyBase):  # type: ignore[misc]
    """A connector whose exchange is the paper venue."""

    # What an exchange's connector must say of itself.
    name = "account"
    authenticator = None
    rate_limits_rules: tuple[Any, ...] = ()
    domain = ""
    client_order_id_max_length = 32
    client_order_id_prefix = "hb"
    trading_rules_request_path = trading_pairs_request_path = check_network_request_path = ""
    trading_pairs = (PAIR,)
    is_cancel_request_in_exchange_synchronous = True
    is_trading_required = True
    ready = True

    def __init__(self, venue: PaperVenue) -> None:
        self.venue: Final = venue
        self.fills: Final[list[Fill]] = []
        self.cancels: Final[list[str]] = []
        """The orders whose cancellation was asked for, each time."""
        self.loses: set[int] = set()
        """By their numbers, the places whose answer is lost."""
        self.breaks = 0
        """So many cancels fail on their way."""
        self.ending: Any = (Cancelled, CancelRejected)
        self._calls: Final = count(1)
        self._placed: Final = count(1)
        self._names: Final[dict[str, str]] = {}
        self._answers: Final[dict[tuple[str, str], asyncio.Future[Any]]] = {}
        self._seen: Final = count(1)
        super().__init__()
        unit = venue.instrument
        self._trading_rules[PAIR] = TradingRule(
            PAIR,
            min_order_size=10 * unit.lot,
            min_price_increment=unit.price_unit,
            min_base_amount_increment=unit.lot,
            min_notional_size=unit.min_notional,
        )
        self.order_book_tracker._order_books[PAIR] = OrderBook()

    def listen(self, now: int) -> None:
        """Take in what the exchange has said, and its book."""
        for received in self.venue.poll(now):
            match received.report:
                case Accepted(cloid=name) | Rejected(cloid=name) as said:
                    self._answer("place", name, said)
                case Cancelled() | CancelRejected() as said:
                    self._answer("cancel", said.cloid or "", said)
                case Fill() as fill:
                    self._filled(fill)
                case _:
                    pass
        follow(self.order_books[PAIR], self.venue.market(now), next(self._seen))

    def _answer(self, what: str, name: str, said: Any) -> None:
        waiting = self._answers.pop((what, name), None)
        if waiting is not None:
            waiting.set_result(said)
        elif what == "cancel" and isinstance(said, Cancelled):
            # The venue's own word: an order that would have crossed, say.
            update = OrderUpdate(PAIR, self.current_timestamp, _GONE, name)
            self._order_tracker.process_order_update(update)

    def _filled(self, fill: Fill) -> None:
        self.fills.append(fill)
        name, unit = fill.cloid or "", self.venue.instrument
        price, amount = fill.price * unit.price_unit, fill.qty * unit.lot
        fee, at = AddedToCostTradeFee(), self.current_timestamp
        what = (fill.trade_id, name, fill.oid, PAIR, at, price, amount, price * amount, fee)
        self._order_tracker.process_trade_update(TradeUpdate(*what))
        order = self._order_tracker.fetch_order(name)
        if order is not None and order.executed_amount_base >= order.amount:
            update = OrderUpdate(PAIR, at, OrderState.FILLED, name, fill.oid)
            self._order_tracker.process_order_update(update)

    async def _ask(self, what: str, name: str, command: Place | Cancel) -> Any:
        waiting = asyncio.get_running_loop().create_future()
        self._answers[what, name] = waiting
        self.venue.submit((command,), round(self.current_timestamp * SECOND))
        return await waiting

    async def _place_order(
        self,
        order_id: str,
        trading_pair: str,
        amount: Decimal,
        trade_type: TradeType,
        order_type: OrderType,
        price: Decimal,
        **_others: Any,
    ) -> tuple[str, float]:
        assert (trading_pair, order_type) == (PAIR, OrderType.LIMIT_MAKER)
        unit, side = self.venue.instrument, Side.BUY if trade_type is TradeType.BUY else Side.SELL
        what = (side, unit.price(price), unit.qty(amount), True, False, 0)
        said = await self._ask("place", order_id, Place(next(self._calls), order_id, *what))
        if isinstance(said, Rejected):
            raise OSError(f"the exchange has refused: {said.reason}")
        if next(self._placed) in self.loses:
            raise TimeoutError("the exchange has not answered")
        self._names[order_id] = said.oid
        return said.oid, self.current_timestamp

    async def _place_cancel(self, order_id: str, tracked_order: Any) -> bool:
        self.cancels.append(order_id)
        if self.breaks:
            self.breaks -= 1
            raise ConnectionError("the request was not sent")
        oid = await tracked_order.get_exchange_order_id()
        said = await self._ask("cancel", order_id, Cancel(next(self._calls), order_id, oid, 0))
        return isinstance(said, Cancelled)

    def supported_order_types(self) -> list[OrderType]:
        """As most exchanges."""
        return [OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET]

    # What is never reached without a network.

    def _is_order_not_found_during_cancelation_error(self, _error: Exception) -> bool:
        return False

    def _create_order_book_data_source(self) -> Any:
        return MockOrderBookTrackerDataSource([PAIR])

    def _create_order_tracker(self) -> Any:
        return ClientOrderTracker(connector=self)

    def _nothing(self, *_arguments: Any, **_options: Any) -> None:
        """Do nothing."""

    _create_web_assistants_factory = _create_user_stream_data_source = _nothing
    _create_user_stream_tracker = _get_fee = _update_trading_fees = _nothing
    _user_stream_event_listener = _format_trading_rules = _update_balances = _nothing
    _all_trade_updates_for_order = _request_order_status = _nothing
    _initialize_trading_pair_symbols_from_exchange_info = _nothing
    _is_request_exception_related_to_time_synchronizer = _nothing
    _is_order_not_found_during_status_update_error = _nothing


class Paper(MockPaperExchange):  # type: ignore[misc]
    """hummingbot's paper connector on a market."""

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__()
        self._rows = iter(rows)
        self._next = next(self._rows)
        self._seen: Final = count(1)
        self.new_empty_order_book(PAIR)
        for asset in ("ETH", "USD"):
            self.set_balance(asset, Decimal(1_000_000))

    def listen(self, now: int) -> None:
        """Show the market up to a time: touches, and the trades that fill."""
        book = self.order_books[PAIR]
        while self._next.ts <= now:
            row, self._next = self._next, next(self._rows)
            if row.kind == RowKind.BBO:
                follow(book, row, next(self._seen))
            elif row.kind == RowKind.TRADE:
                side = TradeType.BUY if row.side > 0 else TradeType.SELL
                price = row.price * float(GENERATED.price_unit)
                what = (PAIR, row.ts / SECOND, side, price, row.qty * float(GENERATED.lot))
                book.apply_trade(OrderBookTradeEvent(*what))


@contextmanager
def recorder(folder: Path) -> Iterator[None]:
    """Have hummingbot's recorder, without which no strategy of it can be made."""
    sql = SQLConnectionManager(
        ClientConfigAdapter(ClientConfigMap()),
        SQLConnectionType.TRADE_FILLS,
        db_path=str(folder / "trades.sqlite"),
    )
    MarketsRecorder(sql, [], "maker.yml", "maker", MarketDataCollectionConfigMap())
    try:
        yield
    finally:
        sql.engine.dispose()


async def run(connector: Account | Paper, strategy: Any, start: int, end: int) -> None:
    """Tick a connector and its strategy once a second, as hummingbot's clock does."""
    clock = Clock(ClockMode.BACKTEST, 1.0, start / SECOND, end / SECOND)
    clock.add_iterator(connector)
    clock.add_iterator(strategy)
    for now in range(start, end, STEP):
        connector.listen(now)
        if now % SECOND == 0:
            clock.backtest_til(now / SECOND)
        await asyncio.sleep(STEP / SECOND)
