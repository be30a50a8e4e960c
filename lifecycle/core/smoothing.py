"""L1: what the quotes are computed from, held still where it only jitters.

An estimate is noisy, and a quoting formula hands the noise on: every cycle would want new prices.
So each parameter goes through two steps. An exponential average takes the edge off the samples;
a relative deadband then keeps the last *emitted* value until the average has left it by more than
a share of itself. Comparing with the emitted value and not with the last sample is what bounds
the error: a slow drift adds up, and is emitted once it has grown out of the band.

The average lags behind a market that has truly changed. Whoever sees that says so
(`regime_change`): all parameters start again from their next sample, and the weight of the newest
sample comes back from 1 over some cycles. The same call is not heeded again for a few cycles, or
a nervous detector would switch the smoothing off.

A sample that is not a number of the right kind is refused and counted, and the last good value
stays. That guard works with smoothing switched off as well. Nothing here judges a good sample:
the average is what an outlier is blunted by.

Floats, unlike the rest of the core: this runs before prices are integers. The state is small and
is not journalled; after a restart each parameter starts from its first sample.
"""

from collections.abc import Mapping
from math import inf, isfinite
from typing import Final

from lifecycle.config import SmoothingConfig
from lifecycle.core.smoothed import Smoothed

PARAMETERS: Final = ("kappa", "sigma", "gamma", "size")
MAY_BE_ZERO: Final = frozenset({"sigma"})
"""A mid that has not moved has no volatility. No quote can be made of a kappa or gamma of zero,
and a size of zero is a decision, not a sample: a bot that wants nothing says so in its targets."""


class Smoother:
    """One parameter, in whatever unit its samples have.

    `alpha` is the weight of the newest sample, `deadband` the relative change up to which the
    last emitted value stays (a change as large as the band is inside), `ramp` the samples after a
    reset over which the weight comes back from 1 to `alpha`.

    Raises:
        ValueError: alpha is not above 0 and at most 1, the deadband is negative or not finite,
            or the ramp is negative.

    """

    __slots__ = (
        "_alpha",
        "_average",
        "_deadband",
        "_enabled",
        "_ramp",
        "_ramped",
        "_value",
        "_zero",
        "refused",
        "suppressed",
    )

    def __init__(
        self,
        alpha: float,
        deadband: float,
        *,
        ramp: int = 0,
        zero: bool = False,
        enabled: bool = True,
    ) -> None:
        """Start without a value; `zero` says whether zero is a good sample."""
        if not 0 < alpha <= 1:
            raise ValueError(f"alpha must be above 0 and at most 1, was {alpha}")
        if not 0 <= deadband < inf:
            raise ValueError(f"deadband must be finite and not negative, was {deadband}")
        if ramp < 0:
            raise ValueError(f"ramp must not be negative, was {ramp}")
        self._alpha = alpha
        self._deadband = deadband
        self._enabled = enabled
        self._ramp = ramp
        self._ramped = ramp
        """Good samples since the reset; `_ramp` where the weight has come back."""
        self._zero = zero
        self._average: float | None = None
        """None where the next sample seeds."""
        self._value: float | None = None
        self.suppressed = 0
        """How often the deadband held a change."""
        self.refused = 0
        """Samples that were no good."""

    @property
    def value(self) -> float | None:
        """The last emitted value; None before the first good sample."""
        return self._value

    @property
    def weight(self) -> float:
        """The weight of the next sample, where it does not seed."""
        if self._ramped >= self._ramp:
            return self._alpha
        return self._alpha + (1 - self._alpha) * (1 - self._ramped / self._ramp)

    def reset(self) -> None:
        """Let the next good sample seed, and ramp the weight; the value stays until then."""
        self._average = None
        self._ramped = 0

    def smooth(self, sample: float, boost: float = 1.0) -> float | None:
        """Take in a sample and return the value to use; `boost` multiplies the deadband.

        None where no sample has been good so far.
        """
        if not (isfinite(sample) and (sample > 0 or (self._zero and sample == 0))):
            self.refused += 1
            return self._value
        if not self._enabled:
            self._value = sample
            return sample
        if self._average is None or self._value is None:
            self._average = self._value = sample
        else:
            self._average = average = _between(self._average, sample, self.weight)
            if abs(average - self._value) > self._deadband * boost * self._value:
                self._value = average
            elif average != self._value:
                self.suppressed += 1
        self._ramped = min(self._ramp, self._ramped + 1)
        return self._value


