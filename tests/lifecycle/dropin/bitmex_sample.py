"""A stand-in for the BitMEX sample's exchange, and a bot written on its order manager.

What is called, what it takes and what it returns is as in the sample (`ExchangeInterface` and
`BitMEX` of market_maker 1.6): it gives orders client ids of its own, cancels by a list of ids, and
its table of orders holds what rests only. Behind it is the paper venue, which amends in place.
"""

import itertools
from typing import Any, Final

from exchange.commands import Cancel, Modify, Place
from exchange.paper.venue import PaperVenue
from exchange.reports import Accepted, Cancelled, Modified
from exchange.units import MILLISECOND, SECOND, Nanos
from exchange.venue import Capabilities
from exchange.words import Side
from tests.lifecycle.dropin.client import FAR, instant
from tests.lifecycle.dropin.virtual import START

AMENDS: Final = Capabilities(
    modify_keeps_oid=True, qty_is_total=True, refused_modify_may_kill=False
)
LOT: Final = 1


class Ticking:
    """A clock that goes on a little each time it is looked at."""

    def __init__(self) -> None:
        self.at: Nanos = START

    def now(self) -> Nanos:
        """Return how late it is, and go on."""
        self.at += 1000
        return self.at

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.at += round(seconds * SECOND)


class Response:
    """What an HTTP error carries."""

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


