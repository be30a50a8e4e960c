"""The order manager on a random walk, against a venue that does at once what it is told.

One side only, no fills, no latency: what is left is the rule itself, to be compared with the limit
(`tools.bench.limit`) of the same walk. Lengths are in steps of a cycle, as they are there.
"""

import random
from decimal import Decimal
from math import sqrt
from typing import Final

from msgspec import Struct, structs

from exchange.commands import Cancel, Command, Modify, Place
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Accepted, Cancelled, Modified, Report
from exchange.units import BPS, SECOND, Nanos
from exchange.words import CancelReason
from lifecycle.config import UNGUARDED, BandsConfig, Config, GridConfig, QuotaConfig
from lifecycle.core.desk import FOREVER
from lifecycle.core.manager import OrderManager
from lifecycle.core.settings import MILLION
from spec.trace import Target, Targets

START: Final = 1 << 30
"""Where the walk starts, in price units: so high that a basis point is the same all along it."""
UNITS_PER_STEP: Final = 100_000
STEP_BPS: Final = UNITS_PER_STEP * BPS / START
"""One step of the walk in basis points."""
CYCLE: Final = 6 * SECOND
CYCLES_PER_MINUTE: Final = 10
INSTRUMENT: Final = Instrument(
    "WALK", price_unit=Decimal(1), lot=Decimal(1), min_notional=Decimal(0)
)
QTY: Final = 10


class Walked(Struct, frozen=True):
    """What came of a walk."""

    latch: float
    """Half-width, in steps."""
    rate: float
    """Calls a cycle."""
    rms: float
    """Root mean square distance of what rests from what is wanted, in steps."""


def with_latch(latch: float, *, grid: bool, config: Config | None = None) -> Config:
    """Return a configuration with this latch, in steps, for all levels alike."""
    base = Config() if config is None else config
    bands = structs.replace(
        base.bands if config is not None else BandsConfig(level_factors=(1.0,)),
        latch_bps=latch * STEP_BPS,
    )
    return structs.replace(
        base,
        bands=bands,
        risk=UNGUARDED,
        grid=GridConfig(enabled=grid),
        quota=QuotaConfig(enabled=False),
    )


def walk(
    config: Config, latch: float, *, cycles: int, seed: int, levels: int = 1, rung: float = 0.0
) -> Walked:
    """Have a manager follow a walk with a ladder of bids `rung` steps apart; return what came."""
    draw = random.Random(seed)  # noqa: S311  # A walk needs no secrets.
    manager = OrderManager(INSTRUMENT, config=config)
    # Volatility of a minute, in millionths of a basis point: the grid's step follows from it.
    volatility = round(STEP_BPS * sqrt(CYCLES_PER_MINUTE) * MILLION)
    market = Market(FOREVER, None, None, volatility=volatility)
    apart = round(rung * UNITS_PER_STEP)
    best = float(START)
    calls, squares, count, oid = 0, 0.0, 0, 0
    now: Nanos = 0
    for number in range(cycles):
        now += CYCLE
        best += draw.gauss(0.0, UNITS_PER_STEP)
        wanted = [round(best) - level * apart for level in range(levels)]
        targets = Targets(tuple(Target(price, QTY) for price in wanted))
        plan = manager.cycle(now, targets, market)
        for command in plan.commands:
            report = _done(command, now, str(oid := oid + 1))
            if report is not None:
                calls += number > 0
                manager.receive(report, now)
        for order in manager.open_orders.values():
            squares += ((order.price - wanted[order.level]) / UNITS_PER_STEP) ** 2
            count += 1
    return Walked(latch, calls / (cycles - 1), sqrt(squares / count))


def _done(command: Command, now: Nanos, oid: str) -> Report | None:
    """Return the report that a venue without delay answers a command with; None for a query."""
    if isinstance(command, Place):
        return Accepted(now, command.cloid, oid, command.request)
    if isinstance(command, Modify):
        return Modified(now, command.cloid, oid, command.qty, command.price, command.request)
    if isinstance(command, Cancel):
        return Cancelled(now, command.cloid, command.oid, CancelReason.USER)
    return None
