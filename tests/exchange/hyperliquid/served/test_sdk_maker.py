"""A market maker as the SDK's examples have it: it adds near the touch, follows it, and trades.

Everything goes through the SDK: the book and the fills by its websocket, orders by its REST.
"""

import threading
from typing import Any, Final

import pytest

from tests.exchange.hyperliquid.served.serving import eventually, serving, truth

pytest.importorskip("hyperliquid", reason="needs hyperliquid-python-sdk")
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info

COIN: Final = "ETH"
DEPTH: Final = 0.00005
"""Where an order is wanted, as a distance from the touch."""
ALLOWED: Final = 0.00015
"""How far from there it may be before it is cancelled."""
SIZE: Final = 0.05
FILLS: Final = 4
SPEED: Final = 60.0
"""Books come every 5.4 seconds of the market."""


class Adder:
    """Keeps an order on each side."""

    def __init__(self, url: str) -> None:
        wallet = Account.create()
        self.address: Final[str] = wallet.address
        self.exchange: Final[Any] = Exchange(wallet, url, timeout=15)
        self.info: Final[Any] = Info(url, timeout=15)
        self.resting: dict[str, tuple[int, float] | None] = {"B": None, "A": None}
        self.fills: list[Any] = []
        self.refused: list[str] = []
        self.cancelled = 0
        self._lock: Final = threading.Lock()
        self._is_over = False
        self.info.subscribe({"type": "l2Book", "coin": COIN}, self.on_book)
        self.info.subscribe({"type": "userEvents", "user": self.address}, self.on_event)

    def on_book(self, message: Any) -> None:
        """Follow the touch."""
        bids, asks = message["data"]["levels"]
        with self._lock:
            if self._is_over:
                return
            for side, levels, away in (("B", bids, -1), ("A", asks, 1)):
                self.keep(side, float(levels[0]["px"]) * (1 + away * DEPTH))

    def keep(self, side: str, ideal: float) -> None:
        """Keep an order at the price that is wanted, or near."""
        resting = self.resting[side]
        if resting is not None:
            oid, price = resting
            if abs(price - ideal) / ideal < ALLOWED:
                return
            self.exchange.cancel(COIN, oid)
            self.cancelled += 1
            self.resting[side] = None
        price = round(ideal, 1)
        answer = self.exchange.order(COIN, side == "B", SIZE, price, {"limit": {"tif": "Alo"}})
        (status,) = answer["response"]["data"]["statuses"]
        if "error" in status:
            self.refused.append(status["error"])
        else:
            self.resting[side] = (status["resting"]["oid"], price)

    def on_event(self, message: Any) -> None:
        """Learn what has filled."""
        fills = message["data"].get("fills", [])
        with self._lock:
            self.fills += fills
            gone = {fill["oid"] for fill in fills}
            for side, resting in self.resting.items():
                if resting is not None and resting[0] in gone:
                    # What may be left of it is found when it ends.
                    self.resting[side] = None

    def stop(self) -> None:
        """Place nothing more, and cancel what rests."""
        with self._lock:
            self._is_over = True
        for row in self.info.open_orders(self.address):
            self.exchange.cancel(row["coin"], row["oid"])

    def close(self) -> None:
        """Leave."""
        self.info.disconnect_websocket()
        for session in (self.info.session, self.exchange.session, self.exchange.info.session):
            session.close()


def test_a_maker_in_the_style_of_the_sdks_example_trades() -> None:
    with serving(speed=SPEED) as server:
        maker = Adder(server.url)
        try:
            eventually(lambda: len(maker.fills) >= FILLS, "it trades")
            maker.stop()
            position = sum(
                float(fill["sz"]) * (1 if fill["side"] == "B" else -1) for fill in maker.fills
            )
            account = truth(server)["accounts"][maker.address.lower()]
            eventually(
                lambda: (
                    len(maker.fills)
                    == len(truth(server)["accounts"][maker.address.lower()]["fills"])
                )
            )
        finally:
            maker.close()

    assert account["open"] == []
    assert not any(fill["crossed"] for fill in maker.fills)
    assert [fill["tid"] for fill in maker.fills] == [fill["tid"] for fill in account["fills"]]
    assert float(account["positions"][COIN]) == pytest.approx(position)
    assert all(text.startswith("Post only order") for text in maker.refused)
