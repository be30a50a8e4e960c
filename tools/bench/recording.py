"""Compares the legacy policy with the recording that it stands for, over many seeds.

A market-making bot was recorded for five minutes of ETH: 60 places, 58 cancels, no fill, nothing
in the first minute, 40 calls a minute. The legacy policy on the generated market must behave like
that, as a distribution: no seed repeats the recording, the median over seeds comes near it. The
stable policy runs beside it, on the same markets.

    python -m tools.bench.recording [seeds]
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Final

from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.frame import Summary
from lifecycle.run.policies import BOTH
from lifecycle.run.session import Session, load_market

SEEDS: Final = 30

FIGURES: Final[Mapping[str, Callable[[Summary], float]]] = {
    "placed in the first minute": lambda s: s.timeline[0][1],
    "placed": lambda s: s.placed,
    "modified": lambda s: s.modified,
    "cancelled": lambda s: s.cancelled,
    "placed but not cancelled": lambda s: s.placed - s.cancelled,
    "fills": lambda s: s.fills,
    "calls a minute": lambda s: s.calls_per_minute,
    "cancels a cycle": lambda s: s.cancels_per_cycle,
    "cycles without a call": lambda s: s.zero_action,
    "queue kept": lambda s: s.queue_kept or 0.0,
    "bid present": lambda s: s.presence.bid,
    "ask present": lambda s: s.presence.ask,
    "staleness, bps": lambda s: s.staleness_rms_bps or 0.0,
    "half the latch, bps": lambda s: s.staleness_limit_bps or 0.0,
    "markout, bps": lambda s: s.markout_5s_bps or 0.0,
}
"""What is compared, by name."""


def measure(policy: str, seeds: Iterable[int]) -> list[Summary]:
    """Run five generated minutes for each seed."""
    summaries: list[Summary] = []
    for seed in seeds:
        config = RunConfig(market=MarketConfig(seed=seed))
        session = Session(config, policy, load_market(config.market, config.venue))
        while session.step():
            pass
        summaries.append(session.summary())
    return summaries


def figures(summaries: list[Summary]) -> dict[str, tuple[float, float, float]]:
    """Return least, median and greatest of each figure."""
    found: dict[str, tuple[float, float, float]] = {}
    for name, value in FIGURES.items():
        values = [value(summary) for summary in summaries]
        found[name] = (min(values), median(values), max(values))
    return found


def table(summaries: list[Summary]) -> str:
    """Write the figures as text, one a line."""
    lines = [f"{'':<28}{'least':>10}{'median':>10}{'greatest':>10}"]
    for name, (least, middle, greatest) in figures(summaries).items():
        lines.append(f"{name:<28}{least:>10.2f}{middle:>10.2f}{greatest:>10.2f}")
    return "\n".join(lines)


def main() -> None:
    """Measure every policy and print its figures."""
    seeds = range(1, 1 + (int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS))
    for policy in BOTH:
        print(f"{policy}, {len(seeds)} seeds\n{table(measure(policy, seeds))}\n")


if __name__ == "__main__":
    main()
