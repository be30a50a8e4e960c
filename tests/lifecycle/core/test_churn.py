"""The churn tracker: causes, rolling sums and alarms."""

from collections import Counter
from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen
from exchange.words import Side
from lifecycle.config import ChurnConfig
from lifecycle.core.churn import Cause, Churn, cause_of, count_sent
from spec.trace import Action, Decision, Plan, Reason, Target, Targets
from tests.strategies import Churned, churned

BID, ASK = 9_990, 10_010
BOTH = Targets(bids=(Target(BID, 5),), asks=(Target(ASK, 5),))
RESTING = {"b": BID, "a": ASK}
PLACE = Place(1, "n", Side.BUY, BID, 5, True, False, 0)
MODIFY = Modify(2, "b", "o", Side.BUY, BID, 5, True, False, 0)
CANCEL = Cancel(3, "b", "o", 0)
NOTHING = Plan((), ())
QUICK = ChurnConfig(window=20, spiral_cycles=3, absence_cycles=3)


def decided(
    reason: Reason,
    action: Action = Action.KEEP,
    *,
    cloid: str | None = "b",
    level: int = 0,
    price: int = BID,
    target: int = BID,
) -> Decision:
    side = Side.SELL if cloid == "a" else Side.BUY
    return Decision(cloid, side, level, action, reason, price, target, 5, 5, 6)


KEPT = (
    decided(Reason.SAME_POINT),
    decided(Reason.LATCHED, cloid="a", price=ASK, target=ASK + 2),
)


def tracked(churn: Churn, cycles: int, *commands: Command, fills: int = 0) -> tuple[str, ...]:
    """Track as many cycles that keep both orders and send `commands`; returns what was said."""
    said: tuple[str, ...] = ()
    for _ in range(cycles):
        said += churn.track(BOTH, Plan(commands, KEPT), fills=fills, resting=RESTING)
    return said


@pytest.mark.parametrize(
    ("decision", "cause"),
    [
        (decided(Reason.SAME_POINT), Cause.SAME),
        (decided(Reason.SAME_POINT, price=BID - 4, target=BID - 4), Cause.GRID),
        (decided(Reason.LATCHED, price=BID - 4), Cause.LATCH),
        (decided(Reason.DEBOUNCED, Action.WAIT), Cause.DEBOUNCE),
        (decided(Reason.QUOTA, Action.WAIT), Cause.QUOTA),
        (decided(Reason.IN_FLIGHT, Action.WAIT), Cause.IN_FLIGHT),
        (decided(Reason.IN_DOUBT, Action.WAIT), Cause.IN_DOUBT),
        (decided(Reason.BLIND, Action.WAIT, level=-1), Cause.OTHER),
        (decided(Reason.MODIFY, Action.MODIFY), None),
        (decided(Reason.WITHDRAWN, Action.CANCEL, level=-1), None),
        (decided(Reason.UNCOVERED, Action.PLACE), None),
        (decided(Reason.QUOTA, Action.WAIT, cloid=None), None),
    ],
)
def test_an_order_that_is_left_has_a_cause(decision: Decision, cause: Cause | None) -> None:
    assert cause_of(decision, BOTH) == cause


def test_every_reason_to_wait_has_a_cause() -> None:
    causes = {cause_of(decided(reason, Action.WAIT), BOTH) for reason in Reason}

    assert None not in causes


def test_a_tracker_that_was_told_nothing_divides_by_nothing() -> None:
    window = Churn(ChurnConfig()).window

    assert (window.cycles, window.cancel_fill, window.calls_fill, window.skip) == (0, 0.0, 0.0, 0.0)
    assert (window.modify_share, window.queue_kept, window.bid, window.ask) == (None,) * 4
    assert window.staleness_rms_bps is None


def test_places_modifies_and_cancels_are_calls() -> None:
    assert count_sent((PLACE, MODIFY, CANCEL, CANCEL, QueryOpen(1, 0))).calls == 4


def test_a_query_is_no_call() -> None:
    churn = Churn(ChurnConfig())

    tracked(churn, 1, QueryOpen(1, 0))

    assert churn.window.skip == 1.0


def test_the_window_has_ratios_and_shares() -> None:
    churn = Churn(ChurnConfig())

    tracked(churn, 1, PLACE, MODIFY, MODIFY, CANCEL, fills=2)
    tracked(churn, 3)

    window = churn.window
    assert (window.cancel_fill, window.calls_fill) == (0.5, 2.0)
    assert (window.skip, window.modify_share, window.queue_kept) == (0.75, 2 / 3, 1.0)


