"""The BitMEX sample itself: its order manager, exchange and connector, on a made-up server.

Run where the package is installed (`python -m tools.peers_env bitmex`). In most tests its two wires
are replaced, HTTP by an adapter of requests and the websocket by a table, so that no time passes;
in the last one its own program runs against a server on this machine.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import pytest

from lifecycle.dropin.bitmex import Converger, Converging
from tests.lifecycle.dropin.bitmex_sample import ExchangeInterface, HTTPError, Ticking

pytest.importorskip("market_maker", reason="bitmex-market-maker is not installed")
requests = pytest.importorskip("requests")

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = """
BASE_URL = "https://bitmex.invalid/api/v1/"
API_KEY, API_SECRET = "key", "secret"
API_REST_INTERVAL = 0
ORDER_PAIRS = 3
ORDER_START_SIZE, ORDER_STEP_SIZE = 1000, 0
INTERVAL, MIN_SPREAD = 0.002, 0.001
MAINTAIN_SPREADS = True
POST_ONLY = True
WATCHED_FILES = []
"""


class Wire(requests.adapters.BaseAdapter):  # type: ignore[misc, name-defined]
    """The server's orders, by HTTP."""

    def __init__(self, server: ExchangeInterface) -> None:
        super().__init__()
        self.server = server
        self.cut = 0
        """So many answers are lost."""

    def send(self, request: Any, **_options: Any) -> Any:
        """Answer a request, or lose the answer."""
        asked = json.loads(request.body) if request.body else {}
        path = urlparse(request.url).path.removeprefix("/api/v1/")
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url
        try:
            said = self._serve(request.method, path, asked)
        except HTTPError as error:
            answer.status_code = error.response.status_code
            said = {"error": {"message": str(error)}}
        answer._content = json.dumps(said).encode()
        if self.cut and request.method == "POST":
            self.cut -= 1
            raise requests.exceptions.ConnectionError("the answer is lost")
        return answer

    def close(self) -> None:
        """Nothing is open."""

    def _serve(self, method: str, path: str, asked: dict[str, Any]) -> Any:
        match method, path:
            case "POST", "order/bulk":
                return self.server.create(asked["orders"])
            case "POST", "order":
                return self.server.create([asked])[0]
            case "PUT", "order":
                return self.server.amend_bulk_orders([asked])[0]
            case "PUT", "order/bulk":
                return self.server.amend_bulk_orders(asked["orders"])
            case "DELETE", "order":
                oids = asked["orderID"]
                return self.server.cancel_bulk_orders([{"orderID": oid} for oid in oids])
            case "GET", "order":
                return self.server.rows()
            case _:
                raise AssertionError(f"a route must be known, was {method} {path}")


