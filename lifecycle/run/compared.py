"""What a comparison says: medians over seeds with the least and the greatest, and attributions.

What the seeds have in common cancels out of a difference, so what a layer contributes is the median
of the differences, seed by seed, not the difference of the medians.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median
from typing import Final, NamedTuple

from msgspec import Struct

from lifecycle.run.compare import Outcome
from lifecycle.run.frame import Summary
from lifecycle.run.policies import ABLATION, LAYERS, PHASES


class Measure(NamedTuple):
    """One number of a run."""

    key: str
    of: Callable[[Summary], float | None]
    """None where the run has nothing to divide by."""


def _cancel_fill(summary: Summary) -> float | None:
    return math.inf if summary.cancel_fill is None else summary.cancel_fill


MEASURES: Final = (
    Measure("calls_per_minute", lambda s: s.calls_per_minute),
    Measure("zero_action", lambda s: s.zero_action),
    Measure("queue_kept", lambda s: s.queue_kept),
    Measure("modify_share", lambda s: s.modify_share),
    Measure("cancels_per_cycle", lambda s: s.cancels_per_cycle),
    Measure("cancel_fill", _cancel_fill),
    Measure("presence_bid", lambda s: s.presence.bid),
    Measure("presence_ask", lambda s: s.presence.ask),
    Measure("staleness_rms_bps", lambda s: s.staleness_rms_bps),
    Measure("staleness_limit_bps", lambda s: s.staleness_limit_bps),
    Measure("fills", lambda s: s.fills),
    Measure("markout_5s_bps", lambda s: s.markout_5s_bps),
    Measure("violations", lambda s: s.violations),
)
"""What churn costs first, then what it must not be bought with."""


class Spread(NamedTuple):
    """A measure over the seeds that have a value of it; infinity where one is infinite."""

    median: float | None
    least: float | None
    greatest: float | None


class Minute(NamedTuple):
    """The mean over seeds of one minute of the runs; None where no seed has a value."""

    seconds: float
    """Since the start, at the end of the minute."""
    presence_bid: float | None
    presence_ask: float | None
    staleness_rms_bps: float | None
    calls: float | None


class Standing(Struct, frozen=True):
    """One entrant on one market, all its seeds together."""

    entrant: str
    latch_bps: float | None
    """Of a sweep; None for a policy as it is."""
    runs: tuple[tuple[int, Summary], ...]
    """Seed and what came of it, in the order of the seeds."""
    measures: dict[str, Spread]
    minutes: tuple[Minute, ...]

    @property
    def violations(self) -> int:
        """Broken invariants, over all runs."""
        return sum(summary.violations for _, summary in self.runs)

    @property
    def broken(self) -> tuple[str, ...]:
        """The first of them, each with the seed of its run."""
        return tuple(
            f"seed {seed}, {line}" for seed, summary in self.runs for line in summary.broken
        )


class Contribution(Struct, frozen=True):
    """What switching one layer on changes, by the key of a measure; None where not known."""

    layer: str
    alone: dict[str, float | None]
    """With no other layer: from legacy to only this one."""
    in_order: dict[str, float | None]
    """After those before it in the roll-out: from one phase to the next."""
    last: dict[str, float | None]
    """With all others there: from all but this one to stable."""


class Board(Struct, frozen=True):
    """One market's comparison."""

    market: str
    """The recording's file name, or `generated`."""
    minutes: float
    """How long its longest run was."""
    standings: tuple[Standing, ...]
    contributions: tuple[Contribution, ...]
    """Empty where not the whole ablation was run."""


def boards(outcomes: Sequence[Outcome]) -> list[Board]:
    """Sum the outcomes up, market by market, both in their own order.

    An outcome without a summary is left out, and an entrant or market without any.
    """
    markets = dict.fromkeys(outcome.job.market for outcome in outcomes)
    found = []
    for market in markets:
        played = [one for one in outcomes if one.job.market == market and one.summary is not None]
        if played:
            found.append(_board(market, played))
    return found


def _board(market: str | None, played: Sequence[Outcome]) -> Board:
    runs: dict[str, list[tuple[int, Summary]]] = {}
    bands: dict[str, float | None] = {}
    for outcome in played:
        entrant, summary = outcome.job.entrant, outcome.summary
        assert summary is not None
        runs.setdefault(entrant.name, []).append((outcome.job.seed, summary))
        bands[entrant.name] = entrant.latch_bps
    standings = tuple(standing(name, runs[name], bands[name]) for name in runs)
    summaries = [summary for pairs in runs.values() for _, summary in pairs]
    return Board(
        market="generated" if market is None else summaries[0].market,
        minutes=max(summary.seconds for summary in summaries) / 60,
        standings=standings,
        contributions=contributions(standings),
    )


def standing(
    entrant: str, runs: Sequence[tuple[int, Summary]], latch_bps: float | None = None
) -> Standing:
    """Sum the runs of one entrant up; `runs` is seed and summary, at least one."""
    summaries = [summary for _, summary in runs]
    return Standing(
        entrant=entrant,
        latch_bps=latch_bps,
        runs=tuple(runs),
        measures={
            measure.key: spread(measure.of(summary) for summary in summaries)
            for measure in MEASURES
        },
        minutes=_minutes(summaries),
    )


def spread(values: Iterable[float | None]) -> Spread:
    """Return median, least and greatest of the values that are there."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return Spread(None, None, None)
    return Spread(median(known), known[0], known[-1])


def _minutes(summaries: Sequence[Summary]) -> tuple[Minute, ...]:
    by_time: dict[float, list[tuple[float | None, ...]]] = {}
    for summary in summaries:
        for seconds, *values in summary.series:
            by_time.setdefault(seconds, []).append(tuple(values))
    return tuple(
        Minute(seconds, *(_mean(column) for column in zip(*by_time[seconds], strict=True)))
        for seconds in sorted(by_time)
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def contributions(standings: Sequence[Standing]) -> tuple[Contribution, ...]:
    """Say what each layer contributes; nothing where a policy of the ablation is missing."""
    by_name = {one.entrant: one for one in standings}
    if not by_name.keys() >= set(ABLATION):
        return ()
    ladder = ("legacy", *PHASES)
    return tuple(
        Contribution(
            layer,
            alone=_change(by_name["legacy"], by_name[f"only-{layer}"]),
            in_order=_change(by_name[ladder[index]], by_name[ladder[index + 1]]),
            last=_change(by_name[f"without-{layer}"], by_name["stable"]),
        )
        for index, layer in enumerate(LAYERS)
    )


def _change(before: Standing, after: Standing) -> dict[str, float | None]:
    """Return the median of each measure's differences, over the seeds that both have run."""
    old, new = dict(before.runs), dict(after.runs)
    seeds = [seed for seed in old if seed in new]
    return {
        measure.key: spread(_difference(measure.of(old[s]), measure.of(new[s])) for s in seeds)[0]
        for measure in MEASURES
    }


def _difference(before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    # Where both are infinite nothing has changed; a subtraction would have no value.
    return 0.0 if before == after else after - before
