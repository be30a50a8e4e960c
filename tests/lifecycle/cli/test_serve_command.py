"""`lifecycle serve`: its help, its refusals, and that it starts and ends as it says."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT

pytest.importorskip("aiohttp", reason="needs the extra hyperliquid")
pytest.importorskip("eth_account", reason="needs the extra hyperliquid")

HEADER = "ts_ns,recv_ns,kind,bid_px,bid_sz,ask_px,ask_sz,px,sz,side,oid,act"


def serve(*args: str) -> Result:
    return CliRunner().invoke(main, ["serve", *args], catch_exceptions=False)


def market(folder: Path, *rows: str) -> str:
    """Write a market file."""
    path = folder / "venue_eth_day.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_the_help_shows_how_to_point_the_sdk_at_it() -> None:
    text = serve("--help").output

    for word in (
        "hyperliquid-python-sdk",
        'url = "http://127.0.0.1:3001"',
        "--lost-acks",
        "/admin",
    ):
        assert word in text


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = serve("--port", str(port))

    assert result.exit_code == BAD_INPUT
    assert result.stderr == f"lifecycle: port {port} is in use, choose another with --port\n"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in [one for one in sys.modules if one.startswith("exchange.hyperliquid.served.")]:
        monkeypatch.delitem(sys.modules, name)

    result = serve("--port", "0")

    assert result.exit_code == BAD_INPUT
    needs = "serve needs aiohttp, install it: pip install 'order-lifecycle[hyperliquid]'"
    assert result.stderr == f"lifecycle: {needs}\n"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--account", "0x12"), "--account must name addresses of 0x and 40 hex digits"),
        (("--agent", "x=y"), "--agent must name addresses"),
        (("--deposit", "much"), "--deposit must be an amount, was much"),
        (("--speed", "0"), "must be a finite number above 0"),
        (("--lost-acks", "2"), "is not in the range"),
    ],
)
def test_what_cannot_be_used_is_one_line(args: tuple[str, ...], text: str) -> None:
    result = serve(*args)

    assert result.exit_code == BAD_INPUT
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("1,1,bbo,2000.01,1,2000.02,1,,,,,", "prices must have at most five figures"),
        ("1,1,l3,,,,,2000.1,1,1,7,A", "a market must be recorded by levels"),
    ],
)
def test_a_market_that_cannot_be_hyperliquids_is_refused(
    tmp_path: Path, row: str, text: str
) -> None:
    result = serve("--market", market(tmp_path, row))

    assert result.exit_code == BAD_INPUT
    assert text in result.stderr


def test_it_says_where_it_is_answers_there_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    row = "1,1,bbo,2000.1,1,2000.2,1,,,,,"
    command = [sys.executable, "-m", "lifecycle", "serve", "--port", "0", "--latency", "none"]
    with subprocess.Popen(
        [*command, "--market", market(tmp_path, row)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        said, _, url = child.stdout.readline().strip().rpartition(": ")
        asked = urllib.request.Request(  # noqa: S310 - our own server
            f"{url}/info",
            data=b'{"type":"l2Book","coin":"ETH"}',
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - the same
            book = json.load(answer)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=20)

    assert said == "ETH (venue_eth_day.csv)"
    assert [side[0]["px"] for side in book["levels"]] == ["2000.1", "2000.2"]
    assert child.returncode == 0
    assert errors.startswith("served 0 accounts, 0 orders, 0 fills in ")
