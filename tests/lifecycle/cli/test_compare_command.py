"""`lifecycle compare`, for real, on short generated markets."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD
from lifecycle.run.compare import SWEEP_BPS
from lifecycle.run.compared import MEASURES
from lifecycle.run.policies import ABLATION, LAYERS

SHORT = ("--minutes", "1.5", "--cycle", "3", "--jobs", "1")
"""Half a minute after warm-up, in this process."""


def compare(*args: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, args)], catch_exceptions=False)


def content(*args: object) -> dict[str, Any]:
    result = compare(*SHORT, *args, "--json", "-")
    assert result.exit_code == HELD, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def plain() -> Result:
    """Run the command as most people will at first, but shorter."""
    return compare(*SHORT, "--seeds", 2)


def test_by_default_legacy_and_stable_are_compared_on_a_generated_market(plain: Result) -> None:
    assert plain.exit_code == HELD
    assert plain.stdout.startswith("generated, 1.5 min, median of 2 seeds")
    assert plain.stdout.splitlines()[2].split() == ["legacy", "stable"]
    assert "API calls per minute" in plain.stdout
    assert "broken invariants" in plain.stdout


def test_progress_goes_to_stderr_in_plain_lines(plain: Result) -> None:
    assert plain.stderr.splitlines() == ["4 runs", *(f"{n} of 4 runs" for n in (1, 2, 3, 4))]
    assert "\x1b" not in plain.output


def test_json_has_the_spread_of_each_measure_and_each_seeds_value() -> None:
    found = content("--seeds", 2)

    assert found["runs"] == {"planned": 4, "over": 4}
    assert found["failed"] == []
    assert found["violations"] == 0
    [market] = found["markets"]
    assert market["market"] == "generated"
    assert [policy["name"] for policy in market["policies"]] == ["legacy", "stable"]
    for policy in market["policies"]:
        assert [one["seed"] for one in policy["seeds"]] == [1, 2]
        for measure in MEASURES:
            if measure.key != "violations":
                assert set(policy[measure.key]) == {"median", "least", "greatest"}
        calls = sorted(one["calls_per_minute"] for one in policy["seeds"])
        assert policy["calls_per_minute"] == {
            "least": calls[0],
            "median": sum(calls) / 2,
            "greatest": calls[1],
        }
        assert {"seconds", "presence_bid", "calls"} <= set(policy["minutes"][0])


def test_the_same_comparison_writes_the_same_bytes_on_one_core_and_on_two(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("1.json", "2.json", "1.html", "2.html")]
    for jobs, numbers, page in ((1, files[0], files[2]), (2, files[1], files[3])):
        result = compare(*SHORT, "--seeds", 2, "--jobs", jobs, "--json", numbers, "--html", page)
        assert result.exit_code == HELD

    one, two, page_one, page_two = (file.read_bytes() for file in files)
    assert one == two
    assert page_one == page_two


def test_policies_stand_in_the_order_asked_for_each_once() -> None:
    found = content("--policies", "stable, phase-3,legacy,stable", "--seeds", 1)

    names = [policy["name"] for policy in found["markets"][0]["policies"]]
    assert names == ["stable", "phase-3", "legacy"]


def test_a_pattern_stands_for_the_policies_that_it_fits() -> None:
    found = content("--policies", "stable,only-m*,phase-[12]", "--seeds", 1)

    names = [policy["name"] for policy in found["markets"][0]["policies"]]
    assert names == ["stable", "only-modify", "phase-1", "phase-2"]


def test_an_ablation_runs_every_policy_and_says_what_each_layer_changes() -> None:
    found = content("--ablation", "--seeds", 1)

    [market] = found["markets"]
    assert [policy["name"] for policy in market["policies"]] == list(ABLATION)
    assert [one["layer"] for one in market["contributions"]] == list(LAYERS)
    by_name = {
        policy["name"]: policy["calls_per_minute"]["median"] for policy in market["policies"]
    }
    bands = next(one for one in market["contributions"] if one["layer"] == "bands")
    change = by_name["only-bands"] - by_name["legacy"]
    assert bands["alone"]["calls_per_minute"] == pytest.approx(change)
    change = by_name["stable"] - by_name["without-bands"]
    assert bands["last"]["calls_per_minute"] == pytest.approx(change)


def test_a_sweep_adds_the_stable_policy_with_each_band() -> None:
    found = content("--policies", "legacy", "--sweep", "--seeds", 1)

    policies = found["markets"][0]["policies"]
    assert [policy["latch_bps"] for policy in policies] == [None, *SWEEP_BPS]


def test_a_wider_band_calls_no_more_often() -> None:
    found = content("--policies", "legacy", "--sweep", "--seeds", 1, "--minutes", 3)

    calls = [policy["calls_per_minute"]["median"] for policy in found["markets"][0]["policies"]]
    assert calls[0] > calls[1] > calls[-1]


def test_seeds_start_from_the_configurations(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_text("[market]\nseed = 7\n")

    found = content("--config", file, "--policies", "stable", "--seeds", 2)

    seeds = found["markets"][0]["policies"][0]["seeds"]
    assert [one["seed"] for one in seeds] == [7, 8]


def test_the_html_is_one_page_that_loads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "page.html"

    result = compare(*SHORT, "--seeds", 1, "--html", file)

    text = file.read_text(encoding="utf-8")
    assert result.exit_code == HELD
    assert text.startswith("<!DOCTYPE html>")
    assert "<svg" in text
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text


def test_several_markets_may_be_named_in_several_ways(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("not,a,market\n")
    ways: list[list[object]] = [
        ["--markets", f"generated,{broken}"],
        ["--markets", "generated", "--markets", broken],
        ["--markets", "generated", broken],
        ["generated", broken],
    ]

    for way in ways:
        result = compare(*SHORT, "--policies", "stable", "--seeds", 1, *way)

        # One market cannot be used, the other is shown for all that.
        assert result.exit_code == CHECK_FAILED
        assert result.stdout.startswith("generated, 1.5 min, seed 1")
        assert "failed: stable on broken.csv, seed 1: " in result.stderr


def test_a_failed_run_stands_in_the_json(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("not,a,market\n")

    result = compare(
        *SHORT, "--policies", "stable", "--seeds", 1, "generated", broken, "--json", "-"
    )

    [failed] = json.loads(result.stdout)["failed"]
    assert (failed["policy"], failed["market"], failed["seed"]) == ("stable", str(broken), 1)


@pytest.mark.usefixtures("_every_run_breaks_a_promise")
def test_a_broken_invariant_is_told_and_fails_the_comparison() -> None:
    result = compare(*SHORT, "--policies", "stable", "--seeds", 2)

    assert result.exit_code == CHECK_FAILED
    assert "broken: stable on generated, seed 2, 1.00 s: S1" in result.stderr
    [line] = [line for line in result.stdout.splitlines() if "broken invariants" in line]
    assert line.split()[-1] == "2"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--policies", "stabel"], "was stabel, did you mean stable?"),
        (["--policies", "zebra"], "was zebra, see lifecycle compare --help"),
        (["--policies", "phase_*"], "was phase_*, did you mean phase-"),
        (["--policies", ","], "must name at least one policy"),
        (["--markets", "absent.csv"], "was absent.csv, check the path"),
        (["--html", "nowhere/page.html"], "must be in a directory that exists"),
        (["--json", "nowhere/page.json"], "must be in a directory that exists"),
        (["--seeds", "0"], "0 is not in the range"),
        (["--jobs", "0"], "0 is not in the range"),
        (["--minutes", "0"], "must be a finite number above 0"),
        (["--cycle", "0.0001"], "timing.cycle_s must"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(args: list[str], words: str) -> None:
    result = compare(*args)

    assert result.exit_code == BAD_INPUT
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr


def test_markets_that_can_all_not_be_used_are_bad_input(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("not,a,market\n")

    result = compare("--jobs", 1, "--seeds", 2, broken)

    assert result.exit_code == BAD_INPUT
    assert result.stderr.splitlines()[-1].startswith("lifecycle: broken.csv")


def test_the_help_teaches() -> None:
    text = compare("--help").stdout

    for word in ("Examples:", "Policies:", "How to read it:", "Exit codes:", "--ablation"):
        assert word in text


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
def test_ctrl_c_ends_the_workers_and_shows_what_was_over() -> None:
    options = ("--minutes", "400000", "--seeds", "2", "--jobs", "2")
    child = subprocess.Popen(
        [sys.executable, "-m", "lifecycle", "compare", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stderr is not None
    child.stderr.readline()  # The runs are planned, so signals are caught.
    try:
        # As a terminal does: every process of the group.
        os.killpg(child.pid, signal.SIGINT)
        _, err = child.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)

    assert child.returncode == 130
    assert "Traceback" not in err
    assert "ended early" in err