def test_cancels_without_a_fill_have_no_finite_ratio() -> None:
    churn = Churn(ChurnConfig())

    tracked(churn, 1, CANCEL)

    assert churn.window.cancel_fill is None
    assert churn.window.calls_fill is None


def test_a_cycle_is_judged_by_what_rests_when_the_next_one_comes() -> None:
    churn = Churn(ChurnConfig())
    churn.track(BOTH, Plan((), KEPT), fills=0, resting={})
    before = churn.window.bid

    churn.track(BOTH, NOTHING, fills=0, resting={"b": BID - 2})

    assert before is None
    assert (churn.window.bid, churn.window.ask) == (1.0, 0.0)
    assert churn.window.staleness_rms_bps == pytest.approx(2.0, rel=1e-2)


def test_an_order_sent_for_is_not_kept() -> None:
    churn = Churn(ChurnConfig())
    decisions = (decided(Reason.IN_FLIGHT, Action.WAIT), decided(Reason.LATCHED, cloid="a"))

    churn.track(BOTH, Plan((), decisions), fills=0, resting=RESTING)

    assert churn.window.queue_kept == 0.5


def recomputed(lives: list[Churned], window: int) -> dict[str, object]:
    """Compute the window from its cycles, the plain way."""
    last = lives[-window:]
    # A cycle is judged with the next one; the run's very first has none before it.
    judged = list(pairwise(lives))[-window:]
    squares = [
        (abs(after.resting[cloid] - wanted) * 10**10 // wanted) ** 2
        for life, after in judged
        for cloid, wanted in (("b", life.bid), ("a", life.ask))
        if cloid in after.resting
    ]
    orders = [(life, cloid) for life in last for cloid in "ba" if cloid in life.resting]
    taken = ("in-flight", "in-doubt", "modify")
    kept = sum(life.reasons["ba".index(cloid)] not in taken for life, cloid in orders)
    cancels, fills = sum(life.sent[2] for life in last), sum(life.fills for life in last)
    modifies, calls = sum(life.sent[1] for life in last), sum(sum(life.sent) for life in last)
    return {
        "cycles": len(last),
        "cancel_fill": 0.0 if not cancels else cancels / fills if fills else None,
        "calls_fill": 0.0 if not calls else calls / fills if fills else None,
        "skip": sum(not any(life.sent) for life in last) / len(last),
        "modify_share": modifies / (modifies + cancels) if modifies + cancels else None,
        "queue_kept": kept / len(orders) if orders else None,
        "bid": sum("b" in after.resting for _, after in judged) / len(judged) if judged else None,
        "ask": sum("a" in after.resting for _, after in judged) / len(judged) if judged else None,
        "staleness_rms_bps": sqrt(sum(squares) / len(squares)) / 1e6 if squares else None,
    }


def live(churn: Churn, life: Churned) -> None:
    """Tell a tracker of a cycle."""
    targets = Targets(bids=(Target(life.bid, 5),), asks=(Target(life.ask, 5),))
    decisions = []
    for cloid, word in zip("ba", life.reasons, strict=True):
        reason = Reason(word)
        kept = reason in (Reason.SAME_POINT, Reason.LATCHED)
        action = Action.KEEP if kept else Action.WAIT
        action = Action.MODIFY if reason is Reason.MODIFY else action
        decisions.append(decided(reason, action, cloid=cloid))
    places, modifies, cancels = life.sent
    commands = (PLACE,) * places + (MODIFY,) * modifies + (CANCEL,) * cancels
    churn.track(
        targets,
        Plan(commands, tuple(decisions)),
        fills=life.fills,
        resting=life.resting,
        suppressed=life.suppressed,
    )


@given(st.lists(churned(), min_size=1, max_size=25), st.integers(1, 8))
def test_rolling_sums_are_what_recomputing_the_window_gives(
    lives: list[Churned], window: int
) -> None:
    churn = Churn(ChurnConfig(window=window))

    for count, life in enumerate(lives, start=1):
        live(churn, life)

        now = churn.window
        for name, value in recomputed(lives[:count], window).items():
            assert getattr(now, name) == value, name


@given(st.lists(churned(), max_size=25), st.integers(1, 8))
def test_causes_are_counted_over_the_whole_run(lives: list[Churned], window: int) -> None:
    churn = Churn(ChurnConfig(window=window))

    for life in lives:
        live(churn, life)

    words = Counter(word for life in lives for word in life.reasons)
    for cause, word in (
        (Cause.LATCH, "latched"),
        (Cause.DEBOUNCE, "debounced"),
        (Cause.QUOTA, "quota"),
        (Cause.IN_FLIGHT, "in-flight"),
        (Cause.OTHER, "blind"),
    ):
        assert churn.kept_by[cause] == words[word]
    assert churn.kept_by[Cause.SAME] + churn.kept_by[Cause.GRID] == words["same-point"]
    assert churn.kept_by[Cause.SMOOTHER] == sum(life.suppressed for life in lives)


def test_cancels_that_outrun_fills_for_long_enough_are_a_spiral() -> None:
    churn = Churn(QUICK)
    tracked(churn, 1, *[CANCEL] * 21, fills=2)
    first = churn.alerts

    said = tracked(churn, 2)

    assert first == ()
    assert churn.alerts == ("spiral",)
    assert said == ("spiral: 21 cancels and 2 fills in 3 cycles",)
    assert churn.boost == QUICK.deadband_boost


def test_ten_cancels_a_fill_are_no_spiral() -> None:
    churn = Churn(QUICK)

    tracked(churn, 20, *[CANCEL] * 10, fills=1)

    assert churn.alerts == ()
    assert churn.boost == 1.0


def test_without_a_fill_it_takes_a_cancel_in_ten_cycles_of_the_whole_window() -> None:
    few, enough = Churn(QUICK), Churn(QUICK)

    for churn, cancels in ((few, 1), (enough, 2)):
        tracked(churn, 1, *[CANCEL] * cancels)
        tracked(churn, 10)

    assert few.alerts == ()
    assert enough.alerts == ("spiral",)


def test_a_cycle_in_between_starts_the_count_again() -> None:
    churn = Churn(QUICK)

    tracked(churn, 2, *[CANCEL] * 11, fills=1)
    tracked(churn, 1, fills=1)
    tracked(churn, 2, *[CANCEL] * 20)

    assert churn.alerts == ()


def test_the_boost_is_released_when_the_spiral_ends() -> None:
    churn = Churn(QUICK)
    tracked(churn, 3, *[CANCEL] * 11, fills=1)
    during = churn.boost

    said = tracked(churn, 1, fills=1)

    assert during == 2.0
    assert churn.boost == 1.0
    assert said == ("spiral: over",)


def test_a_side_that_stays_empty_is_an_alarm_of_its_own() -> None:
    churn = Churn(QUICK)

    said = [churn.track(BOTH, Plan((), KEPT), fills=0, resting={"b": BID}) for _ in range(5)]

    assert churn.alerts == ("ask absent",)
    assert [line for lines in said for line in lines] == ["ask absent: there in 0 of 3 cycles"]
    assert churn.boost == 1.0


def test_a_side_that_comes_back_ends_the_alarm_with_its_share() -> None:
    churn = Churn(QUICK)
    for _ in range(5):
        churn.track(BOTH, Plan((), KEPT), fills=0, resting={"b": BID})

    during = tracked(churn, 18)
    after = tracked(churn, 1)

    assert during == ()
    assert after == ("ask absent: over",)
    assert churn.alerts == ()


def test_switched_off_it_counts_and_never_raises_an_alarm() -> None:
    churn = Churn(ChurnConfig(enabled=False, window=20, spiral_cycles=1))

    said = tracked(churn, 5, *[CANCEL] * 11)

    assert said == churn.alerts == ()
    assert churn.boost == 1.0
    assert churn.sums.cancelled == 55


def test_the_line_says_the_cycle_and_the_window() -> None:
    churn = Churn(ChurnConfig())
    tracked(churn, 5, fills=1)

    tracked(churn, 1, MODIFY)

    assert churn.line() == (
        "cycle 6 keep 2 (same 1 latch 1) mod 1 place 0 cancel 0 | "
        "6: c/f 0.0 skip 83% queue 100% present 100/100% rms 0.0bp"
    )


def test_the_line_shouts_alarms_and_has_signs_for_what_it_does_not_know() -> None:
    churn = Churn(ChurnConfig(window=10, spiral_cycles=1))

    churn.track(BOTH, Plan((CANCEL,), ()), fills=0, resting={})

    assert churn.line() == (
        "cycle 1 keep 0 mod 0 place 0 cancel 1 | "
        "1: c/f ∞ skip 0% queue –% present –/–% rms –bp SPIRAL"
    )


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (ChurnConfig(window=0), "window must be at least 1, was 0"),
        (ChurnConfig(deadband_boost=0.5), "deadband_boost must be at least 1, was 0.5"),
    ],
)
def test_a_table_without_a_meaning_is_refused(config: ChurnConfig, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Churn(config)
