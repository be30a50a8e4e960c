"""The conformance corpus: it holds, it is complete, and its page is true."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import structs

from lifecycle.conform.play import play
from lifecycle.conform.reading import read_scenario, scenario_paths
from lifecycle.conform.scenario import Expectations
from lifecycle.rules import rules_of
from tools import list_scenarios

CORPUS: Final = list_scenarios.ROOT / list_scenarios.SCENARIOS_PATH
PAGE: Final = list_scenarios.ROOT / list_scenarios.PAGE_PATH
BUGS: Final = range(1, 117)
MATRICES: Final = range(1, 38)


def headers() -> list[dict[str, Any]]:
    return [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(CORPUS.iterdir())]


def in_sources(letter: str) -> set[int]:
    """Return the numbers of the bugs (`B`) or matrices (`D`) that scenarios are told from."""
    sources = "\n".join(header["source"] for header in headers())
    return {int(number) for number in re.findall(rf"\b{letter}([0-9]+)\b", sources)}


def excused(letter: str) -> set[int]:
    """Return those that the page says do not apply, each with its reason."""
    text = PAGE.read_text(encoding="utf-8").partition("## What does not apply")[2]
    rows = re.findall(rf"^\| {letter}([0-9]+) \| [^|]+ \| [^|]{{10,}} \|$", text, re.MULTILINE)
    return {int(number) for number in rows}


@pytest.mark.parametrize("path", scenario_paths([CORPUS]), ids=lambda path: path.stem)
def test_a_scenario_holds(path: Path) -> None:
    played = play(read_scenario(path))

    assert played.failures == ()


def test_there_are_sixty_and_more_on_both_kinds_of_venue() -> None:
    venues = [header["venue"] for header in headers()]

    assert len(venues) >= 60
    assert venues.count("amend") >= 12


def test_ids_are_the_numbers_of_the_files_and_titles_differ() -> None:
    numbers = [path.name.partition("_")[0] for path in sorted(CORPUS.iterdir())]
    ids = [header["id"] for header in headers()]

    assert ids == numbers
    assert sorted(map(int, ids)) == list(range(1, len(ids) + 1))
    assert len({header["title"] for header in headers()}) == len(ids)


def test_a_story_has_three_to_ten_steps() -> None:
    long = {header["id"]: len(header["step"]) for header in headers()}

    assert {id_: steps for id_, steps in long.items() if not 3 <= steps <= 10} == {}


@pytest.mark.parametrize(("letter", "numbers"), [("B", BUGS), ("D", MATRICES)])
def test_every_bug_and_every_matrix_is_told_or_excused(letter: str, numbers: range) -> None:
    told, left_out = in_sources(letter), excused(letter)

    assert told | left_out == set(numbers)
    assert told & left_out == set()


def test_the_page_lists_the_scenarios_as_they_are() -> None:
    assert list_scenarios.main(["--check"]) == 0


def test_the_page_is_written_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / list_scenarios.SCENARIOS_PATH
    folder.mkdir(parents=True)
    (folder / "1_a.toml").write_text('id = "1"\ntitle = "a|b"\nsource = "us"\nvenue = "amend"\n')
    page = tmp_path / list_scenarios.PAGE_PATH
    page.parent.mkdir()
    page.write_text(f"before\n{list_scenarios.BEGIN}\nold\n{list_scenarios.END}\nafter\n")

    stale = list_scenarios.main(["--check"], tmp_path)
    written = list_scenarios.main([], tmp_path)
    checked = list_scenarios.main(["--check"], tmp_path)

    assert (stale, written, checked) == (1, 0, 0)
    assert "must list the scenarios" in capsys.readouterr().err
    text = page.read_text()
    assert "| 1 | a\\|b | us | amend |\n" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert list_scenarios.main(["--other"], tmp_path) == 2


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have the marks"):
        list_scenarios.page("nothing\n", tmp_path)


def test_a_broken_promise_fails_a_scenario_that_expects_nothing() -> None:
    told = read_scenario(CORPUS / "10_ladder_rolls_by_one_rung.toml")
    steps = tuple(structs.replace(step, expected=Expectations()) for step in told.steps)
    scenario = structs.replace(told, steps=steps)
    rules = rules_of(scenario.config, scenario.instrument, scenario.capabilities)

    held = play(scenario)
    broken = play(scenario, structs.replace(rules, quota_cap=5))

    assert held.failures == ()
    (failure,) = broken.failures
    assert failure == (
        "step 3 (at 6 s): S11 must hold (requests stay within the ledgers): "
        "6 requests, the ledger allows 5"
    )
