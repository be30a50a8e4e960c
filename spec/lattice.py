"""The arithmetic of an absolute price lattice: what the grid layer does with one price.

The lattice is anchored to price zero, never to the mid: an anchor that moves with the mid absorbs
nothing. A price on the border of two cells would flip for ever, so the point that was chosen last
is held until the raw price has left its cell by more than a margin. All numbers are price units;
`tests/proofs` proves the claims made here. It does not choose the step, and it does not know which
prices a venue accepts.
"""

from exchange.units import Price


def snap_down(raw: Price, step: int) -> Price:
    """Return the highest lattice point at or below `raw`; for bids."""
    return raw // step * step


def snap_up(raw: Price, step: int) -> Price:
    """Return the lowest lattice point at or above `raw`; for asks."""
    return -snap_down(-raw, step)


def hold(previous: Price, raw: Price, step: int, margin: int) -> Price:
    """Return `previous` while `raw` is within `margin` of its cell, or else snap down.

    The cell of a point reaches from it to the point before the next one. A point of another
    lattice, left from before a change of step, is not held. At most `margin` lies between a held
    bid and a raw price below it, so two held sides may meet where the raw ones are closer than
    twice the margin.
    """
    if previous % step == 0 and previous - margin <= raw < previous + step + margin:
        return previous
    return snap_down(raw, step)


def hold_up(previous: Price, raw: Price, step: int, margin: int) -> Price:
    """Do as `hold` for asks, whose cells reach from a point downwards."""
    return -hold(-previous, -raw, step, margin)
