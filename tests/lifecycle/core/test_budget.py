"""The soft quota: what a window may spend, how kinds lend, and what the window forgets."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.units import MINUTE, SECOND, Nanos
from lifecycle.config import Config, QuotaConfig
from lifecycle.core.budget import BUCKETS, Budget, Ration, Spending, room_for_changes, spendable
from lifecycle.core.ledger import Ledger
from lifecycle.core.settings import Settings
from tests.story import INSTRUMENT

HOUR = 60 * MINUTE
COUNTS = st.integers(0, 10_000)


def settings(
    cap: int | None = 10_000, used: int = 0, *, horizon_h: float = 24.0, window_s: float = 600.0
) -> Settings:
    """Compile a configuration of this quota."""
    quota = QuotaConfig(cap=cap, used=used, horizon_h=horizon_h, window_s=window_s)
    return Settings(Config(quota=quota), INSTRUMENT)


# What a window may spend.


@pytest.mark.parametrize(
    ("granted", "left", "earned", "wanted"),
    [
        pytest.param(10_000, 10_000, 0, 68, id="a 144th of what is left but for the reserve"),
        pytest.param(10_000, 700, 0, 4, id="seven per cent"),
        pytest.param(10_000, 700, 40, 44, id="and what the window has earned"),
        pytest.param(10_000, 130, 400, 30, id="never what is kept for coverage"),
        pytest.param(10_000, 100, 400, 0, id="the reserve alone"),
        pytest.param(100, 10, 5, 0, id="ten at least"),
        pytest.param(100, -3, 5, 0, id="overdrawn"),
    ],
)
def test_a_window_spends_its_part_of_the_horizon(
    granted: int, left: int, earned: int, wanted: int
) -> None:
    assert spendable(settings(), granted, left, earned) == wanted


@pytest.mark.parametrize(("horizon_h", "window_s"), [(0.0, 600.0), (24.0, 0.0)])
def test_without_horizon_or_window_all_but_the_reserve_may_be_spent(
    horizon_h: float, window_s: float
) -> None:
    limits = settings(horizon_h=horizon_h, window_s=window_s)

    assert spendable(limits, 10_000, 700, 0) == 600


# How kinds lend.


@pytest.mark.parametrize(
    ("spent", "room"),
    [
        pytest.param((0, 0, 0), 100, id="all is lent while nothing is spent"),
        pytest.param((40, 0, 0), 60, id="beyond the own share"),
        pytest.param((0, 25, 0), 75, id="what places spend is lent no more"),
        pytest.param((0, 25, 20), 55, id="nor what cancels spend"),
        pytest.param((0, 500, 500), 40, id="the own share stays"),
        pytest.param((41, 40, 20), -1, id="overdrawn"),
    ],
)
def test_changes_have_their_share_and_what_the_others_leave(
    spent: tuple[int, int, int], room: int
) -> None:
    assert room_for_changes(settings(), 100, *spent) == room


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_with_all_that_is_lent_changes_never_exceed_the_window(
    total: int, changes: int, places: int, cancels: int
) -> None:
    room = room_for_changes(settings(), total, changes, places, cancels)

    assert total * 4 // 10 <= changes + room <= total


@given(COUNTS, st.tuples(COUNTS, COUNTS, COUNTS), st.integers(0, 2))
def test_whatever_is_spent_leaves_no_more_room(
    total: int, spent: tuple[int, int, int], what: int
) -> None:
    more = [count + (kind == what) for kind, count in enumerate(spent)]

    assert room_for_changes(settings(), total, *more) <= room_for_changes(settings(), total, *spent)


def test_shares_of_nothing_leave_no_room() -> None:
    quota = QuotaConfig(cap=100, modify_share=0.0, place_share=0.0, cancel_share=0.0)

    limits = Settings(Config(quota=quota), INSTRUMENT)

    assert room_for_changes(limits, 100, 0, 0, 0) == 0


# The rolling window.


def test_without_a_cap_nothing_is_counted() -> None:
    budget = Budget(settings(cap=None))

    budget.enter(Spending.CHANGE, 5)
    budget.replace(5, orders=2)
    budget.place(5)

    assert (budget.buckets, budget.prepaid, budget.started_at) == ([], 0, None)
    assert budget.is_on is False


def test_what_is_spent_is_forgotten_after_the_window_and_a_part_of_it() -> None:
    budget = Budget(settings(window_s=600.0))
    budget.enter(Spending.CHANGE, 0)
    budget.enter(Spending.PLACE, MINUTE - 1)
    budget.enter(Spending.EARNED, MINUTE, 7)

    assert budget.within(11 * MINUTE - 1) == (1, 1, 0, 7)
    assert budget.within(11 * MINUTE) == (0, 0, 0, 7)
    assert budget.within(12 * MINUTE) == (0, 0, 0, 0)


@given(st.lists(st.integers(0, 90), max_size=300))
def test_the_window_never_counts_too_little_and_stays_small(waits: list[int]) -> None:
    budget = Budget(settings(window_s=600.0))
    now: Nanos = 0
    times = []

    for wait in waits:
        now += wait * SECOND
        times.append(now)
        budget.enter(Spending.CHANGE, now)

    within = sum(1 for at in times if at > now - 10 * MINUTE)
    a_little_more = sum(1 for at in times if at > now - 11 * MINUTE)
    assert within <= budget.within(now)[Spending.CHANGE] <= a_little_more
    assert len(budget.buckets) <= BUCKETS + 1


def test_a_replacement_is_one_decision_whose_place_is_prepaid() -> None:
    budget = Budget(settings())

    budget.replace(0, orders=1)
    assert (budget.within(0), budget.prepaid) == ((1, 0, 0, 0), 1)
    budget.place(SECOND)
    assert (budget.within(SECOND), budget.prepaid) == ((1, 0, 0, 0), 0)
    budget.place(SECOND)

    assert budget.within(SECOND) == (1, 1, 0, 0)


def test_a_cancel_sent_again_for_the_same_replacement_prepays_nothing_more() -> None:
    budget = Budget(settings())

    for _ in range(3):
        budget.replace(0, orders=1)

    assert (budget.within(0), budget.prepaid) == ((1, 0, 0, 0), 1)


# One cycle's ration.


def test_below_its_floor_a_change_waits_whatever_the_window_has() -> None:
    limits = settings(used=8_500)
    ration = Ration(Budget(limits), Ledger(limits), 0)

    assert ration.must_wait(150_001) is True
    assert ration.must_wait(150_000) is False


@given(
    used=st.integers(0, 10_000),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["soft", "firm", "place", "cancel", "wait", "earn"]),
            st.integers(1, 200),
        ),
        max_size=80,
    ),
)
def test_no_soft_change_is_granted_beyond_what_the_window_grants(
    used: int, steps: list[tuple[str, int]]
) -> None:
    limits = settings(used=used)
    ledger, budget = Ledger(limits, Fraction(1)), Budget(limits)
    now: Nanos = 0

    for step, count in steps:
        if step == "wait":
            now += count * SECOND
        elif step == "earn":
            ledger.earned += count
            budget.enter(Spending.EARNED, now, count)
        elif step == "soft":
            if Ration(budget, ledger, now).grants(0):
                changes, _, _, earned = budget.within(now)
                granted = ledger.cap + ledger.earned if ledger.cap else 0
                total = spendable(limits, granted, granted - ledger.requests, earned)
                assert changes + 1 <= total
                budget.enter(Spending.CHANGE, now)
                ledger.enter(cancel=False, now=now)
        elif ledger.can_request:
            what = {"firm": Spending.CHANGE, "place": Spending.PLACE, "cancel": Spending.CANCEL}
            budget.enter(what[step], now)
            ledger.enter(cancel=step == "cancel", now=now)

    assert ledger.left is not None
    assert ledger.left >= 0


# How long it lasts.


def test_the_horizon_is_what_is_left_at_the_rate_of_the_window() -> None:
    limits = settings(window_s=600.0)
    budget = Budget(limits)
    for minute in range(10):
        budget.enter(Spending.CHANGE, minute * MINUTE)

    assert budget.horizon(60, 10 * MINUTE) == HOUR
    assert budget.horizon(0, 10 * MINUTE) == 0


def test_a_quota_that_earns_what_it_spends_never_ends() -> None:
    budget = Budget(settings())
    budget.enter(Spending.CHANGE, 0)
    budget.enter(Spending.CANCEL, 0, 5)
    budget.enter(Spending.EARNED, 0)

    assert budget.horizon(60, MINUTE) is None
    assert Budget(settings()).horizon(60, MINUTE) is None


def test_a_short_history_is_not_taken_for_a_whole_window() -> None:
    budget = Budget(settings(window_s=600.0))
    budget.enter(Spending.PLACE, 0, 2)

    assert budget.horizon(10, 2 * MINUTE) == 10 * MINUTE
    assert budget.horizon(10, 0) == 5 * MINUTE
