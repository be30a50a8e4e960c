"""What one run of the soak is made of, all of it drawn by the seed.

Each run has its own mix: which faults and how often, how the venue modifies, how late everything
is, which layers and guards are on and how tight, what rests at the start that is not ours, how wild
the market is, and when the process dies and how. What hides a bug is often a setting, so a run with
everything at its default meets less than many runs with a few things each (Groce and others, "Swarm
testing", 2012).

Every group of choices draws from a source of its own: one choice more changes no other group.
"""

import enum
from decimal import Decimal
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from exchange.paper.faults import PLANS, FaultPlan, mix
from exchange.paper.generator import GENERATED
from exchange.units import SECOND, Nanos, Qty, seconds
from exchange.venue import Capabilities
from lifecycle.config import (
    UNGUARDED,
    BandsConfig,
    Config,
    GridConfig,
    ModifyConfig,
    OrdersConfig,
    QuotaConfig,
    RiskConfig,
    TimingConfig,
)

MIX: Final = "mix"
"""The name of the plan that each seed draws for itself."""
SECONDS: Final = (180, 250)
"""How long a run is, between which; one that has not converged by then is given the bound."""
SAFETY: Final = (0.6, 0.8)
"""The share of a run in which anything may fail."""
LEVELS_MAX: Final = 3

REPLACES: Final = Capabilities()
AMENDS: Final = Capabilities(
    modify_keeps_oid=True,
    modify_keeps_queue_on_size_down=True,
    qty_is_total=True,
    refused_modify_may_kill=False,
)


class Where(enum.StrEnum):
    """Where in its work the process dies."""

    BEFORE = "between journal and send"
    MIDDLE = "in the middle of a batch"
    AFTER = "between send and answer"
    IDLE = "between two steps"


class Crash(Struct, frozen=True):
    """One death of the process."""

    at: Nanos
    """It dies at the first opportunity from then on, while the run is in its first phase."""
    where: Where
    share: float
    """Of a batch that is cut: how much of it still leaves."""
    down: Nanos
    """How long until it is started again."""
    lost: int
    """How many of the newest records are lost with it, as after a power cut."""


class Whims(Struct, frozen=True):
    """How the bot of a run behaves."""

    levels: int
    half_spread_bps: float
    step_bps: float
    jitter_bps: float
    size: Qty
    size_jitter: float
    """Share by which a size is up or down at most."""
    fickle: float
    """The chance, a cycle, that it wants something else for a while: a side less, a level less."""
    volatility: float
    """In bps a minute, as it tells the order manager; 0: it does not."""


class Drawn(Struct, frozen=True, kw_only=True):
    """One run, before it is played."""

    seed: int
    plan: str
    """The name of the fault plan."""
    faults: FaultPlan
    capabilities: Capabilities
    latency: str
    feed: str
    volatility: float
    """Of the market, in bps a square root of a minute."""
    config: Config
    whims: Whims
    foreign: int
    """Orders of somebody else that rest when we start."""
    crashes: tuple[Crash, ...]
    on_disk: bool
    """Whether the journal is a file."""
    halt_at: Nanos | None
    """When the kill switch is thrown for a while, None: never."""
    heal_at: Nanos
    """From when on nothing fails any more."""
    calm_at: Nanos
    """From when on the market stands still, and the bot wants the same all the time."""
    end_at: Nanos


def draw(seed: int, plan: str = MIX) -> Drawn:
    """Draw the run of a seed, with the faults of a plan of this name.

    Raises ValueError where there is no such plan.
    """
    if plan != MIX and plan not in PLANS:
        raise ValueError(f"plan must be one of {', '.join((MIX, *PLANS))}, was {plan}")
    times, world, layers, deaths = (
        Random(f"soak {what} {seed}")  # noqa: S311 - a simulation, not a secret
        for what in ("times", "world", "layers", "deaths")
    )
    length = times.randint(*SECONDS)
    heal_at = seconds(length * times.uniform(*SAFETY))
    faults = mix(seed) if plan == MIX else PLANS[plan]
    whims = _whims(world)
    return Drawn(
        seed=seed,
        plan=plan,
        faults=replace(faults, until=heal_at),
        capabilities=world.choice((REPLACES, AMENDS)),
        latency=world.choice(("none", "fast", "fast", "slow")),
        feed=world.choice(("none", "fast")),
        volatility=world.choice((1.0, 3.3, 8.0, 15.0)),
        config=_config(layers, whims),
        whims=whims,
        foreign=world.choice((0, 0, 1, 3)),
        crashes=_crashes(deaths, heal_at),
        on_disk=deaths.random() < 0.1,
        halt_at=deaths.randrange(heal_at) if deaths.random() < 0.25 else None,
        heal_at=heal_at,
        calm_at=heal_at + times.randint(0, 15) * SECOND,
        end_at=length * SECOND,
    )


