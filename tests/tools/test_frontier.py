"""The frontier's own arithmetic, and one short run of every kind of rule."""

import json
from pathlib import Path

import msgspec
import pytest

from tools.bench.frontier import main, overridden
from tools.bench.frontier_compare import best_peer, calls_at, envelope, ratios
from tools.bench.frontier_draw import draw
from tools.bench.frontier_run import DEFAULT, Course, Job, Point, run

COURSE = Course(name="generated", file=None, levels=2, minutes=1.5)


def point(rule: str, staleness: float, calls: float, width: float = 1.0) -> Point:
    return Point(
        course="c",
        levels=1,
        rule=rule,
        width=width,
        calls_per_minute=calls,
        staleness_bps=staleness,
        held_bps=staleness,
        bid_present=1.0,
        ask_present=1.0,
        fills=0,
        markout_5s_bps=None,
        placed=0,
        modified=0,
        cancelled=0,
        zero_action=0.0,
        queue_kept=None,
        by_level_bps=(staleness,),
        step_bps=2.0,
    )


def test_the_envelope_leaves_out_what_is_both_staler_and_dearer() -> None:
    points = [point("a", 1.0, 10.0), point("a", 2.0, 12.0), point("a", 3.0, 5.0)]

    assert envelope(points) == [(1.0, 10.0), (3.0, 5.0)]


def test_a_power_law_is_interpolated_exactly_and_nothing_is_claimed_beyond_the_ends() -> None:
    frontier = [(1.0, 16.0), (4.0, 1.0)]

    assert calls_at(frontier, 2.0) == pytest.approx(4.0)
    assert calls_at(frontier, 0.9) is None
    assert calls_at(frontier, 4.1) is None


def test_the_best_peer_is_the_cheapest_at_our_staleness() -> None:
    points = [point("us", 2.0, 1.0)]
    points += [point("passivbot", s, c) for s, c in ((1.0, 16.0), (4.0, 1.0))]
    points += [point("hummingbot", s, c) for s, c in ((1.0, 64.0), (4.0, 4.0))]

    best = best_peer(ratios(points))

    assert [one.peer for one in best] == ["passivbot"]
    assert best[0].ratio == pytest.approx(0.25)


@pytest.mark.parametrize("rule", ["us", DEFAULT, "legacy", "hummingbot", "basic_adding"])
def test_a_short_run_of_a_rule_has_something_to_say(rule: str) -> None:
    found = run(Job(COURSE, rule, 0.0 if rule == DEFAULT else 1.0))

    assert found.calls_per_minute > 0
    assert found.staleness_bps is not None
    assert len(found.by_level_bps) == 2


def test_without_smoothing_and_grid_both_yardsticks_agree() -> None:
    found = run(Job(COURSE, "passivbot", 2.0))

    assert found.staleness_bps == pytest.approx(found.held_bps)


def test_overrides_change_our_configuration() -> None:
    told = overridden(["bands.level_factors=[1.0]", "grid.enabled=false", "bands.size = 0.5"])

    assert told == {"bands": {"level_factors": [1.0], "size": 0.5}, "grid": {"enabled": False}}
    with pytest.raises(ValueError, match="key must be in a table, was levels=3"):
        overridden(["levels=3"])
    with pytest.raises(msgspec.ValidationError):
        run(Job(COURSE, DEFAULT, 0.0, {"bands": {"widths": 3}}))


def test_a_picture_shows_every_rule_and_the_limit() -> None:
    points = [point("us", 1.0, 4.0), point("us", 2.0, 1.0), point("passivbot", 1.0, 9.0)]

    picture = draw(points, [(1.0, 3.0), (2.0, 0.9)])

    assert all(name in picture for name in ("us", "passivbot", "limit, random walk"))


def test_the_command_prints_the_tables_and_writes_both_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers, picture = tmp_path / "f.json", tmp_path / "f.svg"
    chosen = ["--rules", f"{DEFAULT}", "--minutes", "1.5", "--workers", "1"]

    code = main([*chosen, "--json", str(numbers), "--svg", str(picture)])

    told = json.loads(numbers.read_text(encoding="utf-8"))
    assert code == 0
    assert "generated, 1 a side" in capsys.readouterr().out
    assert [row["rule"] for row in told["points"]] == [DEFAULT]
    assert picture.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--rules", "nobody"], "--rules must be of us"),
        (["--levels", "0"], "--levels must be positive, was 0"),
        (["--set", "levels=3"], "--set must be TABLE.KEY=VALUE"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)

    assert complaint in capsys.readouterr().err
