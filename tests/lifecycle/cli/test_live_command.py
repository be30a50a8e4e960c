"""`lifecycle run --venue hyperliquid`: what it refuses, and that it trades through the wire."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED
from tests.lifecycle.cli.served import ADDRESS, AT_ONCE, KEY, account, serving, truth

pytest.importorskip("aiohttp", reason="needs the extra hyperliquid")
pytest.importorskip("eth_account", reason="needs the extra hyperliquid")

GUARDED = """
[risk]
exposure_cap = 2
order_qty_max = 1
[timing]
cycle_s = 1
request_timeout_s = 2
[bands]
latch_bps = 0.5
level_factors = [1.0]
[quoter]
warmup_s = 2
"""
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep nonces, and keys of whoever runs the tests, out of it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("LIFECYCLE_PRIVATE_KEY", raising=False)
    monkeypatch.delenv("LIFECYCLE_KEYSTORE_PASSWORD", raising=False)


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """Write a configuration with all guards."""
    path = tmp_path / "bot.toml"
    path.write_text(GUARDED)
    return path


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """Serve a market without faults."""
    with serving("--coin", "ETH", "--speed", "5", *AT_ONCE) as url:
        yield url


def run(*args: str, env: dict[str, str] | None = None) -> Result:
    command = ["run", "--venue", "hyperliquid", *args]
    return CliRunner().invoke(main, command, catch_exceptions=False, env=env)


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ((), "--network must be said, testnet, mainnet or a URL"),
        (("--network", "moon"), "--network must be mainnet, testnet or a URL, was 'moon'"),
        (("--network", NOWHERE), "--coin must be said"),
        (("--network", NOWHERE, "--coin", "ETH", "--seed", "1"), "--seed must be of a paper run"),
        (("--network", NOWHERE, "--coin", "ETH", "--speed", "2"), "--speed must be of a paper run"),
        (
            ("--network", NOWHERE, "--coin", "ETH", "--live", "--yes"),
            "missing: risk.exposure_cap, risk.order_qty_max",
        ),
        (("--network", NOWHERE, "--coin", "ETH", "--account", KEY), "--account must be 0x and 40"),
    ],
)
def test_what_is_missing_is_one_line(args: tuple[str, ...], problem: str) -> None:
    result = run(*args)

    assert result.exit_code == BAD_INPUT
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1
    assert KEY[2:] not in result.output


def test_live_options_need_a_live_venue() -> None:
    result = CliRunner().invoke(main, ["run", "--live"])

    assert result.exit_code == BAD_INPUT
    assert "--live must come with a live venue, add --venue hyperliquid" in result.stderr


def test_a_live_run_needs_a_journal_a_terminal_or_yes_and_a_key(bot: Path, tmp_path: Path) -> None:
    where = ("--network", NOWHERE, "--coin", "ETH", "--live", "--config", str(bot))
    journal = ("--journal", str(tmp_path / "a.journal"))

    assert "must have a journal" in run(*where, "--yes").stderr
    assert "there is no terminal: add --yes" in run(*where, *journal).stderr
    assert "must have a key" in run(*where, *journal, "--yes").stderr


def test_a_venue_that_does_not_answer_is_one_line() -> None:
    result = run("--network", NOWHERE, "--coin", "ETH")

    assert result.exit_code == BAD_INPUT
    assert result.stderr.count("\n") == 1
    assert f"must be answered within 4 tries by {NOWHERE}, the last failed" in result.stderr


def test_a_dry_run_decides_and_sends_nothing(venue: str, bot: Path, tmp_path: Path) -> None:
    before = len(truth(venue)["accounts"])
    log = tmp_path / "dry.jsonl"

    result = run(
        *("--network", venue, "--coin", "ETH", "--config", str(bot), "--minutes", "0.15"),
        *("--journal", str(tmp_path / "dry.journal"), "--log", str(log), "--json", "-"),
        env={"LIFECYCLE_PRIVATE_KEY": KEY},
    )

    summary = json.loads(result.stdout)["summaries"]["stable"]
    assert result.exit_code == 0
    assert result.stderr.count("DRY RUN: nothing is sent") == 2
    assert summary["placed"] > 0
    assert summary["violations"] == 0
    assert len(truth(venue)["accounts"]) == before
    assert log.exists()
    audited = CliRunner().invoke(main, ["audit", str(tmp_path / "dry.journal"), "--replay"])
    assert audited.exit_code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
def test_numbers_that_cannot_be_written_are_no_bad_input_after_the_run(
    venue: str, bot: Path
) -> None:
    where = ("--network", venue, "--coin", "ETH", "--config", str(bot))

    result = run(*where, "--minutes", "0.02", "--json", "/dev/full")

    assert result.exit_code == CHECK_FAILED
    assert "it is proven that nothing rests" in result.stderr
    assert "--json /dev/full could not be written: no space left on device" in result.stderr


def test_a_journal_of_a_dry_run_is_not_gone_on_with_live(
    venue: str, bot: Path, tmp_path: Path
) -> None:
    journal = ("--journal", str(tmp_path / "a.journal"))
    where = ("--network", venue, "--coin", "ETH", "--config", str(bot), *journal)
    run(*where, "--minutes", "0.02")

    result = run(*where, "--live", "--yes", env={"LIFECYCLE_PRIVATE_KEY": KEY})

    assert result.exit_code == BAD_INPUT
    assert "must be the journal of this run" in result.stderr
    assert "dry run" in result.stderr


def test_a_key_that_may_not_sign_for_the_account_is_refused(
    venue: str, bot: Path, tmp_path: Path
) -> None:
    result = run(
        *("--network", venue, "--coin", "ETH", "--config", str(bot), "--live", "--yes"),
        *("--journal", str(tmp_path / "a.journal"), "--account", "0x" + "12" * 20),
        env={"LIFECYCLE_PRIVATE_KEY": KEY},
    )

    assert result.exit_code == BAD_INPUT
    assert "the key must be allowed to sign for 0x1212" in result.stderr


def started(
    url: str, bot: Path, journal: Path, *more: str, **streams: int
) -> subprocess.Popen[str]:
    """Start a live run as a process, which has the key from its environment."""
    command = [sys.executable, "-m", "lifecycle", "run", "--venue", "hyperliquid", "--live"]
    command += ["--yes", "--network", url, "--coin", "ETH", "--config", str(bot)]
    command += ["--journal", str(journal), *more]
    home = str(journal.parent)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    env = {"LIFECYCLE_PRIVATE_KEY": KEY, "HOME": home, "XDG_CONFIG_HOME": home, "TERM": "xterm"}
    return subprocess.Popen(
        command,
        stdin=streams.get("stdin"),
        stdout=streams["stdout"],
        stderr=streams["stderr"],
        text=True,
        env=env,
    )


def until(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until something rests at the server."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        accounts = {name.lower(): one for name, one in truth(url)["accounts"].items()}
        if accounts.get(ADDRESS, {"open": []})["open"]:
            return
    raise AssertionError(f"nothing came to rest: {process.communicate(timeout=10)}")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1"])
def test_a_signal_withdraws_everything_and_proves_it(bot: Path, tmp_path: Path, name: str) -> None:
    with serving("--coin", "ETH", *AT_ONCE) as url:
        process = started(url, bot, tmp_path / "a.journal")
        until(url, process)
        process.send_signal(signal.Signals[name])
        _, said = process.communicate(timeout=60)

        assert process.returncode == 0, said
        assert "it is proven that nothing rests" in said
        assert account(url)["open"] == []


def test_a_run_whose_terminal_is_gone_ends_in_order_and_is_not_paused(
    bot: Path, tmp_path: Path
) -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    ours, theirs = pty.openpty()
    numbers = tmp_path / "numbers.json"
    with serving("--coin", "ETH", *AT_ONCE) as url:
        terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        more = ("--json", str(numbers))
        process = started(url, bot, tmp_path / "a.journal", *more, **terminal)
        until(url, process)
        process.send_signal(signal.SIGTSTP)
        os.close(theirs)
        os.close(ours)
        process.wait(timeout=60)

        assert process.returncode == 0
        assert account(url)["open"] == []
    assert json.loads(numbers.read_text())["summaries"]["stable"]["placed"] > 0


def test_a_killed_run_is_resumed_and_finds_its_orders(bot: Path, tmp_path: Path) -> None:
    journal = tmp_path / "a.journal"
    with serving("--coin", "ETH", *AT_ONCE) as url:
        process = started(url, bot, journal)
        until(url, process)
        process.kill()
        process.communicate(timeout=30)

        again = started(url, bot, journal, "--minutes", "0.05")
        _, said = again.communicate(timeout=90)
        known = account(url)

    assert again.returncode == 0, said
    assert "restored from" in said
    assert "agreed with the venue after" in said
    assert "open orders in ETH: 2 (2 ours)" in said
    assert known["open"] == []
    assert known["repeated_cloids"] == 0


def test_through_the_wire_with_faults_nothing_is_lost(bot: Path, tmp_path: Path) -> None:
    journal = tmp_path / "a.journal"
    faults = (
        *("--lost-acks", "0.1", "--errors-after", "0.05", "--too-many", "0.02"),
        *("--duplicates", "0.1", "--reorders", "0.1", "--disconnect-every", "20"),
    )
    with serving("--coin", "ETH", "--speed", "5", "--ip-weight", "0", *faults) as url:
        process = started(url, bot, journal, "--minutes", "0.3", "--json", "-")
        out, said = process.communicate(timeout=240)
        known = account(url)

    assert process.returncode == 0, said
    summary = json.loads(out)["summaries"]["stable"]
    assert summary["placed"] > 0
    assert summary["violations"] == 0
    assert known["open"] == []
    assert known["repeated_cloids"] == 0
    assert float(summary["position"]) == float(known["positions"].get("ETH", "0"))
    audited = CliRunner().invoke(main, ["audit", str(journal), "--replay"])
    assert audited.exit_code == 0, audited.output
