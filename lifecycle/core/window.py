"""L6: how the last cycles stand, for whoever shows or judges them (`lifecycle.core.churn`)."""

from msgspec import Struct


class Window(Struct, frozen=True):
    """The last cycles in numbers. Shares are 0…1; None where there is nothing to divide by."""

    cycles: int
    cancel_fill: float | None
    """None where there are cancels and no fill (infinite), 0 without a cancel; so the next."""
    calls_fill: float | None
    skip: float
    """Share of cycles that sent nothing."""
    modify_share: float | None
    """Modifies among modifies and cancels."""
    queue_kept: float | None
    """Share of order-cycles in which a resting order was left alone."""
    bid: float | None
    """Share of cycles by whose end as many bids rested as were wanted."""
    ask: float | None
    staleness_rms_bps: float | None
    """Root mean square distance of resting orders from the price that the bot wanted."""
