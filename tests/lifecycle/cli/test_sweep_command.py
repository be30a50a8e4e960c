"""`lifecycle sweep`, for real, on short generated markets."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.recording import write
from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD

tables = pytest.importorskip("lifecycle.sweep.table", reason="pyarrow is absent")

SHORT: Final = ("--minutes", "1.5", "--workers", "1")
"""Half a minute after warm-up, in this process."""
GRID: Final = ("--vary", "latch_bps=2,5", "--vary", "quoter.levels=1,2", "--seeds", "1:2")


def sweep(*args: object) -> Result:
    return CliRunner().invoke(main, ["sweep", *map(str, args)], catch_exceptions=False)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sweep a small grid."""
    path = tmp_path_factory.mktemp("swept") / "x.parquet"
    result = sweep(path, *GRID, *SHORT)
    assert result.exit_code == HELD, result.stderr
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "8 runs",
        "4 of 8 runs",
        "8 of 8 runs",
        f"{path}: 8 runs, 0 failed, 0 with a broken invariant",
    ]
    return path


def test_every_combination_has_a_row_for_each_seed(table: Path) -> None:
    columns = tables.read(table).columns
    names = ("market", "policy", "bands.latch_bps", "quoter.levels", "seed")

    rows = list(zip(*(columns[name] for name in names), strict=True))

    assert rows == [
        ("generated", "stable", latch, levels, seed)
        for latch in (2.0, 5.0)
        for levels in (1, 2)
        for seed in (1, 2)
    ]


def test_the_same_command_plays_nothing_again(table: Path) -> None:
    before = table.read_bytes()

    result = sweep(table, *GRID, *SHORT)

    assert result.stderr.splitlines()[0] == "8 runs, 8 are kept from before"
    assert table.read_bytes() == before


def test_the_best_is_read_from_the_table(table: Path) -> None:
    result = sweep(table, "--minimise", "calls", "--subject-to", "presence>=0.5,fills<=100")

    assert result.exit_code == HELD
    heading, second, *_ = result.stdout.splitlines()
    assert heading.split() == ["calls_per_minute", "presence", "fills"]
    assert second.split()[:5] == ["latch_bps", "levels", "least", ">=0.5", "<=100"]
    assert "4 of 4 settings hold, presence>=0.5 in 4, fills<=100 in 4" in result.stdout


def test_where_no_setting_holds_it_says_what_keeps_them_out(table: Path) -> None:
    result = sweep(table, "--maximise", "fills", "--subject-to", "presence>=0.5,cycles>=1e6")

    assert result.exit_code == CHECK_FAILED
    assert result.stdout == "0 of 4 settings hold, presence>=0.5 in 4, cycles>=1e+06 in 0\n"


def test_json_has_the_best_with_every_number_on_every_market(table: Path) -> None:
    result = sweep(table, "--minimise", "calls", "--top", 1, "--json", "-")

    found = json.loads(result.stdout)
    [best] = found["best"]
    assert found["minimise"] == "calls_per_minute"
    assert found["settings"] == {
        "all": 4,
        "held": 4,
        "failed_or_broken": 0,
        "without_a_cycle": 0,
    }
    assert best["setting"] == {"policy": "stable", "bands.latch_bps": 2.0, "quoter.levels": 1}
    assert best["runs"] == 2
    calls = best["markets"]["generated"]["calls_per_minute"]
    assert best["calls_per_minute"] == calls["median"]
    assert calls["least"] <= calls["median"] <= calls["greatest"]


def test_it_sweeps_and_says_the_best_at_once(tmp_path: Path) -> None:
    policies = ("--policy", "legacy", "--policy", "stable")

    result = sweep(tmp_path / "x", *policies, "--seeds", 1, *SHORT, "--minimise", "calls")

    assert result.exit_code == HELD
    assert [line.split()[0] for line in result.stdout.splitlines()[3:5]] == ["stable", "legacy"]


def test_a_recorded_market_is_swept_beside_a_generated_one(tmp_path: Path) -> None:
    market = tmp_path / "venue_eth.csv"
    write(market, GENERATED, islice(generate(GeneratorConfig(), 3), 3000))
    names = ("--market", market, "--market", "generated")

    result = sweep(tmp_path / "x", *names, "--seeds", 1, *SHORT)

    assert result.exit_code == HELD
    assert tables.read(tmp_path / "x").columns["market"] == [str(market), "generated"]


