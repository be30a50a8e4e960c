"""The naive example with and without its one changed line, side by side in the same market.

Two minutes of the market at twenty times its speed. The whole comparison, ten minutes of the
recorded one, is `python -m tools.naive`.
"""

import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.hyperliquid.served.serving import GENERATED_ETH, serving, truth

pytest.importorskip("hyperliquid", reason="needs hyperliquid-python-sdk")
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info

from exchange.hyperliquid.served.server import Served
from exchange.hyperliquid.served.world import Terms
from exchange.paper.latency import LATENCIES
from lifecycle.audit.audited import audit_journal
from lifecycle.dropin.clock import Clock
from lifecycle.dropin.hyperliquid_sdk import ManagedExchange
from lifecycle.journal.reading import read_journal
from lifecycle.run.config import MarketConfig, VenueConfig
from lifecycle.run.market import load_market

ROOT = Path(__file__).resolve().parents[3]
SPEED = 20.0
CYCLES = 20
CYCLE_S = 6.0
KAPPA = 2400.0


def example() -> Any:
    """Load the example as it is."""
    path = ROOT / "examples" / "naive_hyperliquid.py"
    spec = importlib.util.spec_from_file_location("naive_hyperliquid", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trade(bot: Any) -> None:
    """Run a bot in the market's time."""
    never = threading.Event()
    started = time.monotonic()
    for cycle in range(1, CYCLES + 1):
        bot.cycle()
        never.wait(max(0.0, started + cycle * CYCLE_S / SPEED - time.monotonic()))


def compare(served: Served, journal: Path) -> tuple[Any, Any, Any, Any]:
    """Return both bots, and what the venue knows of each."""
    module = example()
    terms = Terms(latency=LATENCIES["fast"], seed=1)
    with serving(served, terms, speed=SPEED) as server:
        before = module.NaiveBot(Exchange(Account.create(), server.url, timeout=15), KAPPA)
        exchange = Exchange(Account.create(), server.url, timeout=15)
        info = Info(server.url, skip_ws=True, timeout=15)
        managed = ManagedExchange(
            exchange, info, journal=journal, window_s=4.0, clock=Clock(speed=SPEED)
        )
        after = module.NaiveBot(managed, KAPPA)
        threads = [threading.Thread(target=trade, args=(bot,)) for bot in (before, after)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        managed.close()
        accounts = truth(server)["accounts"]
        for one in (before.exchange, exchange):
            one.session.close()
            one.info.session.close()
        info.session.close()
    return before, after, *(accounts[bot.user.lower()] for bot in (before, after))


@pytest.mark.parametrize("market", ["generated", "recorded"])
def test_the_naive_bot_makes_a_fraction_of_the_calls_and_fills_as_well(
    market: str, recorded: Callable[[str], Path], tmp_path: Path
) -> None:
    served = GENERATED_ETH
    if market == "recorded":
        loaded = load_market(
            MarketConfig(file=str(recorded("hl_eth_20250904")), minutes=5), VenueConfig()
        )
        instrument = loaded.instrument.replaced(symbol="ETH")
        served = Served(instrument, "ETH", loaded.rows, loaded.start)
    before, after, was, now = compare(served, tmp_path / "bot.db")
    reading = read_journal(tmp_path / "bot-ETH.db")
    found = audit_journal("bot", reading.header, reading.records(), replay=True)
    minutes = CYCLES * CYCLE_S / 60

    assert was["rate_limit"]["nRequestsUsed"] / minutes > 30
    # The first two places are a minute's worth already.
    assert now["rate_limit"]["nRequestsUsed"] / minutes <= 8
    # In two minutes there are few, and one more or less is chance.
    assert len(now["fills"]) + 1 >= len(was["fills"])
    assert before.strange == after.strange == 0
    assert [*found.violations] == []
    assert found.difference is None


def test_a_deferred_cancel_is_sent_when_the_interpreter_ends() -> None:
    program = """
import sys
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from lifecycle.dropin.hyperliquid_sdk import ManagedExchange
url = sys.argv[1]
plain = Exchange(Account.create(), url, timeout=15)
exchange = ManagedExchange(plain, Info(url, skip_ws=True, timeout=15), window_s=3600)
answer = exchange.order("ETH", True, 0.05, 1900.0, {"limit": {"tif": "Alo"}})
exchange.cancel("ETH", answer["response"]["data"]["statuses"][0]["resting"]["oid"])
"""
    # At the speed of the program's own clock: ahead of it, a request would be past its expiry.
    with serving(speed=1) as server:
        subprocess.run([sys.executable, "-c", program, server.url], check=True, cwd=ROOT)
        (account,) = truth(server)["accounts"].values()

    assert [order["status"] for order in account["orders"]] == ["canceled"]
    assert account["open"] == []
