"""Proofs about the shipped arithmetic: lattice, bands and ledger, for all integers at once.

Each claim is negated and no values are found; beside it stands a stronger or careless claim for
which values are found, so that the first is known to say something. The functions are the shipped
ones, run on symbolic integers.
"""

from typing import Final

import pytest

from exchange.instrument import Instrument
from exchange.units import BPS, SECOND
from lifecycle.config import STABLE
from lifecycle.core.bands import in_units, level_latch, stale_band
from lifecycle.core.ledger import LIMITED_PAUSE, LIMITED_PAUSE_MAX, Ledger
from lifecycle.core.settings import MILLION, Settings
from spec.lattice import hold, hold_up, snap_down, snap_up
from tests.proofs.symbolic import Formula, counterexample, integer, of, paths, value, z3

SETTINGS: Final = Settings(STABLE, Instrument("ETH"))
UNIT: Final = BPS * MILLION
STEPS: Final = (1, 2, 7, 50)
by_step = pytest.mark.parametrize("step", STEPS)

# Lattice.


@by_step
def test_a_snapped_price_is_held_within_the_margin(step: int) -> None:
    previous, raw, margin = integer("previous"), integer("raw"), integer("margin")
    point = of(previous) % step == 0
    inside = z3.And(
        of(raw) >= of(previous) - of(margin), of(raw) < of(previous) + step + of(margin)
    )
    given = [of(margin) >= 0, point, inside]

    held = value(given, lambda: hold(previous, raw, step, margin))

    assert counterexample(given, held == of(previous)) is None


@by_step
def test_a_jitter_no_wider_than_the_margin_moves_a_price_once_at_most(step: int) -> None:
    previous, first, second, margin = (integer(n) for n in ("previous", "first", "second", "m"))
    near = z3.And(of(first) - of(second) <= of(margin), of(second) - of(first) <= of(margin))
    given = [of(margin) >= 0, near]

    once = value(given, lambda: hold(previous, first, step, margin))
    twice = value(given, lambda: hold(hold(previous, first, step, margin), second, step, margin))

    # Once on the new cell, a jitter around where it came from changes nothing any more.
    moved = z3.Or(once != of(previous), of(previous) % step != 0)
    assert counterexample([*given, moved], twice == once) is None


def test_plain_snapping_is_moved_by_a_jitter_of_one_unit() -> None:
    raw = integer("raw")
    step = 10

    found = counterexample([], of(snap_down(raw, step)) == of(snap_down(raw + 1, step)))

    assert found is not None
    seen = found[z3.Int("raw")].as_long()
    assert snap_down(seen, step) != snap_down(seen + 1, step)
    assert hold(snap_down(seen, step), seen + 1, step, 1) == snap_down(seen, step)


@by_step
def test_snapping_never_crosses(step: int) -> None:
    bid, ask = integer("bid"), integer("ask")
    given = [of(bid) < of(ask)]

    assert counterexample(given, of(snap_down(bid, step)) < of(snap_up(ask, step))) is None


def test_snapping_both_sides_the_same_way_meets() -> None:
    bid, ask = integer("bid"), integer("ask")
    given = [of(bid) < of(ask)]

    assert counterexample(given, of(snap_down(bid, 10)) < of(snap_down(ask, 10))) is not None


def sides_stay_apart(step: int, spread_over: int) -> tuple[list[Formula], Formula]:
    """Return what is given and claimed of two held sides, the spread over so many margins."""
    bid, ask, margin = integer("bid"), integer("ask"), integer("margin")
    last_bid, last_ask = integer("last_bid"), integer("last_ask")
    given = [of(margin) >= 0, of(ask) - of(bid) > spread_over * of(margin)]
    held_bid = value(given, lambda: hold(last_bid, bid, step, margin))
    held_ask = value(given, lambda: hold_up(last_ask, ask, step, margin))
    return given, held_bid < held_ask


@by_step
def test_held_sides_stay_apart_beyond_twice_the_margin(step: int) -> None:
    assert counterexample(*sides_stay_apart(step, 2)) is None


def test_held_sides_may_meet_within_twice_the_margin() -> None:
    assert counterexample(*sides_stay_apart(10, 1)) is not None


# Bands.


def test_a_band_in_units_decides_as_the_exact_quotient_would() -> None:
    band, price, drift = integer("band"), integer("price"), integer("drift")
    given = [of(band) >= 0, of(price) > 0]

    decided = of(drift) <= of(in_units(band, price))
    exact = of(drift) * UNIT <= of(band) * of(price)

    assert counterexample(given, decided == exact) is None


def test_a_band_rounded_up_would_let_too_much_in() -> None:
    band, price, drift = integer("band"), integer("price"), integer("drift")
    given = [of(band) >= 0, of(price) > 0]

    decided = of(drift) <= -of(in_units(-band, price))
    exact = of(drift) * UNIT <= of(band) * of(price)

    assert counterexample(given, decided == exact) is not None


