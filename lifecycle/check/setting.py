"""What an exploration is given: the budgets of trouble, what is wanted, and the configuration.

Apart from the world that is explored: these are msgspec's classes, which mypyc does not make.
"""

from msgspec import Struct
from msgspec.structs import replace

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import Nanos, seconds
from exchange.venue import Capabilities
from lifecycle.config import Config, TimingConfig
from spec.trace import Targets


class Budgets(Struct, frozen=True, kw_only=True):
    """How much of each may happen on one path."""

    faults: int = 1
    """Lost requests, lost and repeated reports, early timeouts, refusals, broken streams."""
    target_changes: int = 1
    crashes: int = 0
    unasked: int = 0
    """Cancellations by the venue's own will."""
    fills: int = 1
    places: int = 2
    early_cycles: int = 0
    """Cycles that come half a modify interval after something else."""
    unsent: int = 0
    """Requests that never leave the process, and of which it is told so."""
    halts: int = 0
    """Kill switches; with a crash after one the order manager quotes again."""


class Setting(Struct, frozen=True, kw_only=True):
    """What does not change while exploring."""

    instrument: Instrument
    capabilities: Capabilities
    config: Config
    choices: tuple[Targets, ...]
    """Targets that a cycle may come with; the first is where it starts."""
    market: Market
    budgets: Budgets

    @property
    def cycle(self) -> Nanos:
        """Time between two cycles."""
        return seconds(self.config.timing.cycle_s)

    @property
    def early(self) -> Nanos:
        """Time to an early cycle."""
        return self.config.modify.min_interval_ms * 1_000_000 // 2


def near_timers(config: Config) -> Config:
    """Return the configuration with a comparison every cycle and retirement every other.

    The quota's window is a cycle as well, and its horizon as much nearer.
    """
    timing: TimingConfig = config.timing
    quota = config.quota
    period = max(timing.cycle_s, timing.request_timeout_s)
    if quota.window_s > period:
        nearer = quota.horizon_h * period / quota.window_s
        quota = replace(quota, window_s=period, horizon_h=nearer)
    timing = replace(timing, reconcile_s=period, retire_s=2 * period)
    return replace(config, timing=timing, quota=quota)
