"""The goals that a run is measured by: one row a goal, with its text and its predicate.

A predicate answers None where the run has nothing to judge: no order was changed, say.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from lifecycle.core.churn import OVER
from lifecycle.run.frame import Summary
from lifecycle.views import text


class Goal(NamedTuple):
    """One goal: what it measures and how, what it asks for, and whether a run holds it."""

    key: str
    label: str
    short: str
    """The label where there is little room."""
    wanted: str
    shown: Callable[[Summary], str]
    holds: Callable[[Summary], bool | None]


CALLS_PER_MINUTE_MAX: Final = 5.0
CANCELS_PER_CYCLE_BELOW: Final = 0.5
"""A mean below a half proves that most cycles have none."""
SHARE_ABOVE: Final = 0.8
CANCEL_FILL_BELOW: Final = 2.0
PRESENCE_MIN: Final = 0.99


def _above(value: float | None) -> bool | None:
    return None if value is None else value > SHARE_ABOVE


def _cycled(summary: Summary, *, holds: bool) -> bool | None:
    """Judge nothing before the first cycle after warm-up."""
    return holds if summary.cycles else None


def _fresh(summary: Summary) -> bool | None:
    rms, limit = summary.staleness_rms_bps, summary.staleness_limit_bps
    return None if rms is None or limit is None else rms <= limit


def _cancel_fill(summary: Summary) -> bool | None:
    ratio = summary.cancel_fill
    return _cycled(summary, holds=ratio is not None and ratio < CANCEL_FILL_BELOW)


def _cancel_fill_text(summary: Summary) -> str:
    ratio = summary.cancel_fill
    return text.INFINITE if ratio is None else text.number(ratio, 2)


def _staleness_text(summary: Summary) -> str:
    rms, limit = summary.staleness_rms_bps, summary.staleness_limit_bps
    if rms is None or limit is None:
        return text.NONE
    return f"{text.number(rms, 2)}/{text.number(limit, 2)}"


GOALS: Final = (
    Goal(
        "calls_per_minute",
        "API calls per minute",
        "calls/min",
        "at most 5",
        lambda s: text.number(s.calls_per_minute),
        lambda s: _cycled(s, holds=s.calls_per_minute <= CALLS_PER_MINUTE_MAX),
    ),
    Goal(
        "cancels_per_cycle",
        "cancels per cycle",
        "cancels/cyc",
        "below 0.5",
        lambda s: text.number(s.cancels_per_cycle, 2),
        lambda s: _cycled(s, holds=s.cancels_per_cycle < CANCELS_PER_CYCLE_BELOW),
    ),
    Goal(
        "modify_share",
        "modifies among changes",
        "modifies",
        "above 80 %",
        lambda s: text.share(s.modify_share),
        lambda s: _above(s.modify_share),
    ),
    Goal(
        "queue_kept",
        "queue position kept",
        "queue kept",
        "above 80 %",
        lambda s: text.share(s.queue_kept),
        lambda s: _above(s.queue_kept),
    ),
    Goal(
        "cancel_fill",
        "cancels per fill",
        "cancel/fill",
        "below 2",
        _cancel_fill_text,
        _cancel_fill,
    ),
    Goal(
        "zero_action",
        "cycles without a call",
        "quiet",
        "above 80 %",
        lambda s: text.share(s.zero_action if s.cycles else None),
        lambda s: _cycled(s, holds=s.zero_action > SHARE_ABOVE),
    ),
    Goal(
        "presence_bid",
        "bids present",
        "bids",
        "at least 99 %",
        lambda s: text.share(s.presence.bid if s.cycles else None),
        lambda s: _cycled(s, holds=s.presence.bid >= PRESENCE_MIN),
    ),
    Goal(
        "presence_ask",
        "asks present",
        "asks",
        "at least 99 %",
        lambda s: text.share(s.presence.ask if s.cycles else None),
        lambda s: _cycled(s, holds=s.presence.ask >= PRESENCE_MIN),
    ),
    Goal(
        "staleness",
        "staleness / half latch, bps",
        "stale/limit",
        "within the half",
        _staleness_text,
        _fresh,
    ),
)
"""In the order of the design's table: churn first, then what it must not be bought with."""


class Fact(NamedTuple):
    """A number beside the goals: nothing is asked of it."""

    label: str
    short: str
    shown: Callable[[Summary], str]


def _begun(summary: Summary) -> list[str]:
    """Return the alarms that began; the others are ends."""
    return [line for line in summary.alerts if not line.endswith(OVER)]


FACTS: Final = (
    Fact("placed", "placed", lambda s: str(s.placed)),
    Fact("modified", "modified", lambda s: str(s.modified)),
    Fact("cancelled", "cancelled", lambda s: str(s.cancelled)),
    Fact("rejected", "rejected", lambda s: str(s.rejected)),
    Fact("fills", "fills", lambda s: str(s.fills)),
    Fact("filled quantity", "filled qty", lambda s: s.filled_qty),
    Fact("mid after a fill, 5 s, bps", "markout", lambda s: text.signed(s.markout_5s_bps)),
    Fact("position", "position", lambda s: s.position),
    Fact("spirals and absences", "alarms", lambda s: str(len(_begun(s)))),
    Fact("invariants broken", "broken", lambda s: str(s.violations)),
)


def verdict(held: bool | None) -> str:
    """Write whether a goal is held; short enough for any column."""
    if held is None:
        return text.NONE
    return "held" if held else "missed"


def verdict_style(held: bool | None) -> str:
    """Return the style of a verdict."""
    if held is None:
        return "goal.none"
    return "goal.held" if held else "goal.missed"
