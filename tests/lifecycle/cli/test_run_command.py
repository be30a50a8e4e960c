"""`lifecycle run`, for real, on the generated market, without a screen."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED
from lifecycle.run import watched
from lifecycle.views.goals import GOALS
from spec.invariants.base import Invariant

SHORT = ("--minutes", "1.5", "--cycle", "2")
"""Half a minute after warm-up: long enough for orders, short enough for a test."""


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["run", *args], catch_exceptions=False)


@pytest.fixture(scope="module")
def both() -> Result:
    """Run the command as most people will at first, but shorter."""
    return run(*SHORT)


def test_a_run_ends_with_both_tables_on_stdout(both: Result) -> None:
    assert both.exit_code == 0
    assert "legacy and stable on generated, seed 1" in both.stdout
    assert "API calls per minute" in both.stdout
    assert "uptime" in both.stdout


def test_progress_goes_to_stderr_about_every_tenth(both: Result) -> None:
    lines = both.stderr.splitlines()

    for policy in ("legacy", "stable"):
        own = [line for line in lines if line.startswith(f"{policy}: ")]
        assert own[0] == f"{policy}: generated, seed 1, 1.5 min"
        assert " placed, " in own[-1]
        assert 5 <= len(own) <= 13
    assert len(lines) <= 26


def test_no_terminal_gets_no_escape_codes(both: Result) -> None:
    assert "\x1b" not in both.output


def test_json_to_stdout_is_the_only_thing_there() -> None:
    result = run(*SHORT, "--json", "-")

    content = json.loads(result.stdout)
    assert sorted(content["summaries"]) == ["legacy", "stable"]
    assert content["goals"]["policy"] == "stable"
    assert sorted(content["goals"]["held"]) == sorted(goal.key for goal in GOALS)


def test_the_same_run_writes_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.json", "two.json")]
    for file in files:
        run(*SHORT, "--json", str(file))

    one, two = (file.read_bytes() for file in files)
    assert one == two
    assert list(json.loads(one)) == sorted(json.loads(one))


def test_one_policy_stands_alone() -> None:
    result = run(*SHORT, "--policy", "stable", "--json", "-")

    assert list(json.loads(result.stdout)["summaries"]) == ["stable"]


@pytest.mark.parametrize("policy", ["phase-1", "only-grid", "without-modify"])
def test_a_step_between_the_policies_can_be_run(policy: str) -> None:
    result = run(*SHORT, "--policy", policy, "--json", "-")

    assert result.exit_code == 0
    assert list(json.loads(result.stdout)["summaries"]) == [policy]


def test_a_broken_invariant_fails_the_command_and_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    promise = Invariant("X1", "no cycle ever comes", on_cycle=lambda _facts, _cycle: "one came")
    monkeypatch.setattr(watched, "INVARIANTS", (promise,))

    result = run(*SHORT, "--policy", "stable", "--json", "-")

    summary = json.loads(result.stdout)["summaries"]["stable"]
    assert result.exit_code == CHECK_FAILED
    assert summary["violations"] == summary["cycles"] > 5
    lines = result.stderr.splitlines()
    assert f"stable: invariants broken {summary['violations']}×, the first 5:" in lines
    assert "  60.00 s: X1, no cycle ever comes: one came" in lines


def test_another_seed_is_another_market() -> None:
    documents = [run(*SHORT, "--json", "-", "--seed", seed).stdout for seed in ("1", "2")]

    assert documents[0] != documents[1]


def test_options_go_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_text("[market]\nseed = 5\nminutes = 1.5\n[timing]\ncycle_s = 2\n")

    result = run("--config", str(file), "--seed", "6", "--policy", "stable")

    assert "stable on generated, seed 6, 1.5 min" in result.stdout


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("quoter", "size", '"0.00001"'),
        ("quoter", "inventory_max", '"0.00001"'),
        ("risk", "order_qty_max", "0.00001"),
        ("risk", "exposure_cap", "0.00001"),
    ],
)
def test_a_size_that_is_no_whole_number_of_lots_is_named_with_its_line(
    table: str, key: str, value: str, tmp_path: Path
) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(f"[timing]\ncycle_s = 3\n\n[{table}]\n{key} = {value}\n", encoding="utf-8")

    result = run("--config", str(file), "--headless", "--minutes", "1", "--policy", "stable")

    assert result.exit_code == BAD_INPUT
    assert result.stderr.splitlines()[-1] == (
        f"lifecycle: {file}:5: {table}.{key} must be a multiple of 0.0001, was 0.00001, "
        "correct the configuration"
    )


def test_a_broken_market_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "market.csv"
    file.write_text("not,a,market\n")

    result = run("--market", str(file))

    assert result.exit_code == BAD_INPUT
    assert result.stdout == ""
    error = result.stderr.splitlines()[-1]
    assert error.startswith("lifecycle: ")
    assert error.endswith("check --market and the configuration")


def test_a_size_that_the_instrument_does_not_know_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_text("[quoter]\nsize = 0.123456789123\n")

    result = run(*SHORT, "--config", str(file))

    assert result.exit_code == BAD_INPUT
    assert "0.123456789123" in result.stderr.splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_without_a_screen_prints_what_was_run() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "lifecycle", "run", "--speed", "20", "--minutes", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    child.stderr.readline()  # The run has begun, so its signals are caught.
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)

    assert child.returncode == 130
    assert "legacy on generated, seed 1" in out
    assert "Traceback" not in err


@pytest.mark.parametrize("option", ["--json", "--log", "--config"])
def test_a_journal_shares_its_file_with_nothing_else(tmp_path: Path, option: str) -> None:
    file = tmp_path / "run.journal"
    if option == "--config":
        file.write_text("[timing]\ncycle_s = 3\n", encoding="utf-8")
    before = file.read_bytes() if file.exists() else None

    result = run("--policy", "stable", "--journal", str(file), option, str(file))

    assert result.exit_code == BAD_INPUT
    assert len(result.stderr.splitlines()) == 1
    assert (file.read_bytes() if file.exists() else None) == before


@pytest.mark.parametrize("bands", ["stale_bps = 2.0", "latch_bps = 1.5\nstale_bps = 2.0"])
def test_a_latch_that_would_be_wider_than_what_is_stale_breaks_no_promise(
    tmp_path: Path, bands: str
) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(f"[bands]\n{bands}\n[quoter]\nlevels = 3\n", encoding="utf-8")

    result = run("--config", str(file), "--policy", "stable", "--minutes", "5")

    assert (result.exit_code, "broke" in result.stderr) == (0, False)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of a file's size")
@pytest.mark.parametrize(
    ("room", "words"),
    [(20_000, "must have room for 32768 bytes, had room for 20000"), (40_000, "must take record")],
)
def test_a_disk_that_is_full_ends_the_run_in_one_line(
    tmp_path: Path, room: int, words: str
) -> None:
    import resource

    args = ["--policy", "stable", "--headless", "--minutes", "600", "--journal", "run.journal"]
    result = subprocess.run(
        [sys.executable, "-m", "lifecycle", "run", *args],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )

    said = result.stderr.splitlines()[-1]
    assert said.startswith("lifecycle: run.journal")
    assert words in said
    assert "Traceback" not in result.stderr
    assert result.returncode == (CHECK_FAILED if room > 32768 else BAD_INPUT)


def test_a_kill_file_that_nobody_could_make_is_refused(tmp_path: Path) -> None:
    result = run("--policy", "stable", "--kill-file", str(tmp_path / "missing" / "stop"))

    assert result.exit_code == BAD_INPUT
    assert "must be in a directory that exists" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_that_ends_in_its_warm_up_says_so() -> None:
    short, long = run("--minutes", "1", "--json", "-"), run(*SHORT, "--json", "-")

    said = "quotes begin when the market was seen for 60 s (quoter.warmup_s), the run was 60 s"
    assert said in short.stderr
    assert "nothing was quoted" not in long.stderr


def test_a_journal_that_is_there_is_not_said_to_be_resumed(tmp_path: Path) -> None:
    journal = tmp_path / "run.journal"
    journal.write_text("something that somebody may miss")

    result = run("--policy", "stable", "--minutes", "0.1", "--journal", str(journal))

    assert result.exit_code == BAD_INPUT
    assert "must be a new file, was there already: choose another" in result.stderr
    assert journal.read_text() == "something that somebody may miss"
