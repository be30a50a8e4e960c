"""The command line around the commands: help, version, exit codes, and errors of one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, PIPE_CLOSED
from tests.conftest import ROOT


def lifecycle(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


def test_nothing_asked_shows_the_help() -> None:
    result = lifecycle()

    assert result.exit_code == 0
    assert result.output == lifecycle("--help").output


def test_the_help_lists_commands_examples_and_exit_codes() -> None:
    text = lifecycle("--help").output

    assert "  run " in text
    assert "Examples:" in text
    assert "lifecycle run --market" in text
    assert "Exit codes:" in text


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_of_run_names_every_option(flag: str) -> None:
    text = lifecycle("run", flag).output

    for option in ("policy", "market", "minutes", "cycle", "seed", "levels", "speed", "headless"):
        assert f"--{option}" in text
    assert "Examples:" in text


def test_the_version_is_one_line() -> None:
    result = lifecycle("--version")

    assert result.exit_code == 0
    assert result.output.startswith("order-lifecycle ")
    assert result.output.count("\n") == 1


USAGE = [
    (["nonsense"], "no such command 'nonsense', see lifecycle --help"),
    (["run", "extra"], "got unexpected extra argument (extra), see lifecycle run --help"),
    (["run", "--minutes", "0"], "must be a finite number above 0, was '0'"),
    (["run", "--minutes", "-3"], "must be a finite number above 0, was '-3'"),
    (["run", "--minutes", "nan"], "must be a finite number above 0, was 'nan'"),
    (["run", "--minutes", "1e9"], "market.minutes must be positive and at most 527040, a year"),
    (["run", "--cycle", "0"], "must be a finite number above 0, was '0'"),
    (["run", "--cycle", "1e300"], "must be at most 1000000000, was '1e300'"),
    (["run", "--cycle", "inf"], "must be a finite number above 0, was 'inf'"),
    (["run", "--cycle", "0.0001"], "timing.cycle_s must be from 0.001 to 1000000000"),
    (["run", "--speed", "0"], "must be a finite number above 0, was '0'"),
    (["run", "--speed", "fast"], "must be a finite number above 0, was 'fast'"),
    (["run", "--levels", "0"], "0 is not in the range 1<=x<=100"),
    (["run", "--levels", "-1"], "-1 is not in the range 1<=x<=100"),
    (["run", "--seed", "-1"], "-1 is not in the range x>=0"),
    (["run", "--policy", "other"], "'other' is not one of 'legacy', 'stable', 'phase-1'"),
    (["run", "--market", "none.csv"], "file 'none.csv' does not exist"),
    (["run", "--config", "none.toml"], "file 'none.toml' does not exist"),
    (["run", "--json", "none/out.json"], "must be in a directory that exists, create it first"),
    (["run", "--markt", "x"], "no such option"),
]


@pytest.mark.parametrize(("args", "words"), USAGE, ids=[" ".join(args) for args, _ in USAGE])
def test_bad_usage_is_one_line_and_exit_code_2(args: list[str], words: str) -> None:
    result = lifecycle(*args)

    assert result.exit_code == BAD_INPUT
    assert result.stdout == ""
    assert result.stderr.startswith("lifecycle: ")
    assert result.stderr.count("\n") == 1
    assert words.lower() in result.stderr.lower()


def test_a_bad_configuration_is_one_line_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_text("[bands]\nlach_bps = 3\n")

    result = lifecycle("run", "--config", str(file))

    assert result.exit_code == BAD_INPUT
    assert result.stderr == (
        f"lifecycle: {file}:2: bands.lach_bps must be a key of [bands], was 3; "
        "did you mean latch_bps?\n"
    )


def test_an_option_cannot_make_the_configuration_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_text("[quoter]\nlevels = 2\n")

    result = lifecycle("run", "--config", str(file), "--levels", "500")

    assert result.exit_code == BAD_INPUT


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lifecycle", "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("order-lifecycle ")


def test_the_shell_completes_commands_and_options() -> None:
    environment = {**os.environ, "_LIFECYCLE_COMPLETE": "bash_complete"}
    environment |= {"COMP_WORDS": "lifecycle run --mar", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "lifecycle"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )

    assert done.stdout == "plain,--market\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's pipe")
@pytest.mark.parametrize(
    ("arguments", "code"),
    # What is asked before there is a command, click ends by itself.
    [(["--help"], 1), (["audit", "--help"], PIPE_CLOSED), (["audit", "log.csv"], PIPE_CLOSED)],
)
def test_a_reader_that_goes_away_is_neither_a_traceback_nor_a_check_that_failed(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    log = "time,event,cloid,side,price,qty\n1,place,a1,buy,10,1\n"
    (tmp_path / "log.csv").write_text(log, encoding="utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "lifecycle", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.close(writing)

    assert done.stderr == ""
    assert done.returncode == code
