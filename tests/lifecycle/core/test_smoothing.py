"""L1: what jitters is held, what moves is followed, and what is no number never comes through."""

from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lifecycle.config import LEGACY, SmoothingConfig
from lifecycle.core.smoothed import Smoothed
from lifecycle.core.smoothing import PARAMETERS, Smoother, Smoothing

RECORDED_KAPPAS = (1169.0, 1176.0, 1194.0, 1169.0)
"""As the recorded bot estimated them in four cycles."""

samples = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
usual = st.floats(1e-3, 1e6)
alphas = st.floats(0.01, 1.0)
deadbands = st.floats(0.0, 0.5)
no_samples = st.sampled_from((nan, inf, -inf, -1.0, 0.0, -0.0))


def emitted(smoother: Smoother, values: list[float]) -> list[float]:
    """Return what a smoother makes of good samples."""
    out = [smoother.smooth(value) for value in values]
    return [value for value in out if value is not None]


# One parameter.


def test_the_first_sample_seeds() -> None:
    smoother = Smoother(0.1, 0.05)

    assert smoother.value is None
    assert smoother.smooth(1169.0) == 1169.0
    assert smoother.value == 1169.0


def test_the_average_is_emitted_once_it_has_left_the_deadband() -> None:
    smoother = Smoother(0.5, 0.2)

    out = emitted(smoother, [100.0, 140.0, 140.0, 140.0])

    # The average goes 100, 120, 130, 135: at 120 it stands on the border, which is inside; 135 is
    # within a fifth of 130.
    assert out == [100.0, 100.0, 130.0, 130.0]
    assert smoother.suppressed == 2


def test_a_slow_drift_is_emitted_once_it_has_added_up() -> None:
    drift = [100.0 * 1.001**n for n in range(100)]

    out = emitted(Smoother(1.0, 0.03), drift)

    # 0.1 % a sample needs 30 of them to leave a band of 3 %.
    changes = [n for n, (a, b) in enumerate(pairwise(out), 1) if a != b]
    assert changes == [30, 60, 90]
    assert all(abs(value / sample - 1) <= 0.03 for value, sample in zip(out, drift, strict=True))


def test_the_recorded_oscillation_of_kappa_never_comes_through() -> None:
    smoother = Smoother(0.10, 0.05)

    out = emitted(smoother, list(RECORDED_KAPPAS) * 250)

    assert set(out) == {1169.0}
    assert smoother.suppressed == 999


def test_a_boost_widens_the_deadband() -> None:
    plain, boosted = Smoother(1.0, 0.05), Smoother(1.0, 0.05)

    for smoother, boost in ((plain, 1.0), (boosted, 2.0)):
        smoother.smooth(100.0, boost)
        smoother.smooth(108.0, boost)

    assert plain.value == 108.0
    assert boosted.value == 100.0


@given(alphas, deadbands, st.lists(samples, min_size=1))
def test_what_is_emitted_lies_between_the_least_and_the_largest_sample(
    alpha: float, deadband: float, values: list[float]
) -> None:
    out = emitted(Smoother(alpha, deadband), values)

    for n, value in enumerate(out, 1):
        assert min(values[:n]) <= value <= max(values[:n])


@given(alphas, deadbands, samples, st.integers(0, 5))
def test_a_constant_input_changes_nothing_and_suppresses_nothing(
    alpha: float, deadband: float, value: float, ramp: int
) -> None:
    smoother = Smoother(alpha, deadband, ramp=ramp)

    before = emitted(smoother, [value] * 20)
    smoother.reset()
    after = emitted(smoother, [value] * 20)

    assert before == after == [value] * 20
    assert smoother.suppressed == 0


@given(alphas, st.floats(0.001, 0.5), usual, st.lists(st.floats(-0.999, 0.999)))
def test_jitter_within_the_deadband_never_comes_through(
    alpha: float, deadband: float, centre: float, noise: list[float]
) -> None:
    smoother = Smoother(alpha, deadband)

    out = emitted(smoother, [centre, *(centre * (1 + deadband * share) for share in noise)])

    assert set(out) == {centre}


@given(alphas, deadbands, usual, usual)
def test_a_step_is_followed_as_fast_as_the_average_and_up_to_the_deadband(
    alpha: float, deadband: float, before: float, after: float
) -> None:
    smoother = Smoother(alpha, deadband)
    smoother.smooth(before)

    for n in range(1, 40):
        value = smoother.smooth(after)

        assert value is not None
        left = abs(after - before) * (1 - alpha) ** n
        assert abs(after - value) <= (left + deadband * value) * (1 + 1e-9) + 1e-9


