"""`lifecycle conform`: what it prints, what it returns, and how it refuses files."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.commands.conform import corpus
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD

HEADER = 'id = "{id}"\ntitle = "{id}, told"\nsource = "this test"\nvenue = "cancel-replace"\n'
PLACED = """
[[step]]
at = 0.0
cycle = { bids = [["2000.0", "0.10"]], asks = [] }
sent = { place = 1 }
"""
NOT_FILLED = """
[[step]]
at = 0.2
report = { kind = "accepted", order = "b1", oid = "101" }
order.b1 = { state = "filled", filled = "0.10" }
"""
CROSSED = """
[[step]]
at = 6.0
cycle = { bids = [["2000.0", "0.10"]], asks = [["1999.0", "0.10"]] }
"""


def conform(*args: object) -> Result:
    return CliRunner().invoke(main, ["conform", *map(str, args)], catch_exceptions=False)


def story(folder: Path, name: str, *steps: str) -> Path:
    """Write a scenario whose id is `name`."""
    file = folder / f"{name}.toml"
    file.write_text(HEADER.format(id=name) + "".join(steps))
    return file


def test_a_scenario_that_holds_is_one_line_and_the_count(tmp_path: Path) -> None:
    result = conform(story(tmp_path, "one", PLACED))

    assert result.exit_code == HELD
    assert result.stdout == "ok   one one, told\n1 passed, 0 failed\n"
    assert result.stderr == ""


def test_what_fails_stands_below_its_scenario(tmp_path: Path) -> None:
    result = conform(story(tmp_path, "one", PLACED, NOT_FILLED), story(tmp_path, "two", PLACED))

    assert result.exit_code == CHECK_FAILED
    assert result.stdout.splitlines() == [
        "FAIL one one, told",
        "     step 2 (at 0.2 s): b1.state must be filled, was resting",
        "     step 2 (at 0.2 s): b1.filled must be 0.10, was 0.00",
        "ok   two two, told",
        "1 passed, 1 failed",
    ]


def test_a_folder_is_played_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "b", "100", "11"):
        story(tmp_path, name, PLACED)

    result = conform(tmp_path)

    played = [line.split()[1] for line in result.stdout.splitlines()[:-1]]
    assert played == ["9", "10", "11", "100", "b"]


def test_without_a_path_the_corpus_is_played() -> None:
    result = conform()

    counts = re.fullmatch(r"(\d+) passed, (\d+) failed", result.stdout.splitlines()[-1])
    assert counts is not None
    assert sum(map(int, counts.groups())) == len(list(corpus().glob("*.toml")))
    assert result.stdout.startswith("ok   01 a fill overtakes the acknowledgement of its place\n")


@pytest.mark.parametrize("flags", [["--json"], ["--json", "-"]], ids=" ".join)
def test_json_says_the_same(tmp_path: Path, flags: list[str]) -> None:
    file = story(tmp_path, "one", PLACED, NOT_FILLED)

    result = conform(*flags, file)

    assert result.exit_code == CHECK_FAILED
    content = json.loads(result.stdout)
    assert (content["passed"], content["failed"]) == (0, 1)
    (said,) = content["scenarios"]
    assert (said["file"], said["id"], said["held"], said["steps"]) == (str(file), "one", False, 2)
    assert said["failures"][0] == "step 2 (at 0.2 s): b1.state must be filled, was resting"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (PLACED + "[[step]]\nat = 1.0\nnonsense = 1\n", "step 2: step has no 'nonsense'"),
        (PLACED + "[[step]]\nat = 1.0\n", "step 2: a step must have exactly one of cycle"),
        ("[[step]]\nat = 1.0\ntick = true\n" + PLACED, "step 2: at must not decrease, was 0.0"),
        (PLACED + '[[step]]\nat = 1\nreport = { kind = "gone" }\n', "step 2: kind must be one of"),
        (PLACED + "[[step]]\nat = 1\ntick = true\norder.b2 = {}\n", "step 2: order must name"),
        (PLACED + CROSSED, "step 2: bids must stay below asks"),
        ("[config]\nspeed = 1\n" + PLACED, "header: config: config has no 'speed'"),
        ("step = []\n", "header: step must be an array of tables"),
        ("[[step\n", "must be TOML"),
    ],
)
def test_a_bad_file_is_one_line_with_file_and_step(tmp_path: Path, steps: str, words: str) -> None:
    good, bad = story(tmp_path, "good", PLACED), story(tmp_path, "bad", steps)

    result = conform(good, bad)

    assert result.exit_code == BAD_INPUT
    assert result.stdout == ""
    assert result.stderr.startswith(f"lifecycle: {bad}: {words}")
    assert result.stderr.count("\n") == 1


def test_files_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    missing, empty = tmp_path / "none.toml", tmp_path / "empty"
    empty.mkdir()

    for path, words in ((missing, "must be readable"), (empty, "must hold scenarios")):
        result = conform(path)

        assert result.exit_code == BAD_INPUT
        assert result.stderr.startswith(f"lifecycle: {path}: {words}")
        assert result.stderr.count("\n") == 1


def test_the_module_exits_with_the_code(tmp_path: Path) -> None:
    file = story(tmp_path, "one", PLACED, NOT_FILLED)

    done = subprocess.run(
        [sys.executable, "-m", "lifecycle", "conform", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == CHECK_FAILED
    assert done.stdout.endswith("\n0 passed, 1 failed\n")
