"""Playing scenarios: those of the project pass, and a failing expectation is told in full."""

from pathlib import Path
from textwrap import dedent

import msgspec
import pytest

from lifecycle.conform.play import Played, play
from lifecycle.conform.reading import ScenarioError, read_scenario, scenario_paths
from lifecycle.rules import rules_of

SCENARIOS = Path(__file__).resolve().parents[3] / "spec" / "scenarios"
FILES = sorted(SCENARIOS.glob("*.toml"))

HEADER = """
id = "T"
title = "a test"
source = "here"
venue = "{venue}"
"""
PLACE = """
[[step]]
at = 0
cycle = { bids = [["2000.0", "0.10"]], asks = [] }
"""
ACCEPTED = """
[[step]]
at = 0.1
report = { kind = "accepted", order = "b1", oid = "101" }
"""


def played(folder: Path, steps: str, venue: str = "cancel-replace") -> Played:
    """Play steps that stand behind a header."""
    path = folder / "story.toml"
    path.write_text(HEADER.format(venue=venue) + dedent(steps), encoding="utf-8")
    return play(read_scenario(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_scenario_passes(path: Path) -> None:
    assert play(read_scenario(path)).failures == ()


def test_there_are_sixteen_scenarios_in_the_folder() -> None:
    assert len(scenario_paths([SCENARIOS])) == len(FILES) >= 16


@pytest.mark.parametrize(
    ("expectation", "complaint"),
    [
        ("sent = { place = 2 }", "sent.place must be 2, was 1"),
        ("sent = {}", "sent.place must be 0, was 1"),
        ("sent = { place = 1, query = 3 }", "sent.query must be 3, was 0"),
        ("sent_max = { place = 0 }", "sent.place must be at most 0, was 1"),
        ("sent_min = { cancel = 1 }", "sent.cancel must be at least 1, was 0"),
        ('order.b1 = { state = "resting" }', "b1.state must be resting, was pending-new"),
        (
            'order.b1 = { state = ["filled", "retired"] }',
            "b1.state must be filled or retired, was pending-new",
        ),
        ('order.b1 = { filled = "0.01" }', "b1.filled must be 0.01, was 0.00"),
        ('order.b1 = { leaves = "0.2" }', "b1.leaves must be 0.20, was 0.10"),
        ('order.b1 = { price = "1999.9" }', "b1.price must be 1999.9, was 2000.0"),
        ('order.b1 = { request = "idle" }', "b1.request must be idle, was placing"),
        ('position = "-0.01"', "position must be -0.01, was 0.00"),
        ('exposure = { long = "0" }', "exposure.long must be 0.00, was 0.10"),
        ('exposure = { short = "0.1" }', "exposure.short must be 0.10, was 0.00"),
        ("live = { bids = 2 }", "live.bids must be 2, was 1"),
        ("live = { asks = 1 }", "live.asks must be 1, was 0"),
        ("diverged = 1", "diverged must be 1, was 0 (none)"),
        ("diverged = [1, 2]", "diverged must be 1 or 2, was 0 (none)"),
        ('reason.b1 = "latched"', "reason.b1 must be latched, was uncovered"),
    ],
)
def test_a_failing_expectation_names_step_time_and_both_values(
    tmp_path: Path, expectation: str, complaint: str
) -> None:
    result = played(tmp_path, PLACE + expectation + "\n" + ACCEPTED)

    assert result.failures == (f"step 1 (at 0 s): {complaint}",)


def test_a_divergence_that_was_not_expected_fails_and_is_named(tmp_path: Path) -> None:
    again = ACCEPTED.replace('"101"', '"102"').replace("0.1", "0.2")

    result = played(tmp_path, PLACE + ACCEPTED + again)

    assert result.failures == (
        "step 3 (at 0.2 s): diverged must be 0, was 1 (accepted-under-another-oid)",
    )


def test_a_scenario_ends_with_its_first_failing_step(tmp_path: Path) -> None:
    result = played(tmp_path, PLACE + 'position = "1"\nlive = { bids = 7 }\n' + PLACE)

    assert [failure.split(":")[0] for failure in result.failures] == ["step 1 (at 0 s)"] * 2
    assert len([r for r in result.trace if type(r).__name__ == "Cycled"]) == 1


WITH_A_TINY_LEVEL = """
[[step]]
at = 0
cycle = { bids = [["2000.0", "0.10"], ["900.0", "0.01"]], asks = [] }
"""


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ('report = { kind = "accepted", order = "b2", oid = "1" }', "b2 was never placed"),
        (
            'report = { kind = "unanswered", order = "b1", command = "cancel" }',
            "no cancel was sent for b1",
        ),
        ('tick = true\norder.b2 = { state = "resting" }', "b2 was never placed"),
        ('tick = true\nreason.b2 = "latched"', "b2 was never placed"),
    ],
)
def test_a_step_about_what_was_not_sent_fails(tmp_path: Path, step: str, complaint: str) -> None:
    # The second level is below the least notional, so it may be named and is never placed.
    result = played(tmp_path, f"{WITH_A_TINY_LEVEL}[[step]]\nat = 1\n{step}\n")

    assert result.failures == (f"step 2 (at 1 s): {complaint}",)


