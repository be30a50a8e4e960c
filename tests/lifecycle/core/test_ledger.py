"""The request ledgers: two counts, the widening of the latch, and one probe at a time."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.units import SECOND
from lifecycle.config import Config, QuotaConfig
from lifecycle.core.ledger import LIMITED_PAUSE, LIMITED_PAUSE_MAX, Ledger
from lifecycle.core.settings import MILLION, Settings, compile_settings
from tests.story import INSTRUMENT


def settings(cap: int | None = None, used: int = 0, cancel_cap: int | None = None) -> Settings:
    """Compile a configuration of this quota."""
    quota = QuotaConfig(cap=cap, used=used, cancel_cap=cancel_cap)
    return compile_settings(Config(quota=quota), INSTRUMENT)


@pytest.mark.parametrize(
    ("cap", "used", "headroom"),
    [(None, 5, MILLION), (0, 0, 0), (10, 0, MILLION), (10, 4, 600_000), (10, 10, 0), (10, 12, 0)],
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
