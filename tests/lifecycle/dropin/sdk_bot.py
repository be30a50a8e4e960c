"""A bot of the real SDK at a served venue, its orders managed, its journal audited at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exchange.hyperliquid.served.server import Server
from lifecycle.audit.audited import audit_journal
from lifecycle.dropin.clock import Clock
from lifecycle.dropin.hyperliquid_sdk import ManagedExchange
from lifecycle.journal.reading import read_journal
from tests.exchange.hyperliquid.served.serving import truth

COIN: Final = "ETH"
SIZE: Final = 0.05
ALO: Final = {"limit": {"tif": "Alo"}}
SPEED: Final = 10.0
WINDOW_S: Final = 600.0
"""Of the market, a minute of a test's: what is deferred waits for whatever a slow machine does."""
SEED: Final = "0x" + 32 * "17"


@dataclass
class Bot:
    """What a test has in hands."""

    server: Server
    plain: Any
    """The SDK's `Exchange`."""
    info: Any
    """The SDK's `Info`."""
    managed: ManagedExchange
    address: str

    @property
    def calls(self) -> int:
        """What the venue has counted against the account."""
        account = truth(self.server)["accounts"].get(self.address.lower())
        return 0 if account is None else int(account["rate_limit"]["nRequestsUsed"])

    @property
    def resting(self) -> list[tuple[str, str]]:
        """Side and price of what rests in truth."""
        account = truth(self.server)["accounts"].get(self.address.lower())
        rows = [] if account is None else account["open"]
        return sorted((row["side"], row["limitPx"]) for row in rows)

    def touch(self) -> tuple[float, float]:
        """Return bid and ask."""
        bids, asks = self.info.l2_snapshot(COIN)["levels"]
        return float(bids[0]["px"]), float(asks[0]["px"])

    def away(self, is_buy: bool, bps: float) -> float:
        """Return a valid price so far behind the touch."""
        bid, ask = self.touch()
        return round(bid * (1 - bps / 1e4) if is_buy else ask * (1 + bps / 1e4), 1)

    def order(self, is_buy: bool, price: float, size: float = SIZE, **more: Any) -> Any:
        """Place; return what became of it."""
        return only(self.managed.order(COIN, is_buy, size, price, ALO, **more))


@contextmanager
def bot_at(server: Server, journal: Path, **options: Any) -> Iterator[Bot]:
    """Give a bot, close it, and hold every promise against what was recorded."""
    from eth_account import Account
    from hyperliquid.exchange import Exchange
    from hyperliquid.info import Info

    wallet = Account.from_key(SEED)
    plain = Exchange(wallet, server.url, timeout=15)
    info = Info(server.url, skip_ws=True, timeout=15)
    settings = {"window_s": WINDOW_S, "clock": Clock(speed=SPEED), **options}
    managed = ManagedExchange(plain, info, journal=journal, **settings)
    try:
        yield Bot(server, plain, info, managed, wallet.address)
    finally:
        managed.close()
        for session in (plain.session, plain.info.session, info.session):
            session.close()
    recorded = journal.with_name(f"{journal.stem}-{COIN}{journal.suffix}")
    if recorded.exists():
        reading = read_journal(recorded)
        found = audit_journal(recorded.name, reading.header, reading.records(), replay=True)
        assert [*found.violations] == []
        assert found.difference is None


def only(answer: Any) -> Any:
    """Return the one status of an answer that was processed."""
    assert answer["status"] == "ok", answer
    (status,) = answer["response"]["data"]["statuses"]
    return status


def oid_of(status: Any) -> int:
    """Return the oid of an order that rests."""
    oid: int = status["resting"]["oid"]
    return oid
