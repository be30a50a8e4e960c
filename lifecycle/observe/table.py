"""The metrics by name: what is exported, of which kind, by which labels, and what it means.

Every metric has the labels `instrument` and `policy` besides its own. Counters start at zero with
the process. Times are in seconds, shares 0…1, sizes and prices in base and quote currency.
"""

import enum
from typing import Final, NamedTuple


class Kind(enum.StrEnum):
    """The kinds of metrics that Prometheus knows."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Row(NamedTuple):
    """One metric."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


_C: Final = Kind.COUNTER
_G: Final = Kind.GAUGE
_H: Final = Kind.HISTOGRAM

# Divergences have no label on purpose: a series that is born with its first event has no zero to
# rise from, and `increase` would not see it. What diverged is in the log.
METRICS: Final = (
    Row("lifecycle_records_total", _C, ("kind",), "Records told, which is what the journal holds."),
    Row("lifecycle_cycles_total", _C, (), "Cycles."),
    Row(
        "lifecycle_quiet_cycles_total",
        _C,
        (),
        "Cycles that placed, modified and cancelled nothing.",
    ),
    Row("lifecycle_commands_total", _C, ("kind",), "Commands sent."),
    Row(
        "lifecycle_decisions_total",
        _C,
        ("action", "reason"),
        "Decisions about an order or a target.",
    ),
    Row("lifecycle_reports_total", _C, ("kind",), "Reports received, repetitions included."),
    Row("lifecycle_rejects_total", _C, ("request",), "Requests that the venue turned down."),
    Row("lifecycle_unanswered_total", _C, ("outcome",), "Requests known to get no answer."),
    Row("lifecycle_doubts_total", _C, ("request",), "Requests that a look found newly in doubt."),
    Row("lifecycle_fills_total", _C, ("side",), "Fills, each once."),
    Row("lifecycle_filled_quantity_total", _C, ("side",), "Filled size, in base currency."),
    Row(
        "lifecycle_filled_notional_total", _C, ("side",), "Filled price x size, in quote currency."
    ),
    Row(
        "lifecycle_divergences_total",
        _C,
        (),
        "Reports that cannot be true together with the record.",
    ),
    Row("lifecycle_violations_total", _C, ("invariant",), "Invariants broken: a fault of ours."),
    Row(
        "lifecycle_order_cycles_total", _C, (), "Resting orders with a target, summed over cycles."
    ),
    Row(
        "lifecycle_order_cycles_kept_total",
        _C,
        (),
        "Of these, those that kept their place in the queue.",
    ),
    Row("lifecycle_judged_cycles_total", _C, (), "Cycles whose end was looked at."),
    Row(
        "lifecycle_present_cycles_total",
        _C,
        ("side",),
        "Of these, those with as many resting orders as wanted.",
    ),
    Row("lifecycle_position", _G, (), "Signed position, in base currency."),
    Row(
        "lifecycle_exposure",
        _G,
        ("direction",),
        "Worst case if all that may fill does, in base currency.",
    ),
    Row("lifecycle_wanted_orders", _G, ("side",), "Targets of the last cycle."),
    Row("lifecycle_open_orders", _G, ("side", "state"), "Possibly-live orders."),
    Row("lifecycle_presence", _G, ("side",), "1 where as many orders rest as were wanted, else 0."),
    Row("lifecycle_staleness_bps", _G, (), "RMS distance of resting orders from the price wanted."),
    Row("lifecycle_staleness_limit_bps", _G, (), "Mean of half the latch band of the same orders."),
    Row(
        "lifecycle_grid_step",
        _G,
        (),
        "Step of the price lattice, in quote currency; 0 without one.",
    ),
    Row("lifecycle_mid", _G, (), "Mid of the market seen, in quote currency."),
    Row("lifecycle_market_age_seconds", _G, (), "Age of the newest thing seen of the market."),
    Row(
        "lifecycle_headroom_ratio", _G, (), "Unused share of the request quota; 1 without a limit."
    ),
    Row(
        "lifecycle_quota_horizon_seconds",
        _G,
        (),
        "Until the quota ends as it is used now; +Inf: never.",
    ),
    Row("lifecycle_blind", _G, (), "1 while nothing is sent because a snapshot is awaited."),
    Row("lifecycle_halted", _G, (), "1 from a halt to the next restart."),
    Row("lifecycle_alarm", _G, ("alarm",), "1 while an alarm of the churn layer is on."),
    Row("lifecycle_unforwarded_records", _G, (), "Records that the fleet's journal does not have."),
    Row("lifecycle_journal_append_seconds", _H, (), "How long the journal takes for a record."),
    Row("lifecycle_cycle_seconds", _H, (), "How long a cycle takes to decide and be written down."),
)