def test_every_kind_of_report_can_be_said(tmp_path: Path) -> None:
    steps = """
    [[step]]
    at = 0
    cycle = { bids = [["2000.0", "0.10"], ["1990.0", "0.10"]], asks = [["2010.0", "0.10"]] }
    sent = { place = 3 }

    [[step]]
    at = 0.1
    reports = [
        { kind = "accepted", order = "b1", oid = "101" },
        { kind = "rejected", order = "b2", reason = "margin" },
        { kind = "unanswered", order = "a1", command = "place" },
        { kind = "order_status", order = "a1", status = "open", filled = "0" },
        { kind = "fill", oid = "101", qty = "0.01", price = "2000.0", trade_id = "t1" },
    ]
    order.b1 = { state = "resting", filled = "0.01", leaves = "0.09" }
    order.b2 = { state = "rejected" }
    order.a1 = { state = "resting" }
    position = "0.01"

    [[step]]
    at = 1
    cycle = { bids = [["2005.0", "0.10"]], asks = [], market = { bid = "1999", ask = "2010" } }
    sent = { modify = 1, cancel = 1 }

    [[step]]
    at = 1.5
    reports = [
        { kind = "modify_rejected", order = "b1", reason = "no", alive = "unknown" },
        { kind = "cancel_rejected", order = "a1", reason = "too_late" },
        { kind = "limited" },
        { kind = "disconnected" },
        { kind = "reconnected" },
    ]
    order.b1 = { request = "modifying?" }
    order.a1 = { request = "cancelling?" }

    [[step]]
    at = 2
    report = { kind = "snapshot", taken_at = 2, open = [
        { oid = "101", order = "b1", side = "buy", price = "2000.0", qty = "0.08" },
        { oid = "777", cloid = "not ours", side = "sell", price = "2100.0", qty = "1" },
    ], fills = [{ order = "b1", oid = "101", qty = "0.01", price = "2000.0", trade_id = "t2" }] }
    order.b1 = { request = "idle", filled = "0.02" }

    [[step]]
    at = 3
    report = { kind = "cancelled", oid = "101", reason = "user" }
    order.b1 = { state = "cancelled", leaves = "0" }
    """

    assert played(tmp_path, steps).failures == ()


def test_an_amended_order_keeps_its_oid(tmp_path: Path) -> None:
    modified = """
    [[step]]
    at = 6
    cycle = { bids = [["2005.0", "0.10"]] }
    sent = { modify = 1 }

    [[step]]
    at = 6.1
    report = { kind = "modified", order = "b1", oid = "101", qty = "0.10", price = "2005.0" }
    order.b1 = { state = "resting", price = "2005.0" }

    [[step]]
    at = 7
    report = { kind = "modify_rejected", order = "b1", alive = true }
    """

    assert played(tmp_path, PLACE + ACCEPTED + dedent(modified), venue="amend").failures == ()


def test_a_crash_is_survived_and_names_go_on_meaning_the_same_orders(tmp_path: Path) -> None:
    crash = """
    [[step]]
    at = 0.2
    crash = true
    order.b1 = { state = "resting" }

    [[step]]
    at = 1
    report = { kind = "snapshot", open = [
        { oid = "101", order = "b1", side = "buy", price = "2000.0", qty = "0.10" }] }

    [[step]]
    at = 2
    cycle = { bids = [["2000.0", "0.10"]] }
    sent = {}
    """

    assert played(tmp_path, PLACE + ACCEPTED + dedent(crash)).failures == ()


def test_an_order_that_nobody_placed_is_named_by_its_oid(tmp_path: Path) -> None:
    steps = """
    [[step]]
    at = 1
    reports = [
        { kind = "modified", oid = "999", qty = "0.1", price = "2000.0" },
        { kind = "accepted", cloid = "theirs", oid = "998" },
    ]
    """

    assert played(tmp_path, PLACE + dedent(steps)).failures == ()


def test_a_broken_invariant_fails_the_step_that_broke_it(tmp_path: Path) -> None:
    path = tmp_path / "story.toml"
    path.write_text(HEADER.format(venue="cancel-replace") + PLACE + ACCEPTED, encoding="utf-8")
    scenario = read_scenario(path)
    rules = rules_of(scenario.config, scenario.instrument, scenario.capabilities)

    result = play(scenario, msgspec.structs.replace(rules, exposure_cap=9))

    assert len(result.failures) == 1
    assert result.failures[0].startswith("step 1 (at 0 s): S6 must hold (")


@pytest.mark.parametrize(
    "cycle",
    ['bids = [["2000", "1"]], asks = [["2000", "1"]]', 'bids = [["1", "1"], ["2", "1"]]'],
)
def test_targets_that_make_no_ladder_are_an_error_of_the_file(tmp_path: Path, cycle: str) -> None:
    steps = f"{PLACE}[[step]]\nat = 1\ncycle = {{ {cycle} }}\n"

    with pytest.raises(ScenarioError, match=r"story\.toml: step 2: .* must "):
        played(tmp_path, steps)


def test_folders_are_searched_and_an_empty_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    story = tmp_path / "deep" / "b.toml"
    story.write_text("", encoding="utf-8")
    (tmp_path / "a.toml").write_text("", encoding="utf-8")
    (tmp_path / "empty").mkdir()

    assert scenario_paths([tmp_path, story]) == [tmp_path / "a.toml", story, story]
    with pytest.raises(ScenarioError, match="must hold scenarios"):
        scenario_paths([tmp_path / "empty"])