def test_an_order_kept_is_never_further_away_than_its_band() -> None:
    band, price, resting = integer("band"), integer("price"), integer("resting")
    drift = of(resting) - of(price)
    kept = z3.And(drift <= of(in_units(band, price)), -drift <= of(in_units(band, price)))
    given = [of(band) >= 0, of(price) > 0, kept]

    within = z3.And(drift * UNIT <= of(band) * of(price), -drift * UNIT <= of(band) * of(price))

    assert counterexample(given, within) is None


@pytest.mark.parametrize("level", [0, 1, 2, 7])
def test_a_latch_never_narrows_as_the_quota_factor_grows(level: int) -> None:
    base, low, high = integer("base"), integer("low"), integer("high")
    given = [of(base) >= 0, of(low) <= of(high)]

    narrow = of(level_latch(SETTINGS, base, level, low))
    wide = of(level_latch(SETTINGS, base, level, high))

    assert counterexample(given, narrow <= wide) is None


@pytest.mark.parametrize("level", [0, 1, 2])
def test_an_outer_level_has_no_narrower_latch(level: int) -> None:
    base, factor = integer("base"), integer("factor")
    given = [of(base) >= 0, of(factor) >= MILLION]

    inner = of(level_latch(SETTINGS, base, level, factor))
    outer = of(level_latch(SETTINGS, base, level + 1, factor))

    assert counterexample(given, z3.And(of(base) <= inner, inner <= outer)) is None


def test_a_latch_does_not_always_widen_with_the_quota_factor() -> None:
    base, factor = integer("base"), integer("factor")
    given = [of(base) > 0, of(factor) >= MILLION]

    same = of(level_latch(SETTINGS, base, 0, factor))
    more = of(level_latch(SETTINGS, base, 0, factor + 1))

    assert counterexample(given, same < more) is not None


def test_the_stale_band_contains_the_latch() -> None:
    latch = integer("latch")
    given = [of(latch) >= 0]

    assert counterexample(given, of(stale_band(SETTINGS, latch)) >= of(latch)) is None
    assert counterexample(given, of(stale_band(SETTINGS, latch)) > of(latch)) is not None


# The ledger.


def ledger_with(requests: int, cap: int = MILLION) -> Ledger:
    """Return a ledger that has used so many requests; a cap of a million shows every headroom."""
    ledger = Ledger(SETTINGS)
    ledger.cap, ledger.requests = cap, requests
    return ledger


def test_the_headroom_is_a_share_that_falls_with_every_request() -> None:
    used, more, cap = integer("used"), integer("more"), integer("cap")
    given = [of(used) >= 0, of(used) <= of(more), of(cap) > 0]

    before = value(given, lambda: ledger_with(used, cap).headroom)
    after = value(given, lambda: ledger_with(more, cap).headroom)

    assert counterexample(given, z3.And(after >= 0, after <= before, before <= MILLION)) is None
    assert counterexample([*given, of(used) < of(more)], after < before) is not None


def test_the_quota_factor_lies_between_one_and_the_widest() -> None:
    used = integer("used")
    given = [of(used) >= 0]

    factor = value(given, lambda: ledger_with(used).latch_factor(SETTINGS))

    inside = z3.And(factor >= MILLION, factor <= SETTINGS.widest_factor)
    assert counterexample(given, inside) is None
    assert counterexample(given, factor < SETTINGS.widest_factor) is not None


def test_the_quota_factor_never_falls_as_the_headroom_does() -> None:
    used, more = integer("used"), integer("more")
    given = [of(used) >= 0, of(used) <= of(more)]

    before = value(given, lambda: ledger_with(used).latch_factor(SETTINGS))
    after = value(given, lambda: ledger_with(more).latch_factor(SETTINGS))

    assert counterexample(given, before <= after) is None
    assert counterexample(given, before == after) is not None


def least_time(probes: int) -> int:
    """Return the sum of the pauses before so many probes, in nanoseconds."""
    return sum(min(LIMITED_PAUSE << n, LIMITED_PAUSE_MAX) for n in range(probes))


def probes_take(probes: int, least: int) -> tuple[list[Formula], Formula]:
    """Return what is given and claimed of a limited ledger and commands at any times."""
    refused, *times = (integer(f"t{n}") for n in range(probes + 1))
    given = [
        of(later) >= of(sooner) for sooner, later in zip([refused, *times], times, strict=False)
    ]

    def allowed() -> bool:
        ledger = Ledger(SETTINGS)
        ledger.refuse(refused)
        for now in times:
            if ledger.is_held(now):
                return False
            ledger.enter(cancel=False, now=now)
        return True

    sent = z3.Or(*[path.condition for path in paths(given, allowed) if path.result])
    return [*given, sent], of(times[-1]) - of(refused) >= least


@pytest.mark.parametrize("probes", range(1, 9))
def test_a_limited_ledger_lets_no_more_commands_out_than_its_pauses_allow(probes: int) -> None:
    least = least_time(probes)

    assert counterexample(*probes_take(probes, least)) is None
    assert counterexample(*probes_take(probes, least + 1)) is not None


def test_five_probes_of_a_limited_ledger_take_five_minutes() -> None:
    assert least_time(5) == 310 * SECOND