class Table:
    """The websocket's tables."""

    exited = False

    def __init__(self, server: ExchangeInterface) -> None:
        self.server = server

    def connect(self, *_arguments: Any, **_options: Any) -> None:
        """Connect nowhere."""

    def exit(self) -> None:
        """End nothing."""

    def open_orders(self, prefix: str) -> list[Any]:
        """Return the rows of this bot."""
        return [row for row in self.server.rows() if row["clOrdID"].startswith(prefix)]

    def get_instrument(self, symbol: str) -> dict[str, Any]:
        """Return the instrument."""
        about = self.server.get_instrument(symbol)
        ticker = self.server.get_ticker()
        return about | {
            "state": "Open",
            "midPrice": (ticker["buy"] + ticker["sell"]) / 2,
            "isQuanto": False,
            "isInverse": False,
            "underlyingToSettleMultiplier": 1,
            "multiplier": 1,
            "quoteToSettleMultiplier": 1,
            "markPrice": ticker["buy"],
            "indicativeSettlePrice": ticker["buy"],
        }

    def get_ticker(self, _symbol: str) -> dict[str, float]:
        """Return the touch and the mid."""
        ticker = self.server.get_ticker()
        return ticker | {"mid": (ticker["buy"] + ticker["sell"]) / 2}

    def funds(self) -> dict[str, float]:
        """Return the balance."""
        return {"marginBalance": 1e8, "availableFunds": 1e8}

    def position(self, symbol: str) -> dict[str, Any]:
        """Return no position."""
        return {"avgCostPrice": 0, "avgEntryPrice": 0, "currentQty": 0, "symbol": symbol}


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the package's `market_maker` module, with its two wires ours."""
    (tmp_path / "settings.py").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["marketmaker"])
    return importlib.import_module("market_maker.market_maker")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_samples_own_bot_changes_one_line(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Ticking()
    server = ExchangeInterface(clock)
    wire = Wire(server)
    monkeypatch.setattr(sample.bitmex, "BitMEXWebsocket", lambda: Table(server))
    monkeypatch.setattr(sample.atexit, "register", lambda _exit: None)
    monkeypatch.setattr(sample.signal, "signal", lambda *_: None)

    class Managed(Converging, sample.OrderManager):  # type: ignore[misc]
        """The one line."""

        @property
        def converger(self) -> Converger:
            if self._converger is None:
                self.exchange.bitmex.session.mount("https://", wire)  # type: ignore[attr-defined]
                self._converger = Converger(self.exchange, clock=clock)
            return self._converger

        def reset(self) -> None:
            assert self.converger is not None
            super().reset()

    bot = Managed()
    assert len(server.paper.open_orders()) == 6
    for _ in range(60):
        clock.pass_by(5)
        bot.place_orders()
    clock.pass_by(5)
    calls = [call for call in server.calls if call in ("create", "amend", "cancel")]

    assert bot.converger.driver.is_agreed
    assert len(server.paper.open_orders()) >= 4
    assert len(calls) < 60
    assert {row["clOrdID"][:10] for row in server.rows()} == {"mm_bitmex_"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_creation_whose_answer_is_lost_is_found(
    sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ticking()
    server = ExchangeInterface(clock)
    wire = Wire(server)
    monkeypatch.setattr(sample.bitmex, "BitMEXWebsocket", lambda: Table(server))
    monkeypatch.setattr(sample.bitmex.time, "sleep", lambda _seconds: None)
    exchange = sample.ExchangeInterface()
    exchange.bitmex.session.mount("https://", wire)
    converger = Converger(exchange, clock=clock)
    wanted = [{"price": server.get_ticker()["buy"] - 5, "orderQty": 1000, "side": "Buy"}]
    wire.cut = 1
    done = converger.converge_orders(wanted, [])
    for _ in range(3):
        clock.pass_by(5)
        done = converger.converge_orders(wanted, [])

    assert len(server.paper.open_orders()) == len(done.kept) == 1
    assert server.calls.count("create") == 1


PROGRAM = """
from lifecycle.dropin.bitmex import Converging
from market_maker.market_maker import OrderManager


class CustomOrderManager(Converging, OrderManager):
    def place_orders(self) -> None:
        super().place_orders()
        print("cycle", flush=True)


CustomOrderManager().run_loop()
"""
"""As a user writes it, but that it tells of its cycles."""


def test_the_samples_own_program_trades_by_its_own_wires(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    from tests.lifecycle.dropin.bitmex_server import serving

    with serving() as server:
        settings = SETTINGS.replace("https://bitmex.invalid/api/v1/", server.url)
        (tmp_path / "settings.py").write_text(settings + "LOOP_INTERVAL = 0.2\n")
        (tmp_path / "bot.py").write_text(PROGRAM)
        command = [sys.executable, "-W", "ignore", "bot.py"]
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        ) as bot:
            assert bot.stdout is not None
            cycles, said = 0, []
            while cycles < 10 and (line := bot.stdout.readline()):
                cycles += line == "cycle\n"
                said.append(line)
            sent, resting = server.count("create", "amend", "cancel"), server.resting()
            bot.send_signal(signal.SIGINT)
            said.append(bot.stdout.read())

        assert cycles == 10, "".join(said)
        assert len(resting) >= 5
        assert {row["clOrdID"][:10] for row in resting} == {"mm_bitmex_"}
        assert sent < 20
        assert server.resting() == []
