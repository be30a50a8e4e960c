"""`lifecycle doctor` and `lifecycle capture`, at a served venue."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exchange.capture import gaps_path, parts_of
from exchange.market import RowKind
from exchange.recording import MarketError, open_recording
from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED
from tests.lifecycle.cli.served import ADDRESS, AT_ONCE, KEY, serving

pytest.importorskip("aiohttp", reason="needs the extra hyperliquid")
pytest.importorskip("eth_account", reason="needs the extra hyperliquid")

AGENT = "0x" + "5a" * 32
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the keys of whoever runs the tests out of it."""
    monkeypatch.delenv("LIFECYCLE_PRIVATE_KEY", raising=False)


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """Serve a market, with one account that has nothing."""
    with serving("--coin", "ETH", "--speed", "4", *AT_ONCE) as url:
        yield url


def invoke(*args: str, key: str = "") -> Result:
    env = {"LIFECYCLE_PRIVATE_KEY": key} if key else None
    return CliRunner().invoke(main, args, env=env, catch_exceptions=False)


def findings(result: Result) -> dict[str, dict[str, str]]:
    return {found["name"]: found for found in json.loads(result.stdout)["findings"]}


def test_the_doctor_looks_at_everything_that_a_run_needs(venue: str, tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text("[risk]\nexposure_cap = 2\norder_qty_max = 1\n[quoter]\nsize = '0.2'\n")
    where = ("--network", venue, "--coin", "ETH", "--config", str(config))

    result = invoke("doctor", *where, "--json", "-", key=KEY)

    found = findings(result)
    assert result.exit_code == 0, result.output
    assert list(found) == [
        *("rest", "clock", "instrument", "account", "quota", "position", "open orders"),
        *("key", "guards", "websocket", "decision"),
    ]
    assert found["decision"]["what"].startswith("would place buy 0.2")
    assert "0 of 10000 requests used" in found["quota"]["what"]
    assert found["key"]["verdict"] == "warn"
    assert "can also withdraw" in found["key"]["todo"]
    assert found["account"]["what"].lower().startswith(ADDRESS)


def test_the_doctor_says_a_line_each_and_what_to_do(venue: str, tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text("[timing]\ncycle_s = 3\n")

    result = invoke("doctor", "--network", venue, "--coin", "ETH", "--config", str(config))

    assert result.exit_code == CHECK_FAILED
    assert "fail  guards       missing: risk.exposure_cap, risk.order_qty_max" in result.stdout
    assert "→ a live run needs them" in result.stdout
    assert "warn  account      none was named" in result.stdout


def test_a_key_that_is_no_agent_of_the_account_fails(venue: str) -> None:
    where = ("--network", venue, "--coin", "ETH", "--account", ADDRESS)

    result = invoke("doctor", *where, "--json", "-", key=AGENT)

    assert result.exit_code == CHECK_FAILED
    assert findings(result)["key"]["verdict"] == "fail"


def test_a_coin_that_is_not_listed_fails(venue: str) -> None:
    result = invoke("doctor", "--network", venue, "--coin", "NOSUCH", "--json", "-")

    assert result.exit_code == CHECK_FAILED
    assert "must be listed" in findings(result)["rest"]["what"]


def test_an_agent_of_the_account_may_trade_and_not_withdraw() -> None:
    from exchange.hyperliquid.signing import Key

    agent = Key(AGENT).address
    options = ("--account", ADDRESS, "--agent", f"{agent}={ADDRESS}")
    with serving("--coin", "ETH", "--speed", "4", *options, *AT_ONCE) as url:
        where = ("--network", url, "--coin", "ETH", "--account", ADDRESS)

        result = invoke("doctor", *where, "--json", "-", key=AGENT)

    assert findings(result)["key"]["verdict"] == "ok"
    assert "an approved agent" in findings(result)["key"]["what"]


def test_a_capture_reads_as_a_market(venue: str, tmp_path: Path) -> None:
    out = tmp_path / "hl_eth.csv.gz"

    result = invoke(
        *("capture", "--network", venue, "--coin", "ETH", "--out", str(out)),
        *("--minutes", "0.12", "--rotate", "3s", "--flush", "1"),
    )

    assert result.exit_code == 0, result.output
    parts = parts_of(out)
    assert len(parts) >= 2
    for part in parts:
        recording = open_recording(part)
        kinds = {row.kind for row in recording}
        assert {RowKind.BBO, RowKind.DEPTH} <= kinds
        assert next(recording.as_recorded()).act == "S"
        assert all(row.recv > 0 for row in recording)


def test_a_capture_that_is_interrupted_is_whole_and_goes_on(venue: str, tmp_path: Path) -> None:
    out = tmp_path / "hl_eth.csv.gz"
    command = [sys.executable, "-m", "lifecycle", "capture", "--network", venue, "--coin", "ETH"]
    command += ["--out", str(out), "--flush", "0.2"]
    for _ in range(2):
        known = len(parts_of(out))
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None:
                parts = parts_of(out)
                if len(parts) > known and rows_in(parts[-1]) > 0:
                    break
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said

    assert len(parts_of(out)) == 2
    assert "not running" in gaps_path(out).read_text()
    assert all(len(open_recording(part)) for part in parts_of(out))


def test_a_broken_stream_is_a_gap_and_then_the_whole_book(tmp_path: Path) -> None:
    out = tmp_path / "hl_eth.csv.gz"
    with serving("--coin", "ETH", *AT_ONCE) as url:
        command = [sys.executable, "-m", "lifecycle", "capture", "--network", url, "--coin", "ETH"]
        command += ["--out", str(out), "--flush", "0.2"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            broken = False
            while process.poll() is None and not gaps_path(out).exists():
                if not broken and rows_in(out) > 0:
                    broken = True
                    _disconnect(url)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)

    assert process.returncode == 0, said
    assert "stream broken" in gaps_path(out).read_text()
    end = int(gaps_path(out).read_text().splitlines()[1].split(",")[1])
    after = [row for row in open_recording(out).as_recorded() if row.recv >= end]
    book = [row for row in after if row.kind == RowKind.DEPTH]
    assert not book or book[0].act == "S"


def rows_in(part: Path) -> int:
    """Return how many rows can be read so far of what is being written."""
    try:
        return len(open_recording(part))
    except (MarketError, FileNotFoundError):
        return 0


def _disconnect(url: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{url}/admin/disconnect", b"{}", {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
        assert answer.status == 200


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("--out", "a.csv.gz"), "--network must be said"),
        (("--network", NOWHERE, "--coin", "ETH", "--out", "a.csv.gz"), "must be answered within"),
        (("--network", NOWHERE, "--out", "a.csv.gz"), "--coin must be said"),
        (("--out", "a.csv.gz", "--rotate", "soon"), "rotation must be such as 1h, 30m or 100MB"),
    ],
)
def test_what_is_wrong_with_a_capture_is_one_line(args: tuple[str, ...], problem: str) -> None:
    result = invoke("capture", *args)

    assert result.exit_code == BAD_INPUT
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("a.csv.gz").exists()
