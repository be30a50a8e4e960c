"""What `lifecycle verify` explores of a user's own configuration, and how much of it.

An exploration is a shape (what is wanted), a venue (how it modifies) and budgets (how often each
kind of trouble may happen on one path). Prices are taken from the configuration's own bands, so
that the targets move just far enough to cost a call. Which budgets there are stands in one table.

A hard limit that can be reached, of exposure or requests, may rightly keep what is wanted from
resting: convergence is not asked for then.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Final, NamedTuple

from msgspec import Struct

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import Price, Qty, seconds
from exchange.venue import Capabilities
from lifecycle.check.races import RACES
from lifecycle.check.world import Budgets, Setting, near_timers
from lifecycle.config import Config
from lifecycle.conform.reading import VENUES
from lifecycle.core.desk import FOREVER
from lifecycle.core.settings import Settings
from lifecycle.rules import rules_of
from spec.rules import Rules, drift_bps
from spec.trace import Target, Targets

BUDGETS: Final = ("small", "standard", "deep")
BASE: Final[Price] = 20_000
"""Where the quotes are, in price units."""
QTY: Final[Qty] = 10
SPREAD: Final[Price] = 40
"""Between the two sides of two slots, at least: 20 bps."""
CAP_QTY: Final[Qty] = 25
"""An exposure cap is this many lots, whatever it is in base quantity: two and a half orders, so
that an order and its modify fit, and a fill more does not."""
ROOM_MIN: Final = 100
"""Requests left from which on no path of an exploration can use up the quota."""
CYCLES_DEBOUNCED_MAX: Final = 4
"""Cycles that a modify may be debounced, if what is wanted shall rest within convergence."""

ONE_SLOT: Final = "one slot"
TWO_SLOTS: Final = "two slots"
LADDER: Final = "ladder"


class _Row(NamedTuple):
    """One exploration of a budget, on each venue that is asked for."""

    shape: str
    budgets: Budgets
    heal_every: int
    """Convergence is tried from one in so many states: it costs ten times what a state does."""
    venues: tuple[str, ...] = tuple(VENUES)
    depth: int | None = None
    """Steps of the longest paths; None: to the end."""


def _budgets(
    faults: int, changes: int, crashes: int, unasked: int, fills: int, places: int, halts: int = 0
) -> Budgets:
    return Budgets(
        faults=faults, target_changes=changes, crashes=crashes,
        unasked=unasked, fills=fills, places=places, halts=halts,
    )  # fmt: skip


REPLACE: Final = ("cancel-replace",)
AMEND: Final = ("amend",)

_ROWS: Final[dict[str, tuple[_Row, ...]]] = {
    # faults, changes, crashes, unasked, fills, places, halts; then how often convergence is tried
    "small": (
        _Row(ONE_SLOT, _budgets(0, 1, 0, 0, 1, 1), 20),
        _Row(ONE_SLOT, _budgets(1, 1, 0, 0, 0, 1), 20),
        _Row(ONE_SLOT, _budgets(1, 0, 0, 0, 1, 1), 20),
        _Row(ONE_SLOT, _budgets(0, 1, 0, 1, 0, 1), 20),
        _Row(ONE_SLOT, _budgets(0, 0, 1, 1, 0, 2), 20),
        _Row(ONE_SLOT, _budgets(1, 1, 0, 0, 1, 1), 200, REPLACE),
        _Row(ONE_SLOT, _budgets(1, 0, 0, 0, 0, 1, halts=1), 20),
        _Row(ONE_SLOT, _budgets(0, 1, 1, 0, 0, 1, halts=1), 20, REPLACE),
        _Row(TWO_SLOTS, _budgets(0, 1, 0, 0, 0, 2), 20),
        _Row(LADDER, _budgets(0, 1, 0, 0, 0, 2), 20),
    ),
    "standard": (
        # The whole of the first has some two million states; what is longer is left to `deep`.
        _Row(ONE_SLOT, _budgets(2, 2, 1, 1, 0, 2), 1000, REPLACE, 14),
        _Row(ONE_SLOT, _budgets(2, 2, 1, 1, 0, 1), 1000, AMEND),
        _Row(ONE_SLOT, _budgets(1, 1, 0, 0, 1, 1), 100),
        _Row(ONE_SLOT, _budgets(0, 1, 0, 0, 2, 1), 100),
        _Row(ONE_SLOT, _budgets(1, 1, 1, 0, 0, 1, halts=1), 100),
        _Row(ONE_SLOT, _budgets(1, 0, 0, 0, 1, 1, halts=1), 100),
        _Row(TWO_SLOTS, _budgets(0, 1, 0, 0, 0, 2), 100),
        _Row(LADDER, _budgets(0, 1, 0, 0, 0, 2), 100),
    ),
    "deep": (
        _Row(ONE_SLOT, _budgets(2, 2, 1, 1, 0, 2), 1000),
        _Row(ONE_SLOT, _budgets(2, 2, 1, 1, 1, 2), 1000),
        _Row(ONE_SLOT, _budgets(1, 2, 1, 1, 2, 2), 1000),
        _Row(ONE_SLOT, _budgets(2, 1, 1, 1, 1, 1, halts=1), 1000),
        _Row(TWO_SLOTS, _budgets(1, 1, 0, 0, 1, 3), 1000),
        _Row(LADDER, _budgets(1, 1, 0, 0, 2, 3), 1000),
    ),
}

FUSES: Final = {"small": 100_000, "standard": 5_000_000, "deep": 50_000_000}
"""States of one exploration beyond which it gives up."""


class Exploration(Struct, frozen=True, kw_only=True):
    """One space of states to exhaust."""

    shape: str
    venue: str
    setting: Setting
    fuse: int
    heal_every: int
    """0: convergence is not asked for."""
    depth: int | None = None
    """Steps of the longest paths; None: to the end."""

    @property
    def name(self) -> str:
        """What is wanted, on which venue, and what may happen on the way."""
        bound = "" if self.depth is None else f", {self.depth} steps"
        return f"{self.shape}, {self.venue}: {words(self.setting.budgets)}{bound}"


_WORDS: Final = (
    ("faults", "fault", "faults"),
    ("target_changes", "change", "changes"),
    ("crashes", "crash", "crashes"),
    ("unasked", "unasked", "unasked"),
    ("fills", "fill", "fills"),
    ("places", "place", "places"),
    ("early_cycles", "early cycle", "early cycles"),
    ("unsent", "unsent", "unsent"),
    ("halts", "halt", "halts"),
)


def words(budgets: Budgets) -> str:
    """Write budgets in words, those that are nothing left out."""
    found = []
    for field, one, many in _WORDS:
        number: int = getattr(budgets, field)
        if number:
            found.append(f"{number} {one if number == 1 else many}")
    return ", ".join(found)


def explorations(config: Config, budget: str, venues: Sequence[str]) -> list[Exploration]:
    """Return what a budget explores of a configuration, on these venues.

    `venues` are names of `lifecycle.conform.reading.VENUES`. Raises ValueError where the
    configuration has no meaning.
    """
    instrument = instrument_of(config)
    Settings(config, instrument)
    return [
        Exploration(
            shape=row.shape,
            venue=venue,
            setting=_setting(config, instrument, VENUES[venue], row),
            fuse=FUSES[budget],
            heal_every=row.heal_every if _comes_to_rest(config) else 0,
            depth=row.depth,
        )
        for row in _ROWS[budget]
        for venue in venues
        if venue in row.venues
    ]


def instrument_of(config: Config) -> Instrument:
    """Return an instrument in whose lots the configuration's exposure cap can be reached."""
    cap = config.risk.exposure_cap
    if cap is None or cap <= 0:
        return Instrument("verified", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
    lot = cap / CAP_QTY
    return Instrument("verified", price_unit=Decimal("0.1"), lot=lot, min_notional=Decimal(0))


def _comes_to_rest(config: Config) -> bool:
    """Say whether nothing but faults can keep what is wanted from resting within some cycles."""
    quota, interval = config.quota, config.modify.min_interval_ms * 1_000_000
    roomy = quota.cap is None or quota.cap - quota.used >= ROOM_MIN
    patient = interval > CYCLES_DEBOUNCED_MAX * seconds(config.timing.cycle_s)
    return roomy and not patient and config.risk.exposure_cap is None


def _setting(
    config: Config, instrument: Instrument, capabilities: Capabilities, row: _Row
) -> Setting:
    rules = rules_of(config, instrument, capabilities)
    reach = None if config.modify.max_bps is None else Fraction(str(config.modify.max_bps))
    shapes = {ONE_SLOT: _one_slot, TWO_SLOTS: _two_slots, LADDER: _ladder}
    # On the lattice, so that what is wanted is what shall rest.
    step = config.grid.min_ticks if config.grid.enabled else 1
    choices = shapes[row.shape](rules, reach if config.modify.enabled else Fraction(0), step)
    prices = [target.price for one in choices for target in (*one.bids, *one.asks)]
    return Setting(
        instrument=instrument,
        capabilities=capabilities,
        config=near_timers(config),
        choices=choices,
        # The book is wide: nothing that is wanted crosses it. It is never old.
        market=Market(FOREVER, min(prices) - 1, max(prices) + 1),
        budgets=row.budgets,
    )


def _one_slot(rules: Rules, reach: Fraction | None, step: Price) -> tuple[Targets, ...]:
    """Return one bid: where it is, moved, gone, and beyond the reach of a modify if any is."""
    first = _targets([BASE])
    moved = BASE + _shift(rules, reach, first, step)
    found = [first, _targets([moved]), Targets()]
    if reach is not None:
        far = BASE + _beyond(max(reach, rules.stale(first, 0)), step)
        if far != moved:
            found.append(_targets([far]))
    return tuple(found)


def _two_slots(rules: Rules, reach: Fraction | None, step: Price) -> tuple[Targets, ...]:
    """Return a bid and an ask: where they are, and both moved."""
    # A wider spread widens the latch, up to its most: the shift is computed for what is wanted.
    first = _targets([BASE], [BASE + SPREAD])
    shift = _shift(rules, reach, first, step)
    return first, _targets([BASE + shift], [BASE + SPREAD + shift])


def _ladder(rules: Rules, reach: Fraction | None, step: Price) -> tuple[Targets, ...]:
    """Return two bids: where they are, rolled by one rung, and the best alone."""
    del reach
    # The latch is widest at the outer level: the rungs are farther apart than that.
    gap = _beyond(max(rules.stale(_targets([BASE]), level) for level in (0, 1)), step)
    return (
        _targets([BASE, BASE - gap]),
        _targets([BASE - gap, BASE - 2 * gap]),
        _targets([BASE]),
    )


def _targets(bids: Sequence[Price], asks: Sequence[Price] = ()) -> Targets:
    return Targets(
        tuple(Target(price, QTY) for price in bids), tuple(Target(price, QTY) for price in asks)
    )


def _shift(rules: Rules, reach: Fraction | None, targets: Targets, step: Price) -> Price:
    """Return a move that is worth a call: stale if a modify reaches so far, else not latched."""
    stale = _beyond(rules.stale(targets, 0), step)
    if reach is None or drift_bps(BASE, BASE + stale) <= reach:
        return stale
    near = _beyond(rules.latch(targets, 0), step)
    return near if drift_bps(BASE, BASE + near) <= reach else stale


def _beyond(band: Fraction, step: Price) -> Price:
    """Return the least move up, in whole steps, that is outside a half-width in bps."""
    return next(move for move in count(step, step) if drift_bps(BASE, BASE + move) > band)


_OF_LEGS: Final = frozenset(
    {
        "new-leg-fills-first", "old-leg-gone-first", "old-leg-gone-last", "fill-of-old-leg-late",
        "overfill",
    }
)  # fmt: skip
"""Races of a modify that opens a leg."""
_OF_MODIFIES: Final = _OF_LEGS | {
    "old-leg-fills-meanwhile", "modify-leaves-nothing", "modify-refused-unknown",
    "unasked-while-modifying",
}  # fmt: skip


def possible_races(config: Config, venues: Sequence[str]) -> list[str]:
    """Return the races that can happen with this configuration on these venues."""
    never: frozenset[str] = frozenset()
    if all(VENUES[venue].modify_keeps_oid for venue in venues):
        never = _OF_LEGS
    if not config.modify.enabled or config.modify.max_bps == 0:
        never = _OF_MODIFIES
    return [race for race in RACES if race not in never]
