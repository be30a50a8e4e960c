"""A generated market: an ETH-like perpetual without a licence, the same for the same seed.

The book is queue-reactive (Huang, Lehalle and Rosenbaum, "Simulating and analyzing order book
data: the queue-reactive model", 2015): limit, market and cancel flow hits each level at rates
that depend on the size of its queue, and the touch moves when its queue is exhausted or when
somebody improves it. What the flow gathers around is a reference price, a random walk that no
trader sees: makers quote outside of it and withdraw what it has overtaken, takers lean towards it.
Now and then a taker sweeps several levels at once, and a share of the depth swept stays in the
reference: these are the market's jumps.

Time advances in blocks, as on Hyperliquid: whatever happens within one block carries one
timestamp. A block emits its trades, then the touch if it has changed, then, every half second or
so, the changed ones among the visible levels. Levels that have gone come before levels that have
come, so that a reader who applies row by row never sees a crossed book.

There is no feed delay (`recv` is -1), no funding, and no memory of volume beyond the queues.
"""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Final

from msgspec import Struct

from exchange.columns import Columns
from exchange.instrument import Instrument
from exchange.market import Row
from exchange.paper.flow import BAND, Flow, Shape
from exchange.units import MILLISECOND, Price

GENERATED: Final = Instrument(
    symbol="ETH",
    price_unit=Decimal("0.1"),
    lot=Decimal("0.0001"),
    min_notional=Decimal(10),
    significant_figures=5,
)
"""What the generated market trades in."""

PRICE_MIN: Final = 2_000
PRICE_MAX: Final = 49_000
"""Start prices between which half and double the start still have a tick of one price unit."""

PACKETS_FIRST: Final = 16
PACKETS_MAX: Final = 512
"""Packets that are made at once: few at first, so that who wants few does not wait."""


class GeneratorConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the generated market behaves.

    Raises:
        ValueError: a value is outside its range; nothing has been generated.

    """

    price: Price = 20_000
    """Where the reference price starts, in price units; it stays between half and double."""
    volatility_bps_per_sqrt_minute: float = 3.3
    """Of the reference price, sweeps included. The mid, which bounces, moves a little more."""
    jump_share: float = 0.45
    """Share of the variance that sweeps bring, the rest is diffusion."""
    trades_per_minute: float = 95.0
    """Taker orders that do not sweep; most of them print one trade."""
    sweeps_per_minute: float = 6.0
    """Taker orders that sweep several levels; each prints one trade a level."""
    sweep_tail: float = 1.5
    """Tail exponent of the number of levels swept (Pareto from two levels on)."""
    flow_per_second: float = 16.0
    """Limit orders offered to each side, and as many cancels."""
    levels: int = 20
    """Visible levels on each side."""
    depth_ms: int = 500
    """The least time between two batches of depth rows."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not PRICE_MIN <= self.price <= PRICE_MAX:
            raise ValueError(
                f"price must lie between {PRICE_MIN} and {PRICE_MAX} units, was {self.price}"
            )
        ranges: tuple[tuple[str, float, float], ...] = (
            ("volatility_bps_per_sqrt_minute", 0.0, 100.0),
            ("jump_share", 0.0, 1.0),
            ("trades_per_minute", 0.0, 6_000.0),
            ("sweeps_per_minute", 0.0, 600.0),
            ("sweep_tail", 0.5, 10.0),
            ("flow_per_second", 1.0, 1_000.0),
            ("levels", 1, BAND),
            ("depth_ms", 0, 60_000),
        )
        for name, low, high in ranges:
            value: float = getattr(self, name)
            # Written so that NaN fails.
            if not low <= value <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, was {value}")


def generate(config: GeneratorConfig, seed: int) -> Iterator[Row]:
    """Yield the rows of an endless market that starts at time 0; the caller stops.

    The first rows are a full snapshot of the depth and the touch.
    """
    for columns in generate_columns(config, seed):
        yield from columns.rows(0, len(columns))


def generate_columns(config: GeneratorConfig, seed: int) -> Iterator[Columns]:
    """Yield the same market in columns, some packets at a time."""
    shape = Shape(
        price=config.price,
        variance=config.volatility_bps_per_sqrt_minute**2,
        jump_share=config.jump_share,
        trades_per_minute=config.trades_per_minute,
        sweeps_per_minute=config.sweeps_per_minute,
        sweep_tail=config.sweep_tail,
        flow_per_second=config.flow_per_second,
        levels=config.levels,
        depth_every=config.depth_ms * MILLISECOND,
    )
    flow = Flow(shape, Random(seed))  # noqa: S311 - a market, not a secret
    packets = PACKETS_FIRST
    while True:
        yield flow.columns(packets)
        packets = min(PACKETS_MAX, 2 * packets)