def test_a_configuration_is_what_is_not_varied(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text("[quoter]\nlevels = 2\n")
    config = ("--config", tmp_path / "bot.toml")

    sweep(tmp_path / "x", *config, "--vary", "latch_bps=2", "--seeds", 1, *SHORT)
    sweep(tmp_path / "y", *GRID, *SHORT)

    [run] = tables.read(tmp_path / "x").columns["run"]
    assert run in tables.read(tmp_path / "y").columns["run"]


def test_runs_that_fail_are_counted_and_named(tmp_path: Path) -> None:
    sizes = ("--vary", "quoter.size=0.1,0.123456789", "--seeds", "1:2")

    result = sweep(tmp_path / "x", *sizes, *SHORT, "--minimise", "calls")

    assert result.exit_code == CHECK_FAILED
    assert "x: 4 runs, 2 failed, 0 with a broken invariant" in result.stderr
    named = "failed: stable, quoter.size=0.123456789 on generated, seed 1: quoter.size must be"
    assert named in result.stderr
    assert "1 of 2 settings hold, 1 had runs that failed or broke an invariant" in result.stdout


@pytest.mark.usefixtures("_every_run_breaks_a_promise")
def test_a_broken_invariant_is_told_and_fails_the_sweep(tmp_path: Path) -> None:
    result = sweep(tmp_path / "x", "--seeds", 1, *SHORT)

    assert result.exit_code == CHECK_FAILED
    assert "broken: stable on generated, seed 1: 1.00 s: S1" in result.stderr
    assert tables.read(tmp_path / "x").columns["violations"] == [1]


def test_where_no_run_can_begin_it_is_bad_input_and_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text("not,a,market\n")

    result = sweep(tmp_path / "x", "--market", tmp_path / "broken.csv", *SHORT)

    assert result.exit_code == BAD_INPUT
    assert result.stderr.splitlines()[-1].startswith("lifecycle: broken.csv, line 1")
    assert not (tmp_path / "x").exists()


def test_a_file_that_is_no_table_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "bot.journal"
    path.write_bytes(b"what rests at the venue")

    result = sweep(path, *GRID, *SHORT)

    assert result.exit_code == BAD_INPUT
    assert f"TABLE {path} must be new or the table of a sweep" in result.stderr
    assert path.read_bytes() == b"what rests at the venue"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["x"], "what to do must be said: --vary KEY=VALUE"),
        (["x", "--minimise", "calls"], "x must be there to be read, is not; sweep first"),
        (["x", "--minimise", "cals"], "a number must be one of"),
        (["x", "--minimise", "calls", "--maximise", "fills"], "leave one out"),
        (["x", "--minimise", "calls", "--subject-to", "fills"], "a bound must be written"),
        (["x", "--seeds", "1", "--subject-to", "fills>1"], "need --minimise NAME"),
        (["x", "--seeds", "9:2"], "--seeds must be FIRST:LAST"),
        (["x", "--vary", "latch=3"], "did you mean latch_bps?"),
        (["x", "--vary", "latch_bps=-1"], "bands.latch_bps must"),
        (["x", "--policy", "stabel"], "--policy must be one of legacy, stable"),
        (["x", "--market", "absent.csv"], "--market must be a file or the word generated"),
        (["x", "--workers", "2", "--dask", "tcp://127.0.0.1:1"], "leave one out"),
        (["nowhere/x", "--seeds", "1"], "must be in a directory that exists"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(
    args: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = sweep(*args)

    assert result.exit_code == BAD_INPUT
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_missing_is_named_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "lifecycle.sweep.table")
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    result = sweep(tmp_path / "x", "--seeds", 1)

    assert result.exit_code == BAD_INPUT
    needs = "sweep needs pyarrow, install it: pip install 'order-lifecycle[sweep]'"
    assert result.stderr == f"lifecycle: {needs}\n"


def child(*args: object) -> subprocess.Popen[str]:
    """Start the command as a terminal does, with a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "lifecycle", "sweep", *map(str, args)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the shell that started the tests ignores Ctrl-C, so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_is_ended_in_the_middle_goes_on_without_repeating(
    tmp_path: Path, how: signal.Signals
) -> None:
    options = ("--vary", "latch_bps=2,5", "--seeds", "1:60", "--minutes", "1.5", "--workers", "2")
    process = child(tmp_path / "x", *options)
    assert process.stderr is not None
    said = [process.stderr.readline(), process.stderr.readline()]

    try:
        if how is signal.SIGKILL:
            process.kill()
        else:
            os.killpg(process.pid, how)
        _, err = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    was_there = (tmp_path / "x").exists()
    again = sweep(tmp_path / "x", *options)

    assert said[0] == "120 runs\n"
    assert "of 120 runs" in said[1]
    assert not was_there
    assert "Traceback" not in err
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "the same command goes on" in err
    assert again.exit_code == HELD
    runs = [json.loads(line)["run"] for line in (tmp_path / "x.runs").read_text().splitlines()]
    assert len(runs) == len(set(runs)) == 120


def test_the_help_teaches() -> None:
    text = sweep("--help").stdout

    for word in ("Examples:", "Resuming:", "How to read it:", "Dask:", "Exit codes:"):
        assert word in text


def test_the_numbers_of_a_run_are_those_of_a_comparison(table: Path) -> None:
    options = ("--policies", "stable", "--seeds", "2", "--minutes", "1.5", "--jobs", "1")
    result = CliRunner().invoke(main, ["compare", *options, "--json", "-"])
    [policy] = json.loads(result.stdout)["markets"][0]["policies"]

    sweep(table.with_name("y"), "--seeds", "1:2", *SHORT)

    columns: dict[str, list[Any]] = tables.read(table.with_name("y")).columns
    for row, of_seed in enumerate(policy["seeds"]):
        for name in ("calls_per_minute", "staleness_rms_bps", "presence_bid", "queue_kept"):
            assert columns[name][row] == of_seed[name]
