"""L1: the parameters of one cycle, as the smoothing gives them (`lifecycle.core.smoothing`)."""

from msgspec import Struct


class Smoothed(Struct, frozen=True):
    """One cycle's parameters; None where no sample has been good so far."""

    kappa: float | None
    """Decay of the fill rate with distance, in units of the price (1 / share of the price)."""
    sigma: float | None
    """Volatility, in basis points per square root of a minute."""
    gamma: float | None
    """Risk aversion, in the units of 1/kappa."""
    size: float | None
    """Of each quote, in lots."""
