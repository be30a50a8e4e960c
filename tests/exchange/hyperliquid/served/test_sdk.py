"""The official SDK, its own code unmodified, against the served venue.

What its examples do is done here: place, modify and cancel by either id, alone and in bulk, the
questions that they ask, and every subscription that its websocket client knows.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from exchange.hyperliquid.served.server import Server
from exchange.units import SECOND
from tests.exchange.hyperliquid.served.serving import eventually, serving, truth

pytest.importorskip("hyperliquid", reason="needs hyperliquid-python-sdk")
from eth_account import Account
from eth_account.signers.local import LocalAccount
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.error import ClientError, ServerError
from hyperliquid.utils.signing import get_timestamp_ms
from hyperliquid.utils.types import Cloid

ALO: Final = {"limit": {"tif": "Alo"}}
GTC: Final = {"limit": {"tif": "Gtc"}}
IOC: Final = {"limit": {"tif": "Ioc"}}
NEVER: Final = "Order was never placed, already canceled, or filled. asset=1"


class Trader:
    """A wallet with the SDK's two clients."""

    def __init__(self, server: Server) -> None:
        self.wallet: Final[LocalAccount] = Account.create()
        self.address: Final[str] = self.wallet.address
        self.exchange: Final[Any] = Exchange(self.wallet, server.url, timeout=15)
        self.info: Final[Any] = self.exchange.info

    def place(self, px: float, sz: float = 0.1, *, buy: bool = True, **more: Any) -> Any:
        """Place an order of ETH; return what became of it."""
        more.setdefault("order_type", ALO)
        return only(self.exchange.order("ETH", buy, sz, px, **more))

    def rest(self, px: float, **more: Any) -> int:
        """Place an order that rests; return its oid."""
        oid: int = self.place(px, **more)["resting"]["oid"]
        return oid

    def open_oids(self) -> list[int]:
        """Return what rests, newest first."""
        return [row["oid"] for row in self.info.open_orders(self.address)]

    def status(self, oid: int) -> str:
        """Return the status of an order."""
        found: str = self.info.query_order_by_oid(self.address, oid)["order"]["status"]
        return found


def only(answer: Any) -> Any:
    """Return the status of the only item."""
    (status,) = all_of(answer)
    return status


