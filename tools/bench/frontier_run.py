"""One point of the frontier: a rule of one width, run on one market, and what came of it.

Every rule runs in the same session: the same bot, venue, latencies and clock. The yardstick is the
same for all as well: the price that the bot wanted before anything smoothed or snapped it, so that
a layer that holds its own targets still is not measured against the targets that it held.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from math import sqrt
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.units import BPS, Nanos
from exchange.words import Side
from lifecycle.bot.quoter import Quoter
from lifecycle.config import LEGACY, GridConfig, QuotaConfig, SmoothingConfig
from lifecycle.core.manager import OrderManager
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig
from lifecycle.run.market import LoadedMarket, load_market
from lifecycle.run.session import Session
from spec.states import Phase, Request
from spec.trace import Targets
from tools.bench.peers.all_or_nothing import AllOrNothing, AllOrNothingAtOnce
from tools.bench.peers.base import PeerManager
from tools.bench.peers.by_distance import ByDistance
from tools.bench.peers.positional import Positional
from tools.bench.peers.tolerance import Tolerance

WIDTHS: Final = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 17.0)
"""Half-widths, in basis points."""
SHARES: Final = (0.02, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4)
"""Half-widths, as a share of the distance from the mid."""
PEERS: Final[Mapping[str, type[PeerManager]]] = {
    "hummingbot": AllOrNothing,
    "hummingbot, no wait": AllOrNothingAtOnce,
    "bitmex sample": Positional,
    "basic_adding": ByDistance,
    "passivbot": Tolerance,
}
OURS: Final = "us"
DEFAULT: Final = "us, default"
OUR_GRIDLESS: Final = "us, no grid"
LEGACY_NAME: Final = "legacy"
RULES: Final = (OURS, DEFAULT, OUR_GRIDLESS, LEGACY_NAME, *PEERS)


class Course(Struct, frozen=True):
    """A market to run on, and with how many levels a side."""

    name: str
    file: str | None
    levels: int
    minutes: float | None = None
    size: str = "0.1"
    inventory_max: str = "1.0"
    seed: int = 1


class Job(Struct, frozen=True):
    """One run to be made."""

    course: Course
    rule: str
    width: float
    overrides: dict[str, dict[str, Any]] = {}
    """Tables of our own configuration to change; the peers do not see them."""


class Point(Struct, frozen=True):
    """What one run came to."""

    course: str
    levels: int
    rule: str
    width: float
    calls_per_minute: float
    staleness_bps: float | None
    """Root mean square distance of what rests from what the bot wanted, over order-cycles."""
    held_bps: float | None
    """The same against the rule's own targets, after smoothing and grid."""
    bid_present: float
    ask_present: float
    fills: int
    markout_5s_bps: float | None
    placed: int
    modified: int
    cancelled: int
    zero_action: float
    queue_kept: float | None
    by_level_bps: tuple[float, ...]
    """Staleness of each level, best first."""
    step_bps: float | None
    """Root mean square change of a wanted price from one cycle to the next."""


@dataclass(slots=True)
class Yardstick:
    """Distances of what rests from what the bot wanted, at the end of each cycle's period."""

    squares: list[float]
    counts: list[int]
    wanted: Targets | None = None
    """By the newest cycle."""
    on_time: Targets | None = None
    """By the newest cycle that was not early."""
    steps: list[float] = field(default_factory=list)
    """Squared relative changes of the best wanted prices, in bps."""
    unjudged: list[tuple[int, float]] = field(default_factory=list)
    """Level and distance of what rests at this moment, until it is known to be a period's end."""

    def look(self, manager: OrderManager) -> None:
        """Measure what rests against what was wanted last."""
        self.unjudged.clear()
        if self.wanted is None:
            return
        sides = {Side.BUY: self.wanted.bids, Side.SELL: self.wanted.asks}
        for order in manager.open_orders.values():
            targets = sides[order.side]
            # A modify on its way has its level already and not its price: the refill of a moment
            # ago would look like a whole ladder's distance.
            settled = order.phase is Phase.RESTING and order.request is Request.IDLE
            if settled and order.level < len(targets):
                target = targets[order.level].price
                self.unjudged.append((order.level, (order.price - target) * BPS / target))

    def judge(self) -> None:
        """Count what was measured last: it was the end of a cycle's period."""
        for level, distance in self.unjudged:
            self.squares[level] += distance * distance
            self.counts[level] += 1
        self.unjudged.clear()

    def want(self, wanted: Targets, *, early: bool) -> None:
        """Take what the bot wants now; an early cycle's is no step of a whole period."""
        self.wanted = wanted
        if early:
            return
        was, self.on_time = self.on_time, wanted
        if was is not None:
            for before, after in ((was.bids, wanted.bids), (was.asks, wanted.asks)):
                if before and after:
                    moved = (after[0].price - before[0].price) * BPS / before[0].price
                    self.steps.append(moved * moved)

    @property
    def rms_bps(self) -> float | None:
        """Over all levels."""
        count = sum(self.counts)
        return sqrt(sum(self.squares) / count) if count else None

    @property
    def by_level_bps(self) -> tuple[float, ...]:
        """Of each level."""
        pairs = zip(self.squares, self.counts, strict=True)
        return tuple(sqrt(square / max(1, count)) for square, count in pairs)


