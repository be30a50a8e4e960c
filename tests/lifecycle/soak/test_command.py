"""`lifecycle soak`, for real, on a few runs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD
from lifecycle.soak.campaign import KINDS
from tools.mutants.bugs import BUGS, seeded


def soak(*args: object) -> Result:
    return CliRunner().invoke(main, ["soak", *map(str, args)], catch_exceptions=False)


def test_what_holds_is_said_with_its_numbers(tmp_path: Path) -> None:
    result = soak("--seeds", "1:2", "--workers", 1, "--folder", tmp_path / "soaked")

    assert result.exit_code == HELD
    assert "2 runs, 0.1 simulated hours: every promise held" in " ".join(result.stdout.split())
    assert "death between journal and send" in result.stdout
    assert not (tmp_path / "soaked").exists()


def test_json_has_every_kind_and_each_seed() -> None:
    result = soak("--seeds", "1:2", "--workers", 1, "--json", "-")

    found = json.loads(result.stdout)
    assert set(found["counts"]) == set(KINDS)
    assert found["seeds"] == [1, 2]
    assert found["failures"] == []
    assert found["converged_s"]["max"] < 360


@pytest.mark.python_core
def test_what_fails_is_said_with_what_repeats_it_and_leaves_its_files(tmp_path: Path) -> None:
    bug = next(bug for bug in BUGS if bug.name == "replace_instead_of_modify")

    with seeded(bug):
        result = soak("--seeds", "1:1", "--folder", tmp_path / "soaked")

    assert result.exit_code == CHECK_FAILED
    assert "1 of 1 runs failed" in result.stdout
    assert "seed 1: S4 at " in result.stderr
    assert "again: lifecycle soak --seeds 1:1\n" in result.stderr
    assert {path.name for path in (tmp_path / "soaked").iterdir()} == {
        "soak-mix-1.journal",
        "soak-mix-1.toml",
    }


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("--seeds", "9"), "--seeds must be FIRST:LAST, as 1:500, was '9'"),
        (("--seeds", "9:2"), "--seeds must be FIRST:LAST"),
        (("--plan", "doom"), "--plan must be one of mix, calm"),
        (("--minutes", "0"), "must be a finite number above 0"),
        (("--json", "nowhere/at/all.json"), "must be in a directory that exists"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(args: tuple[str, ...], line: str) -> None:
    result = soak(*args)

    assert result.exit_code == BAD_INPUT
    assert line in result.stderr
    assert result.stderr.count("\n") == 1


def test_ctrl_c_ends_it_with_what_was_found_so_far() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "lifecycle", "soak", "--seeds", "1:100000", "--json", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the shell that started the tests ignores Ctrl-C, so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    began = time.monotonic()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert "simulated hours" in said
    assert process.returncode == 130
    assert json.loads(out)["runs"] > 0
    assert "ended early" in err
    assert "Traceback" not in err
    assert time.monotonic() - began < 30