def all_of(answer: Any) -> Any:
    """Return the statuses of all items."""
    assert answer["status"] == "ok", answer
    return answer["response"]["data"]["statuses"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture
def trader(server: Server) -> Iterator[Trader]:
    one = Trader(server)
    yield one
    one.exchange.session.close()
    one.info.session.close()


def test_an_order_is_placed_asked_for_and_cancelled(trader: Trader) -> None:
    oid = trader.rest(1100.0, sz=0.2, order_type=GTC)
    assert trader.status(oid) == "open"
    assert trader.open_oids() == [oid]

    cancelled = trader.exchange.cancel("ETH", oid)

    assert only(cancelled) == "success"
    assert trader.status(oid) == "canceled"
    assert trader.open_oids() == []
    assert only(trader.exchange.cancel("ETH", oid)) == {"error": NEVER}


def test_an_order_is_followed_by_its_cloid(trader: Trader) -> None:
    cloid, other = Cloid.from_int(1), Cloid.from_int(2)
    placed = trader.place(1100.0, cloid=cloid)
    assert placed["resting"]["cloid"] == cloid.to_raw()

    found = trader.info.query_order_by_cloid(trader.address, cloid)
    unknown = trader.info.query_order_by_cloid(trader.address, other)
    cancelled = trader.exchange.cancel_by_cloid("ETH", cloid)

    assert found["order"]["order"]["cloid"] == cloid.to_raw()
    assert unknown == {"status": "unknownOid"}
    assert only(cancelled) == "success"


def test_an_order_is_modified_by_oid_and_by_cloid(trader: Trader) -> None:
    cloid = Cloid.from_int(1)
    first = trader.rest(1100.0, cloid=cloid)

    by_oid = only(trader.exchange.modify_order(first, "ETH", True, 0.1, 1105.0, GTC, cloid=cloid))
    by_cloid = only(trader.exchange.modify_order(cloid, "ETH", True, 0.1, 1106.0, GTC))

    second, third = by_oid["resting"]["oid"], by_cloid["resting"]["oid"]
    assert first < second < third
    assert "cloid" not in by_cloid["resting"]
    assert [trader.status(oid) for oid in (first, second, third)] == ["canceled"] * 2 + ["open"]
    (row,) = trader.info.open_orders(trader.address)
    assert (row["oid"], row["limitPx"], row["sz"]) == (third, "1106.0", "0.1")
    assert "cloid" not in row


def test_orders_are_placed_modified_and_cancelled_in_bulk(trader: Trader) -> None:
    cloids = [Cloid.from_int(number) for number in range(1, 5)]
    wanted = [
        {
            "coin": "ETH",
            "is_buy": True,
            "sz": 0.1,
            "limit_px": 1100.0 + number,
            "order_type": ALO,
            "reduce_only": False,
            "cloid": cloid,
        }
        for number, cloid in enumerate(cloids)
    ]

    placed = all_of(trader.exchange.bulk_orders(wanted))
    oids = [status["resting"]["oid"] for status in placed]
    changed = [
        {"oid": oid, "order": {**one, "sz": 0.2}} for oid, one in zip(oids, wanted, strict=True)
    ]
    modified = all_of(trader.exchange.bulk_modify_orders_new(changed))
    moved = [status["resting"]["oid"] for status in modified]
    by_oid = trader.exchange.bulk_cancel([{"coin": "ETH", "oid": oid} for oid in moved[:2]])
    by_cloid = trader.exchange.bulk_cancel_by_cloid(
        [{"coin": "ETH", "cloid": cloid} for cloid in cloids[1:]]
    )

    assert all_of(by_oid) == ["success", "success"]
    assert all_of(by_cloid) == [{"error": NEVER}, "success", "success"]
    assert trader.open_oids() == []


def test_a_market_order_is_filled_and_closed_and_the_state_says_so(trader: Trader) -> None:
    opened = only(trader.exchange.market_open("ETH", True, 0.3))["filled"]
    state = trader.info.user_state(trader.address)
    closed = only(trader.exchange.market_close("ETH"))["filled"]

    (position,) = [one["position"] for one in state["assetPositions"]]
    assert (position["coin"], position["szi"], opened["totalSz"]) == ("ETH", "0.3", "0.3")
    assert position["entryPx"] == opened["avgPx"]
    assert closed["totalSz"] == "0.3"
    assert trader.info.user_state(trader.address)["assetPositions"] == []
    fills = trader.info.user_fills(trader.address)
    assert {one["dir"] for one in fills if one["oid"] == closed["oid"]} == {"Close Long"}
    by_time = trader.info.user_fills_by_time(trader.address, 0)
    assert by_time == fills[::-1]


def test_post_only_and_small_orders_are_refused_in_the_venues_words(trader: Trader) -> None:
    crossing = trader.place(2400.0)
    small = trader.place(1100.0, sz=0.001)

    assert crossing["error"].startswith("Post only order would have immediately matched, bbo was")
    assert small == {"error": "Order must have minimum value of $10. asset=1"}


def test_orders_are_cancelled_at_the_time_that_was_scheduled(trader: Trader) -> None:
    oid = trader.rest(1100.0)

    # Five seconds are the least, of a market that runs twenty times as fast.
    answer = trader.exchange.schedule_cancel(get_timestamp_ms() + 400)

    assert answer == {"status": "ok", "response": {"type": "default"}}
    eventually(lambda: trader.open_oids() == [])
    assert trader.status(oid) == "scheduledCancel"


def test_what_the_examples_round_and_trade_elsewhere_is_listed(trader: Trader) -> None:
    decimals = {one["name"]: one["szDecimals"] for one in trader.info.meta()["universe"]}
    placed = only(trader.exchange.order("OP", True, 12.3, 1.2346, GTC))

    assert decimals["OP"] == 1
    assert trader.info.name_to_coin["PURR/USDC"] == "PURR/USDC"
    assert only(trader.exchange.cancel("OP", placed["resting"]["oid"])) == "success"


def test_builders_dexes_are_traded_by_their_names(server: Server) -> None:
    wallet = Account.create()
    exchange: Any = Exchange(wallet, server.url, perp_dexs=["", "test", "hyna"], timeout=15)
    assert exchange.info.name_to_asset("test:ABC") == 110000
    assert exchange.info.name_to_asset("hyna:ETH") == 140001

    there = only(exchange.order("test:ABC", True, 20, 1, GTC))
    live = only(exchange.order("hyna:ETH", True, 0.1, 1100.0, ALO, cloid=Cloid.from_int(7)))

    rows = exchange.info.open_orders(wallet.address, dex="hyna")
    assert [row["oid"] for row in rows] == [live["resting"]["oid"]]
    assert only(exchange.cancel("test:ABC", there["resting"]["oid"])) == "success"
    exchange.session.close()
    exchange.info.session.close()


def test_everything_else_that_is_asked_has_the_documented_form(trader: Trader) -> None:
    trader.rest(1100.0)
    info, user = trader.info, trader.address

    assert float(info.all_mids()["ETH"]) > 1000
    shown = info.l2_snapshot("ETH")["levels"][0]
    assert 0 < len(shown) <= 20, "the market moves while this is asked"
    assert all(set(level) == {"px", "sz", "n"} for level in shown)
    assert info.frontend_open_orders(user)[0]["orderType"] == "Limit"
    assert info.historical_orders(user)[0]["status"] == "open"
    meta, contexts = info.meta_and_asset_ctxs()
    assert len(meta["universe"]) == len(contexts)
    assert info.spot_user_state(user)["balances"][0]["coin"] == "USDC"
    assert info.user_rate_limit(user)["nRequestsUsed"] == 1
    assert info.user_role(user) == {"role": "user"}
    assert info.user_fees(user)["userAddRate"] == "0.00015"
    assert isinstance(info.candles_snapshot("ETH", "1m", 0, get_timestamp_ms()), list)
    assert trader.exchange.update_leverage(5, "ETH")["status"] == "ok"
    assert trader.exchange.update_isolated_margin(1.0, "ETH")["status"] == "ok"
    assert trader.exchange.set_referrer("NOBODY")["status"] == "ok"
    assert trader.exchange.noop(get_timestamp_ms() + 1)["status"] == "ok"


def test_an_action_that_has_expired_is_refused(trader: Trader) -> None:
    trader.exchange.set_expires_after(get_timestamp_ms() - 10_000)

    answer = trader.exchange.order("ETH", True, 0.1, 1100.0, ALO)

    assert answer == {"status": "err", "response": "Action already expired"}


def test_the_sdk_raises_what_it_raises_at_the_venue() -> None:
    with serving() as server:
        trader = Trader(server)
        server.faults.knobs = server.faults.knobs.but(too_many=1.0)
        with pytest.raises(ClientError) as limited:
            trader.open_oids()
        server.faults.knobs = server.faults.knobs.but(too_many=0.0, errors_after=1.0)
        with pytest.raises(ServerError) as broken:
            trader.rest(1100.0)
        trader.exchange.session.close()
        trader.info.session.close()
        (account,) = truth(server)["accounts"].values()

    assert (limited.value.status_code, limited.value.error_message) == (429, "null")
    assert broken.value.status_code == 502
    assert len(account["open"]) == 1


def test_every_subscription_of_the_sdk_is_fed(server: Server) -> None:
    wallet = Account.create()
    user = wallet.address
    exchange: Any = Exchange(wallet, server.url, timeout=15)
    info: Any = Info(server.url, timeout=15)
    heard: dict[str, list[Any]] = {}
    wanted: list[dict[str, str]] = [
        {"type": "allMids"},
        {"type": "l2Book", "coin": "ETH"},
        {"type": "trades", "coin": "ETH"},
        {"type": "bbo", "coin": "ETH"},
        {"type": "candle", "coin": "ETH", "interval": "1m"},
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "userEvents", "user": user},
        {"type": "userFills", "user": user},
        {"type": "orderUpdates", "user": user},
        {"type": "userFundings", "user": user},
        {"type": "userNonFundingLedgerUpdates", "user": user},
        {"type": "webData2", "user": user},
        {"type": "activeAssetData", "user": user, "coin": "BTC"},
    ]
    # Accepted, and silent: spot does not trade here.
    silent = [{"type": "trades", "coin": "PURR/USDC"}, {"type": "activeAssetCtx", "coin": "@1"}]
    try:
        for one in wanted:
            info.subscribe(one, heard.setdefault(one["type"], []).append)
        for one in silent:
            info.subscribe(one, lambda _: None)
        eventually(lambda: len(heard["userFills"]) and len(heard["webData2"]))
        only(exchange.order("ETH", True, 0.1, 2400.0, IOC))

        eventually(lambda: all(heard.values()), "each is told something")
        eventually(lambda: len(heard["userFills"]) > 1)
    finally:
        info.disconnect_websocket()
        info.session.close()
        exchange.session.close()
        exchange.info.session.close()

    assert heard["userFills"][0]["data"]["isSnapshot"]
    fills = heard["userFills"][1]["data"]["fills"]
    assert heard["userEvents"][0]["data"]["fills"] == fills
    entries = heard["orderUpdates"][0]["data"]
    assert [entry["status"] for entry in entries] == ["open", "filled"]
    assert any(t["users"][0] == user.lower() for m in heard["trades"] for t in m["data"])


def test_times_that_are_shown_are_the_wall_clocks(trader: Trader) -> None:
    before = time.time_ns() * 1000 // SECOND
    trader.rest(1100.0)

    (row,) = trader.info.open_orders(trader.address)

    assert before - 1000 <= row["timestamp"] <= time.time_ns() * 1000 // SECOND + 1000
