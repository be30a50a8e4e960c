"""The request ledgers: two counts, what fills earn, the widening latch, one probe at a time."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.units import SECOND
from lifecycle.config import Config, QuotaConfig
from lifecycle.core.ledger import LIMITED_PAUSE, LIMITED_PAUSE_MAX, Ledger
from lifecycle.core.settings import MILLION, Settings
from tests.story import INSTRUMENT


def settings(
    cap: int | None = None,
    used: int = 0,
    cancel_cap: int | None = None,
    *,
    earns: float = 0.0,
    enabled: bool = True,
) -> Settings:
    """Compile a configuration of this quota."""
    quota = QuotaConfig(cap=cap, used=used, cancel_cap=cancel_cap, earns=earns, enabled=enabled)
    return Settings(Config(quota=quota), INSTRUMENT)


@pytest.mark.parametrize(
    ("cap", "used", "headroom"),
    [
        (None, 5, MILLION),
        (0, 0, 0),
        (10, 0, MILLION),
        (10, 4, 600_000),
        (10, 9, 100_000),
        (10, 10, 0),
        (10, 12, 0),
    ],
)
def test_headroom_is_the_unused_share(cap: int | None, used: int, headroom: int) -> None:
    assert Ledger(settings(cap, used)).headroom == headroom


def test_cancels_draw_on_their_own_ledger() -> None:
    ledger = Ledger(settings(cap=2, cancel_cap=3))

    for cancel in (False, True, False, True):
        ledger.enter(cancel=cancel, now=0)

    assert (ledger.requests, ledger.cancels) == (2, 2)
    assert (ledger.can_request, ledger.can_cancel) == (False, True)


def test_without_their_own_cap_the_cancels_have_that_of_the_requests() -> None:
    ledger = Ledger(settings(cap=1))

    ledger.enter(cancel=True, now=0)

    assert (ledger.can_request, ledger.can_cancel) == (True, False)


def test_without_a_cap_everything_may_be_sent() -> None:
    ledger = Ledger(settings(used=1_000_000))

    assert (ledger.can_request, ledger.can_cancel) == (True, True)
    assert ledger.latch_factor(settings()) == MILLION


def test_what_is_traded_earns_on_both_ledgers() -> None:
    ledger = Ledger(settings(cap=10, used=10, cancel_cap=20, earns=2.0), Fraction(1, 1_000))

    more = ledger.earn(2_600)

    assert (more, ledger.earned, ledger.left) == (5, 5, 5)
    assert ledger.headroom == 333_333
    for _ in range(15):
        ledger.enter(cancel=True, now=0)
    assert (ledger.can_request, ledger.can_cancel) == (True, False)


def test_what_is_told_again_earns_nothing() -> None:
    ledger = Ledger(settings(cap=10, earns=1.0), Fraction(1, 1_000))

    assert (ledger.earn(1_000), ledger.earn(1_000), ledger.earn(1_999)) == (1, 0, 0)


def test_where_trading_earns_nothing_no_volume_is_kept() -> None:
    ledger = Ledger(settings(cap=10))

    assert (ledger.earn(1_000_000), ledger.traded, ledger.left) == (0, 0, 10)


@given(
    st.lists(st.integers(1, 10**9), max_size=8),
    st.fractions(Fraction(1, 10**9), 1_000),
    st.integers(1, 10_000),
)
def test_nothing_is_lost_or_won_by_earning_in_small_fills(
    fills: list[int], unit: Fraction, hundredths: int
) -> None:
    limits = settings(cap=10, earns=hundredths / 100)
    bit_by_bit, at_once = Ledger(limits, unit), Ledger(limits, unit)

    more = [bit_by_bit.earn(sum(fills[: n + 1])) for n in range(len(fills))]
    at_once.earn(sum(fills))

    exact = sum(fills) * unit * Fraction(hundredths, 100)
    assert sum(more) == bit_by_bit.earned == at_once.earned == exact // 1
    assert all(earned >= 0 for earned in more)


@given(st.integers(0, 1_000), st.integers(0, 2_000))
def test_earning_never_lowers_the_headroom_nor_widens_the_latch(used: int, earned: int) -> None:
    limits = settings(cap=1_000, used=used, earns=1.0)
    before, after = Ledger(limits), Ledger(limits)

    after.earn(earned)

    assert before.headroom <= after.headroom <= MILLION
    assert MILLION <= after.latch_factor(limits) <= before.latch_factor(limits) <= 3 * MILLION


def test_where_nothing_is_saved_up_the_latch_stays() -> None:
    limits = settings(cap=1_000, used=990, enabled=False)

    assert Ledger(limits).latch_factor(limits) == MILLION


@given(st.integers(0, 1_000))
def test_the_latch_widens_linearly_between_thirty_and_ten_percent(used: int) -> None:
    limits = settings(cap=1_000, used=used)
    headroom = 1 - Fraction(used, 1_000)
    share = min(max((Fraction(3, 10) - headroom) / Fraction(2, 10), Fraction(0)), Fraction(1))

    assert Ledger(limits).latch_factor(limits) == (1 + 2 * share) * MILLION


def test_a_refusal_holds_everything_back_until_the_first_probe() -> None:
    ledger = Ledger(settings())

    ledger.refuse(now=100)

    assert ledger.is_held(100 + LIMITED_PAUSE - 1) is True
    assert ledger.is_held(100 + LIMITED_PAUSE) is False


def test_the_pause_doubles_with_each_probe_up_to_its_greatest() -> None:
    ledger = Ledger(settings())
    ledger.refuse(now=0)
    now, pauses = LIMITED_PAUSE, []

    for _ in range(6):
        ledger.enter(cancel=False, now=now)
        pauses.append((ledger.probe_at - now) // SECOND)
        now = ledger.probe_at

    assert pauses == [20, 40, 80, 160, 160, 160]
    assert LIMITED_PAUSE_MAX == 160 * SECOND


def test_being_refused_again_changes_nothing() -> None:
    ledger = Ledger(settings())
    ledger.refuse(now=0)
    ledger.enter(cancel=True, now=LIMITED_PAUSE)
    probe_at = ledger.probe_at

    ledger.refuse(now=LIMITED_PAUSE + 1)

    assert ledger.probe_at == probe_at


def test_an_accepted_request_ends_the_limit_and_the_next_one_starts_afresh() -> None:
    ledger = Ledger(settings())
    ledger.refuse(now=0)
    ledger.enter(cancel=False, now=LIMITED_PAUSE)

    ledger.accept()

    assert ledger.is_held(LIMITED_PAUSE) is False
    ledger.refuse(now=LIMITED_PAUSE)
    assert ledger.probe_at == 2 * LIMITED_PAUSE