class MeasuredQuoter(Quoter):
    """The bot, with a twin that nothing is smoothed for, which says what is wanted."""

    def __init__(
        self,
        config: QuoterConfig,
        instrument: Instrument,
        *,
        smoothing: SmoothingConfig,
        manager: OrderManager,
        yardstick: Yardstick,
        start: Nanos,
        cycle: Nanos,
    ) -> None:
        super().__init__(config, instrument, smoothing=smoothing)
        self._twin = Quoter(config, instrument) if smoothing.enabled else None
        self._manager = manager
        self._yardstick = yardstick
        self._start = start
        self._cycle = cycle

    def see(self, rows: Iterable[Row]) -> None:
        """Take in market rows, and look at what rests before anything comes of them."""
        self._yardstick.look(self._manager)
        rows = list(rows)
        super().see(rows)
        if self._twin is not None:
            self._twin.see(rows)

    def quote(self, market: Market, position: int, now: Nanos) -> Targets | None:
        """Return what shall rest now, and note what would without smoothing."""
        # A cycle that only refills comes in the middle of a period, with modifies still in flight.
        early = (now - self._start) % self._cycle != 0
        if not early:
            self._yardstick.judge()
        targets = super().quote(market, position, now)
        raw = targets if self._twin is None else self._twin.quote(market, position, now)
        if targets is not None and raw is not None:
            self._yardstick.want(raw, early=early)
        return targets


@lru_cache(maxsize=4)
def _load(file: str | None, minutes: float | None, seed: int) -> LoadedMarket:
    config = RunConfig(market=MarketConfig(file=file, minutes=minutes, seed=seed))
    return load_market(config.market, config.venue)


def run(job: Job) -> Point:
    """Make one run."""
    course = job.course
    market = _load(course.file, course.minutes, course.seed)
    config = _config(job)
    yardstick = Yardstick([0.0] * course.levels, [0] * course.levels)
    session = Session(config, "stable", market, manage=_factory(job))
    session.quoter = MeasuredQuoter(
        config.quoter,
        market.instrument,
        smoothing=config.smoothing,
        manager=session.manager,
        yardstick=yardstick,
        start=market.start,
        cycle=session.cycle_ns,
    )
    while session.step():
        pass
    yardstick.look(session.manager)
    yardstick.judge()
    summary = session.summary()
    steps = yardstick.steps
    return Point(
        course=course.name,
        levels=course.levels,
        rule=job.rule,
        width=job.width,
        calls_per_minute=summary.calls_per_minute,
        staleness_bps=yardstick.rms_bps,
        held_bps=summary.staleness_rms_bps,
        bid_present=summary.presence.bid,
        ask_present=summary.presence.ask,
        fills=summary.fills,
        markout_5s_bps=summary.markout_5s_bps,
        placed=summary.placed,
        modified=summary.modified,
        cancelled=summary.cancelled,
        zero_action=summary.zero_action,
        queue_kept=summary.queue_kept,
        by_level_bps=yardstick.by_level_bps,
        step_bps=sqrt(sum(steps) / len(steps)) if steps else None,
    )


def jobs(
    courses: Iterable[Course], rules: Iterable[str], overrides: dict[str, dict[str, Any]]
) -> list[Job]:
    """Return every run of the sweep."""
    chosen = list(rules)
    return [
        Job(course, rule, width, {} if rule in PEERS or rule == LEGACY_NAME else overrides)
        for course in courses
        for rule in chosen
        for width in widths(rule)
    ]


def widths(rule: str) -> tuple[float, ...]:
    """Return the widths that a rule is swept over; 0 stands for its defaults."""
    if rule == DEFAULT:
        return (0.0,)
    return SHARES if PEERS.get(rule) is ByDistance else WIDTHS


def _factory(job: Job) -> Callable[..., OrderManager]:
    peer = PEERS.get(job.rule)
    return OrderManager if peer is None else partial(peer, width=job.width)


def _config(job: Job) -> RunConfig:
    """Return the run's configuration: ours with its overrides, the legacy one, or a peer's."""
    course = job.course
    base = RunConfig(
        market=MarketConfig(file=course.file, minutes=course.minutes, seed=course.seed),
        quoter=QuoterConfig(
            levels=course.levels, size=course.size, inventory_max=course.inventory_max
        ),
    )
    if job.rule in PEERS:
        return structs.replace(
            base,
            smoothing=SmoothingConfig(enabled=False),
            grid=GridConfig(enabled=False),
            quota=QuotaConfig(enabled=False),
            # None of them is described as refilling between two rounds, and it costs calls.
            orders=structs.replace(base.orders, refill_s=None),
        )
    if job.rule == LEGACY_NAME:
        tables = {name: getattr(LEGACY, name) for name in LEGACY.__struct_fields__}
        tables["bands"] = structs.replace(LEGACY.bands, latch_bps=job.width)
        return structs.replace(base, **tables)
    overrides = {name: dict(table) for name, table in job.overrides.items()}
    if job.rule != DEFAULT:
        overrides.setdefault("bands", {})["latch_bps"] = job.width
    if job.rule == OUR_GRIDLESS:
        overrides.setdefault("grid", {})["enabled"] = False
    return changed(base, overrides)


def changed(config: RunConfig, overrides: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    """Return a configuration with some values of some tables changed.

    Raises msgspec.ValidationError where a table or a key is not known, or a value does not fit.
    """
    plain = msgspec.to_builtins(config)
    for name, table in overrides.items():
        plain[name] = {**plain.get(name, {}), **table}
    return msgspec.convert(plain, RunConfig)
