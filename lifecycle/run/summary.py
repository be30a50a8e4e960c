"""What the counters of a run come to: of a run, live or not, and of a replay."""

from exchange.instrument import Instrument
from exchange.units import SECOND, Nanos
from lifecycle.run.frame import Summary
from lifecycle.run.metrics import Metrics
from lifecycle.run.watched import Watched


def summary_of(
    name: str,
    market: str,
    metrics: Metrics,
    instrument: Instrument,
    *,
    until: Nanos,
    position: int,
    watched: Watched | None,
    rows: int = 0,
) -> Summary:
    """Return what the counters say at the time `until`."""
    return Summary(
        policy=name,
        market=market,
        seconds=(until - metrics.start) / SECOND,
        cycles=metrics.cycles,
        rows=rows,
        placed=metrics.placed,
        modified=metrics.modified,
        cancelled=metrics.cancelled,
        rejected=metrics.rejected,
        fills=metrics.fills,
        filled_qty=instrument.qty_text(metrics.filled_qty),
        calls=metrics.calls,
        calls_per_minute=metrics.calls_per_minute(until),
        cancels_per_cycle=metrics.cancelled / max(1, metrics.cycles),
        modify_share=metrics.modify_share,
        queue_kept=metrics.queue_kept,
        zero_action=metrics.zero_action,
        cancel_fill=metrics.cancel_fill,
        presence=metrics.presence,
        staleness_rms_bps=metrics.staleness_rms_bps,
        staleness_limit_bps=metrics.staleness_limit_bps,
        markout_5s_bps=metrics.markout_bps,
        position=instrument.qty_text(position),
        kept={reason.value: count for reason, count in sorted(metrics.reasons.items())},
        timeline=list(metrics.timeline),
        violations=0 if watched is None else watched.violations,
        broken=[] if watched is None else list(watched.broken),
        series=metrics.series,
    )
