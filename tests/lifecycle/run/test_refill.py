"""An order that is gone by nobody's cancel is replaced at once, not with the next cycle."""

from typing import Any, Final

from msgspec import structs

from exchange.commands import Cancel, Place
from exchange.market import Market
from exchange.units import Nanos, seconds
from lifecycle.config import OrdersConfig
from lifecycle.core.manager import OrderManager
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.session import Session, load_market
from spec.trace import Plan, Targets

# A market of which a maker gets some fills.
CONFIG: Final = RunConfig(market=MarketConfig(minutes=20, seed=1))
PERIOD: Final[Nanos] = seconds(CONFIG.timing.cycle_s)


class Noted(OrderManager):
    """Keeps when its cycles were, and what they planned."""

    __slots__ = ("cycles",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cycles: list[tuple[Nanos, Plan]] = []

    def cycle(self, now: Nanos, targets: Targets, market: Market) -> Plan:
        """Run one cycle, and keep it."""
        plan = super().cycle(now, targets, market)
        self.cycles.append((now, plan))
        return plan


def ran(refill_s: float | None, policy: str = "stable") -> tuple[Session, list[tuple[Nanos, Plan]]]:
    config = structs.replace(CONFIG, orders=OrdersConfig(refill_s=refill_s))
    run = Session(config, policy, load_market(config.market, config.venue), manage=Noted)
    while run.step():
        pass
    assert isinstance(run.manager, Noted)
    return run, run.manager.cycles


def early(cycles: list[tuple[Nanos, Plan]]) -> list[tuple[Nanos, Plan]]:
    """Return the cycles that are not on the period."""
    return [(at, plan) for at, plan in cycles if at % PERIOD]


def test_a_fill_has_a_cycle_of_its_own_that_places_again() -> None:
    run, cycles = ran(0.5)

    extra = early(cycles)
    assert 0 < len(extra) <= run.metrics.fills
    assert all(any(isinstance(one, Place) for one in plan.commands) for _, plan in extra)
    assert not any(isinstance(one, Cancel) for _, plan in extra for one in plan.commands)


def test_no_two_cycles_are_closer_than_was_said() -> None:
    _, cycles = ran(2.0)

    times = [at for at, _ in cycles]
    before = dict(zip(times[1:], times, strict=False))
    assert early(cycles)
    assert all(at - before[at] >= seconds(2.0) for at, _ in early(cycles))


def test_without_it_cycles_are_on_the_period_and_a_side_is_absent_for_longer() -> None:
    waits, cycles = ran(None)
    refills, _ = ran(0.5)

    assert early(cycles) == []
    absent, less = ((1 - one.summary().presence.ask) for one in (waits, refills))
    assert less < absent


def test_the_legacy_policy_waits() -> None:
    _, cycles = ran(0.5, "legacy")

    assert early(cycles) == []