def test_a_step_of_kappa_by_a_third_is_first_followed_in_two_cycles() -> None:
    out = emitted(Smoother(0.10, 0.05), [1200.0, *[1600.0] * 40])

    assert next(n for n, value in enumerate(out) if value != 1200.0) == 2
    assert abs(out[22] / 1600.0 - 1) < 0.08
    assert abs(out[-1] / 1600.0 - 1) <= 0.05


# No samples.


@given(st.lists(st.one_of(usual, no_samples)), st.booleans())
def test_what_is_no_positive_number_is_refused_counted_and_leaves_no_trace(
    values: list[float], enabled: bool
) -> None:
    good = [value for value in values if 0 < value < inf]
    mixed, clean = (Smoother(0.2, 0.05, ramp=5, enabled=enabled) for _ in range(2))

    for value in values:
        mixed.smooth(value)
    emitted(clean, good)

    assert mixed.value == clean.value
    assert mixed.suppressed == clean.suppressed
    assert mixed.refused == len(values) - len(good)


def test_before_any_good_sample_there_is_no_value() -> None:
    smoother = Smoother(0.2, 0.05)

    assert smoother.smooth(nan) is None
    assert smoother.smooth(inf) is None
    assert smoother.refused == 2


def test_zero_is_a_good_sample_only_where_told_so() -> None:
    smoother = Smoother(0.5, 0.1, zero=True)

    assert emitted(smoother, [0.0, 0.0, 4.0, 0.0]) == [0.0, 0.0, 2.0, 1.0]
    assert smoother.smooth(-1.0) == 1.0
    assert smoother.refused == 1