def _between(old: float, new: float, weight: float) -> float:
    """Return the point that lies `weight` of the way from `old` to `new`, never beyond either."""
    # Rounding may overshoot: far enough apart, old + (new - old) is not new.
    return min(max(old + weight * (new - old), min(old, new)), max(old, new))


class Smoothing:
    """The parameters of a quoter, smoothed together: one `smooth` is one cycle.

    Source: the `smoothing` table of the configuration, and the reasons of its defaults there.

    Raises:
        ValueError: an alpha, a deadband or a number of cycles is out of range.

    """

    def __init__(self, config: SmoothingConfig) -> None:
        if config.cooldown_cycles < 0:
            raise ValueError(f"cooldown_cycles must not be negative, was {config.cooldown_cycles}")
        self.config = config
        self.regime_changes = 0
        """How many were heeded."""
        self._smoothers = {name: _smoother(name, config) for name in PARAMETERS}
        self._cooldown = 0
        """Cycles for which no regime change is heeded."""
        self._boost = 1.0

    @property
    def boost(self) -> float:
        """What multiplies every deadband, at least 1; set from outside while churn spirals."""
        return self._boost

    @boost.setter
    def boost(self, factor: float) -> None:
        if not 1 <= factor < inf:
            raise ValueError(f"boost must be finite and at least 1, was {factor}")
        self._boost = factor

    @property
    def suppressed(self) -> Mapping[str, int]:
        """How often the deadband has held a change, by parameter."""
        return {name: smoother.suppressed for name, smoother in self._smoothers.items()}

    @property
    def refused(self) -> Mapping[str, int]:
        """How many samples were no good, by parameter."""
        return {name: smoother.refused for name, smoother in self._smoothers.items()}

    @property
    def values(self) -> Smoothed:
        """The values emitted last."""
        kappa, sigma, gamma, size = self._smoothers.values()
        return Smoothed(kappa.value, sigma.value, gamma.value, size.value)

    def smooth(
        self,
        *,
        kappa: float | None = None,
        sigma: float | None = None,
        gamma: float | None = None,
        size: float | None = None,
    ) -> Smoothed:
        """Take in the samples of one cycle and return the values to quote with.

        A parameter that is None has no sample in this cycle, and keeps its value.
        """
        samples = (kappa, sigma, gamma, size)
        for smoother, sample in zip(self._smoothers.values(), samples, strict=True):
            if sample is not None:
                smoother.smooth(sample, self._boost)
        self._cooldown = max(0, self._cooldown - 1)
        return self.values

    def regime_change(self) -> bool:
        """Start again from the next samples; returns whether that was heeded.

        It is not within the cooldown, which begins with the next cycle, nor where smoothing is
        switched off.
        """
        if self._cooldown > 0 or not self.config.enabled:
            return False
        for smoother in self._smoothers.values():
            smoother.reset()
        self._cooldown = self.config.cooldown_cycles
        self.regime_changes += 1
        return True


def _smoother(name: str, config: SmoothingConfig) -> Smoother:
    """Make the smoother of one parameter."""
    try:
        return Smoother(
            getattr(config, f"{name}_alpha"),
            getattr(config, f"{name}_deadband"),
            ramp=config.ramp_cycles,
            zero=name in MAY_BE_ZERO,
            enabled=config.enabled,
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