def _whims(random: Random) -> Whims:
    return Whims(
        levels=random.randint(1, LEVELS_MAX),
        half_spread_bps=random.choice((0.5, 1.0, 2.0, 4.0)),
        step_bps=random.choice((1.5, 4.0, 8.0)),
        jitter_bps=random.choice((0.0, 0.5, 2.0, 6.0)),
        size=random.choice((120, 500, 2_000)),
        size_jitter=random.choice((0.0, 0.1, 0.5)),
        fickle=random.choice((0.0, 0.05, 0.2)),
        volatility=random.choice((0.0, 0.0, 3.0, 10.0)),
    )


def _crashes(random: Random, heal_at: Nanos) -> tuple[Crash, ...]:
    found = [
        Crash(
            at=random.randrange(heal_at),
            where=random.choice(tuple(Where)),
            share=random.random(),
            down=seconds(random.choice((0.001, 0.5, 3.0, 20.0)) * random.uniform(0.5, 1.5)),
            lost=random.choice((0, 0, 1, 2, 5, 15)),
        )
        for _ in range(random.choice((0, 0, 1, 2, 4, 8)))
    ]
    return tuple(sorted(found, key=lambda crash: crash.at))


# What the order manager is told.


def _config(random: Random, whims: Whims) -> Config:
    return Config(
        grid=GridConfig(enabled=random.random() < 0.6, min_ticks=random.randint(1, 4)),
        bands=_bands(random),
        modify=ModifyConfig(
            enabled=random.random() < 0.85,
            min_interval_ms=random.choice((0, 500, 500, 2_000, 5_000)),
            max_bps=random.choice((None, None, 4.0, 15.0)),
        ),
        quota=_quota(random),
        risk=_risk(random, whims),
        timing=TimingConfig(
            cycle_s=random.choice((1.0, 2.0, 6.0)),
            request_timeout_s=random.choice((2.0, 3.0, 5.0)),
            retire_s=random.choice((20.0, 60.0)),
            reconcile_s=random.choice((10.0, 20.0, 60.0)),
            market_stale_s=random.choice((None, 5.0, 10.0, 30.0)),
            market_withdraw_s=random.choice((None, 15.0, 120.0)),
        ),
        orders=OrdersConfig(
            post_only=random.random() < 0.9,
            refill_s=random.choice((None, 0.5)),
            foreign=random.choice(("leave", "adopt", "cancel")),
        ),
    )


def _bands(random: Random) -> BandsConfig:
    return BandsConfig(
        enabled=random.random() < 0.85,
        latch_bps=random.choice((None, 0.7, 2.0, 5.0)),
        queue_bonus=random.choice((0.0, 0.5)),
        adverse_factor=random.choice((1.0, 1.0, 0.5)),
        level_factors=random.choice(((1.0,), (1.0, 2.0, 3.0))),
        in_step=random.random() < 0.7,
        size=random.choice((0.0, 0.2)),
    )


def _quota(random: Random) -> QuotaConfig:
    cap = random.choice((None, None, None, 40, 120))
    cancels = None if cap is None else 10 * cap
    return QuotaConfig(
        enabled=random.random() < 0.8,
        cap=cap,
        # What is to be withdrawn at the end must be able to be.
        cancel_cap=cancels,
        earns=random.choice((0.0, 1.0)),
    )


def _risk(random: Random, whims: Whims) -> RiskConfig:
    side = whims.levels * whims.size * GENERATED.lot
    guarded = RiskConfig(
        collar_bps=random.choice((25.0, 500.0)),
        requests_per_minute=random.choice((20, 60, 300)),
        rejects_in_row=random.choice((2, 10)),
        reject_pause_s=random.choice((5.0, 30.0)),
        order_qty_max=random.choice((None, whims.size * GENERATED.lot)),
    )
    risk = random.choice((UNGUARDED, guarded))
    share = random.choice((None, None, "1.2", "3"))
    cap = None if share is None else GENERATED.lot * int(side * Decimal(share) / GENERATED.lot)
    return replace(risk, exposure_cap=cap)