@pytest.mark.parametrize(
    ("alpha", "deadband", "ramp", "message"),
    [
        (0.0, 0.1, 0, "alpha must be above 0 and at most 1, was 0.0"),
        (1.1, 0.1, 0, "alpha must be above 0 and at most 1, was 1.1"),
        (nan, 0.1, 0, "alpha must be above 0 and at most 1, was nan"),
        (0.5, -0.1, 0, "deadband must be finite and not negative, was -0.1"),
        (0.5, inf, 0, "deadband must be finite and not negative, was inf"),
        (0.5, nan, 0, "deadband must be finite and not negative, was nan"),
        (0.5, 0.1, -1, "ramp must not be negative, was -1"),
    ],
)
def test_a_smoother_out_of_range_is_refused(
    alpha: float, deadband: float, ramp: int, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Smoother(alpha, deadband, ramp=ramp)


# Resets.


def test_after_a_reset_the_weight_comes_back_from_one() -> None:
    smoother = Smoother(0.2, 0.0, ramp=5)
    smoother.smooth(100.0)
    smoother.reset()
    weights = []

    for _ in range(8):
        weights.append(smoother.weight)
        smoother.smooth(100.0)

    assert weights == pytest.approx([1.0, 0.84, 0.68, 0.52, 0.36, 0.2, 0.2, 0.2])


def test_the_weight_at_the_start_is_the_configured_one() -> None:
    assert Smoother(0.2, 0.0, ramp=5).weight == 0.2


def test_without_a_ramp_a_reset_seeds_and_no_more() -> None:
    smoother = Smoother(0.2, 0.0)
    smoother.smooth(100.0)

    smoother.reset()

    assert emitted(smoother, [200.0, 100.0]) == [200.0, 180.0]


def test_the_value_stays_after_a_reset_until_a_good_sample_comes() -> None:
    smoother = Smoother(0.1, 0.05, ramp=5)
    smoother.smooth(100.0)

    smoother.reset()

    assert smoother.value == 100.0
    assert smoother.smooth(nan) == 100.0
    assert smoother.weight == 1.0
    assert smoother.smooth(101.0) == 101.0


# All parameters together.


def test_each_parameter_has_its_own_weight_and_deadband() -> None:
    smoothing = Smoothing(SmoothingConfig())
    smoothing.smooth(kappa=100.0, sigma=100.0, gamma=100.0, size=100.0)

    after = smoothing.smooth(kappa=200.0, sigma=200.0, gamma=200.0, size=200.0)

    assert after == Smoothed(kappa=110.0, sigma=115.0, gamma=120.0, size=120.0)
    assert smoothing.values == after


def test_a_parameter_without_a_sample_keeps_its_value() -> None:
    smoothing = Smoothing(SmoothingConfig())

    smoothing.smooth(kappa=1169.0)
    smoothed = smoothing.smooth(sigma=7.4)

    assert smoothed == Smoothed(kappa=1169.0, sigma=7.4, gamma=None, size=None)
    assert set(smoothing.refused.values()) == {0}


def test_suppressions_and_refusals_are_counted_by_parameter() -> None:
    smoothing = Smoothing(SmoothingConfig())
    smoothing.smooth(kappa=1169.0, sigma=7.4, gamma=0.1, size=1000)

    smoothing.smooth(kappa=1176.0, sigma=nan, gamma=0.1, size=0)
    smoothing.smooth(kappa=1194.0, sigma=7.5, gamma=-0.1, size=1010)

    assert tuple(smoothing.suppressed) == tuple(smoothing.refused) == PARAMETERS
    assert smoothing.suppressed == {"kappa": 2, "sigma": 1, "gamma": 0, "size": 1}
    assert smoothing.refused == {"kappa": 0, "sigma": 1, "gamma": 1, "size": 1}


def test_only_the_volatility_may_be_zero() -> None:
    smoothing = Smoothing(SmoothingConfig())

    smoothed = smoothing.smooth(kappa=0.0, sigma=0.0, gamma=0.0, size=0.0)

    assert smoothed == Smoothed(kappa=None, sigma=0.0, gamma=None, size=None)


def test_the_boost_is_taken_from_outside_and_can_be_taken_back() -> None:
    smoothing = Smoothing(SmoothingConfig(kappa_alpha=1.0))
    smoothing.smooth(kappa=100.0)

    smoothing.boost = 2.0
    widened = smoothing.smooth(kappa=108.0)
    smoothing.boost = 1.0
    plain = smoothing.smooth(kappa=108.0)

    assert widened.kappa == 100.0
    assert plain.kappa == 108.0


@pytest.mark.parametrize("factor", [0.99, nan, inf, -1.0])
def test_a_boost_never_narrows(factor: float) -> None:
    smoothing = Smoothing(SmoothingConfig())

    with pytest.raises(ValueError, match=f"^boost must be finite and at least 1, was {factor}$"):
        smoothing.boost = factor

    assert smoothing.boost == 1.0


def test_a_regime_change_starts_all_parameters_from_their_next_samples() -> None:
    smoothing = Smoothing(SmoothingConfig())
    smoothing.smooth(kappa=100.0, sigma=100.0, gamma=100.0, size=100.0)

    assert smoothing.regime_change()

    assert smoothing.values == Smoothed(100.0, 100.0, 100.0, 100.0)
    assert smoothing.smooth(kappa=101.0, sigma=30.0, gamma=99.0, size=102.0) == Smoothed(
        101.0, 30.0, 99.0, 102.0
    )
    assert smoothing.regime_changes == 1


def test_a_regime_change_within_the_cooldown_is_not_heeded() -> None:
    smoothing = Smoothing(SmoothingConfig(cooldown_cycles=3))
    heeded = []

    for _ in range(9):
        heeded.append(smoothing.regime_change())
        smoothing.smooth(kappa=1169.0)

    assert heeded == [True, False, False] * 3
    assert smoothing.regime_changes == 3


def test_without_a_cooldown_every_regime_change_is_heeded() -> None:
    smoothing = Smoothing(SmoothingConfig(cooldown_cycles=0))

    assert [smoothing.regime_change() for _ in range(3)] == [True] * 3


@pytest.mark.parametrize("config", [SmoothingConfig(enabled=False), LEGACY.smoothing])
def test_switched_off_samples_pass_unchanged_but_for_what_is_no_number(
    config: SmoothingConfig,
) -> None:
    smoothing = Smoothing(config)
    kappas = (*RECORDED_KAPPAS, nan, 1176.0, -inf)

    out = [smoothing.smooth(kappa=kappa).kappa for kappa in kappas]

    assert out == [*RECORDED_KAPPAS, 1169.0, 1176.0, 1176.0]
    assert set(smoothing.suppressed.values()) == {0}
    assert smoothing.refused["kappa"] == 2
    assert not smoothing.regime_change()
    assert smoothing.regime_changes == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kappa_alpha": 0.0}, "kappa: alpha must be above 0 and at most 1, was 0.0"),
        ({"size_deadband": -1.0}, "size: deadband must be finite and not negative, was -1.0"),
        ({"ramp_cycles": -1}, "kappa: ramp must not be negative, was -1"),
        ({"cooldown_cycles": -1}, "cooldown_cycles must not be negative, was -1"),
    ],
)
def test_a_table_out_of_range_is_refused(changed: dict[str, float], message: str) -> None:
    config = structs.replace(SmoothingConfig(), **changed)

    with pytest.raises(ValueError, match=f"^{message}$"):
        Smoothing(config)