class HTTPError(OSError):
    """As that of requests."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.response = Response(status_code)


class BitMEX:
    """The connector: what it lists is asked for by HTTP."""

    orderIDPrefix = "mm_bitmex_"  # noqa: N815 - the sample's own

    def __init__(self, exchange: "ExchangeInterface") -> None:
        self._exchange = exchange

    def http_open_orders(self) -> list[dict[str, Any]]:
        """List what rests, by HTTP."""
        self._exchange.calls.append("http_open_orders")
        return self._exchange.rows()


class ExchangeInterface:
    """The exchange as the sample's order manager has it."""

    dry_run = False

    def __init__(self, clock: Ticking, prefix: str = "mm_bitmex_") -> None:
        self.clock = clock
        self.paper: PaperVenue = instant(capabilities=AMENDS)
        self.bitmex = BitMEX(self)
        self.calls: list[str] = []
        self.lost: dict[str, list[tuple[str, BaseException]]] = {}
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._sent: dict[str, dict[str, Any]] = {}

    def get_instrument(self, symbol: str | None = None) -> dict[str, Any]:
        """Return the instrument."""
        return {
            "symbol": symbol or "XBTUSD",
            "tickSize": 0.1,
            "lotSize": LOT,
            "tickLog": 1,
        }

    def get_ticker(self, symbol: str | None = None) -> dict[str, float]:
        """Return the touch."""
        market = self.paper.market(self.clock.now())
        assert symbol is None
        assert market.bid is not None
        assert market.ask is not None
        return {"buy": market.bid / 10, "sell": market.ask / 10, "last": 0.0, "mid": 0.0}

    def get_orders(self) -> list[dict[str, Any]]:
        """List what rests, by the table."""
        return self.rows()

    def rows(self) -> list[dict[str, Any]]:
        """Return what rests as BitMEX writes it."""
        self.paper.poll(self.clock.now())
        filled: dict[str, int] = {}
        for fill in self.paper.fills:
            filled[fill.oid] = filled.get(fill.oid, 0) + fill.qty
        return [
            {
                "orderID": row.oid,
                "clOrdID": self._sent[row.oid]["clOrdID"],
                "side": "Buy" if row.side is Side.BUY else "Sell",
                "price": row.price / 10,
                "orderQty": row.qty + filled.get(row.oid, 0),
                "leavesQty": row.qty,
                "cumQty": filled.get(row.oid, 0),
                "ordStatus": "PartiallyFilled" if filled.get(row.oid) else "New",
            }
            for row in self.paper.open_orders()
        ]

    def create_bulk_orders(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Create orders under client ids of our own."""
        for order in orders:
            order["clOrdID"] = f"{self._prefix}{next(self._numbers)}"
            order["symbol"] = "XBTUSD"
        return self.create(orders)

    def create(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Create orders that have their client ids."""
        self._begin("create")
        self._fail("create", "before")
        answers = []
        for order in orders:
            side = Side.BUY if order["side"] == "Buy" else Side.SELL
            price, qty = round(order["price"] * 10), round(order["orderQty"])
            number = next(self._numbers)
            said = self._ask(Place(number, order["clOrdID"], side, price, qty, True, False, FAR))
            if isinstance(said, Accepted):
                answer = {**order, "orderID": said.oid, "ordStatus": "New", "cumQty": 0}
                self._sent[said.oid] = answer
            else:
                text = "Canceled: Order had execInst of ParticipateDoNotInitiate"
                answer = {**order, "orderID": "0", "ordStatus": "Canceled", "cumQty": 0}
                answer["text"] = text
            answers.append(answer)
        self._fail("create", "after")
        return answers

    def amend_bulk_orders(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Amend orders, all or none."""
        self._begin("amend")
        self._fail("amend", "before")
        resting = {row.oid: row for row in self.paper.open_orders()}
        if any(order["orderID"] not in resting for order in orders):
            raise HTTPError(400, "Invalid ordStatus")
        answers = []
        for order in orders:
            row = resting[order["orderID"]]
            price, qty = round(order["price"] * 10), round(order["orderQty"])
            cloid = row.cloid or ""
            number = next(self._numbers)
            said = self._ask(Modify(number, cloid, row.oid, row.side, price, qty, True, False, FAR))
            if not isinstance(said, Modified):
                raise HTTPError(400, "Invalid ordStatus")
            answers.append({**order, "ordStatus": "New"})
        self._fail("amend", "after")
        return answers

    def cancel_bulk_orders(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Cancel orders, each by itself."""
        self._begin("cancel")
        self._fail("cancel", "before")
        answers = []
        for order in orders:
            resting = {row.oid: row for row in self.paper.open_orders()}
            row = resting.get(order["orderID"])
            if row is None:
                answers.append({"orderID": order["orderID"], "error": "Unable to cancel order"})
                answers[-1]["ordStatus"] = "Filled"
                continue
            said = self._ask(Cancel(next(self._numbers), row.cloid or "", row.oid, FAR))
            assert isinstance(said, Cancelled)
            answers.append({"orderID": row.oid, "ordStatus": "Canceled"})
        self._fail("cancel", "after")
        return answers

    def lose(self, what: str, when: str, error: BaseException) -> None:
        """Have the next such call raise, before or after it is done."""
        self.lost.setdefault(what, []).append((when, error))

    def _begin(self, what: str) -> None:
        self.calls.append(what)

    def _fail(self, what: str, when: str) -> None:
        left = self.lost.get(what, [])
        if left and left[0][0] == when:
            raise left.pop(0)[1]

    def _ask(self, command: Place | Modify | Cancel) -> object:
        now = self.clock.now()
        self.paper.submit((command,), now)
        answers = self.paper.poll(now + MILLISECOND)
        return next(
            one.report for one in answers if getattr(one.report, "request", 0) == command.request
        )


class SingleExchange(ExchangeInterface):
    """The exchange of release 1.6: the same by other names, and one request for each order."""

    create_bulk_orders = amend_bulk_orders = cancel_bulk_orders = None  # type: ignore[assignment]

    def create_orders(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Create orders one by one."""
        return [one for order in orders for one in self.create([order])]

    def amend_orders(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Amend orders one by one."""
        return [one for o in orders for one in ExchangeInterface.amend_bulk_orders(self, [o])]

    def cancel_orders(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Cancel orders."""
        return ExchangeInterface.cancel_bulk_orders(self, orders)


class OrderManager:
    """What the sample's own does of a loop: prices from the touch outwards, then `converge`."""

    def __init__(
        self, exchange: ExchangeInterface, pairs: int = 3, interval: float = 0.002
    ) -> None:
        self.exchange = exchange
        self.pairs = pairs
        self.interval = interval

    def place_orders(self) -> Any:
        """Want so many pairs, from the outside in."""
        buy_orders, sell_orders = [], []
        for i in reversed(range(1, self.pairs + 1)):
            buy_orders.append(self.prepare_order(-i))
            sell_orders.append(self.prepare_order(i))
        return self.converge_orders(buy_orders, sell_orders)

    def prepare_order(self, index: int) -> dict[str, Any]:
        """Return one wanted order; bids have a negative index."""
        ticker = self.exchange.get_ticker()
        start = ticker["buy"] if index < 0 else ticker["sell"]
        price = round(start * (1 + self.interval) ** index, 1)
        return {"price": price, "orderQty": 1000, "side": "Buy" if index < 0 else "Sell"}

    def converge_orders(self, *_lists: list[Any]) -> Any:
        """Do what the lifecycle is to do instead."""
        raise AssertionError("the sample's own is not what is tested")
