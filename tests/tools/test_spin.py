"""The independent model: its machines are the charts', and SPIN finds what is to be found.

What runs SPIN is skipped where it is absent. Here stand the cheap searches; `python -m tools.spin`
does them all.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from lifecycle.core.tables import DIVERGENCE, EXPECTED, PHASE, REQUEST
from spec.states import Phase, PhaseEvent, Request, RequestEvent
from tools.spin import (
    BUDGET,
    BUGS,
    MODEL,
    MODELS,
    RACES,
    ROOT,
    generate,
    machines,
    main,
    missing,
    search,
)

INLINE: Final = re.compile(
    r"inline (phase|request)_(\w+)\(now\) \{\n\tif\n(.*?)\tfi\n\}", re.DOTALL
)
needs_spin = pytest.mark.skipif(missing() is not None, reason="spin or gcc is absent")


def cells(machine: str) -> dict[tuple[str, str], str]:
    """Read a machine's cells back: (state, event) -> what is done."""
    found = {}
    for name, event, body in INLINE.findall(machines()):
        if name == machine:
            for line in body.splitlines():
                guard, _, does = line.strip(":\t ").partition(" -> ")
                for state in guard.split(" || "):
                    found[state.removeprefix("now == "), event.upper()] = does
    return found


def said(answer: int, states: type[Phase] | type[Request]) -> str:
    """Return how the model says a cell of the core's table."""
    marks = {EXPECTED: "", DIVERGENCE: "diverge()"}
    return marks[answer] if answer in marks else f"now = {states(answer).name}"


def test_the_committed_machines_are_those_of_the_charts() -> None:
    assert generate(check=True) == 0


def test_the_models_phase_is_the_cores_table() -> None:
    table = {
        (state.name, event.name): said(PHASE[state][event], Phase)
        for state in Phase
        for event in PhaseEvent
    }

    assert cells("phase") == table


def test_the_models_request_is_the_cores_table() -> None:
    table = {
        (state.name, event.name): said(REQUEST[state][event], Request)
        for state in Request
        for event in RequestEvent
    }

    assert cells("request") == table


def test_every_bug_and_race_of_the_model_is_searched_for() -> None:
    text = "".join(path.read_text("utf-8") for path in (ROOT / MODELS).glob("*.pml"))

    assert set(re.findall(r"BUG [!=]= (\w+)", text)) == set(BUGS)
    assert set(re.findall(r"happens\(([A-Z_]+)\)", text)) == set(RACES)


def test_the_budget_names_what_the_model_may_spend() -> None:
    text = (ROOT / MODELS / MODEL).read_text("utf-8")

    assert set(re.findall(r"#ifndef (\w+)", text)) == {*BUDGET, "BUG", "RACE"}


def test_without_spin_one_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    code = main([])

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "skipped: spin is absent; on Debian, `apt-get install spin gcc` brings it"
    ]


@pytest.mark.parametrize("arguments", [["--bug", "none"], ["--budget", "LUCK=1"]])
def test_what_the_model_has_not_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2


@needs_spin
def test_the_correct_system_holds_in_every_state() -> None:
    verdict = search({"FAULTS": 1, "UNSOLICITED": 0, "TURNS": 1})

    assert verdict.violated is None
    assert verdict.states > 10_000


# One for each property that the model states.
@needs_spin
@pytest.mark.parametrize(
    ("bug", "violated"),
    [
        ("NO_EXPIRY_FENCE", "request_forgotten"),
        ("CANCEL_REJECT_IS_GONE", "closed_but_live"),
        ("NO_DEDUPE", "fill_counted_twice"),
        ("DROP_UNKNOWN_OID_FILL", "quiet_but_wrong_position"),
        ("NO_TOMBSTONE", "quiet_but_wrong_order"),
        ("STALE_DISPROOF", "doubt_ended_by_old_evidence"),
        ("PLACE_WITH_CANCEL", "placed_over_a_live_order"),
    ],
)
def test_a_seeded_bug_breaks_the_property_that_it_should(bug: str, violated: str) -> None:
    verdict = search(BUGS[bug], BUG=bug)

    assert verdict.violated == violated
    assert verdict.depth == len(verdict.story)


@needs_spin
def test_a_race_that_is_survived_does_happen() -> None:
    verdict = search({}, RACE="CANCELLATION_BEFORE_ACCEPTANCE")

    assert verdict.story[0] == "bot: place"
    assert "venue: cancels by itself" in verdict.story


@needs_spin
def test_a_bug_is_told_as_a_story(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--bug", "no-dedupe"])

    assert code == 0
    assert "found: fill_counted_twice" in capsys.readouterr().out
