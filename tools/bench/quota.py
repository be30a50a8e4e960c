"""Runs the stable policy with little quota left, again and again on one market.

Each pass begins with what the one before has left. What is asked: that the ledger never empties,
that both sides stay quoted, and, where it is made to empty, that it comes back: first with what
covers a side, one probe at a time. Without `--earn` the fills earn nothing, which is the harder
case: what is left can only shrink.

    python -m tools.bench.quota [--market FILE] [--passes N] [--cap N] [--used N] [--earn]
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import structs

from lifecycle.run.config import MarketConfig, RunConfig, VenueConfig
from lifecycle.run.session import Session, load_market

CASES: Final = ((10_000, 9_300), (1_000, 930))
"""Cap and used: 7 % of either is left."""


class Pass(NamedTuple):
    """One run of the market."""

    calls: int
    left: int
    """Requests at its end."""
    least: int
    """Requests at its worst."""
    bid: float
    """Share of cycles by whose end the side was quoted."""
    ask: float
    staleness: float
    violations: int


def run(file: str | None, minutes: float | None, cap: int, used: int, *, earn: bool) -> Pass:
    """Run the market once with `used` of `cap` requests gone."""
    venue = VenueConfig(request_cap=cap, requests_used=used)
    config = RunConfig(market=MarketConfig(file=file, minutes=minutes), venue=venue)
    quota = structs.replace(
        config.quota, cap=cap, used=used, cancel_cap=2 * cap, earns=1.0 if earn else 0.0
    )
    config = structs.replace(config, quota=quota)
    session = Session(config, "stable", load_market(config.market, venue))
    least = cap - used
    while session.step():
        least = min(least, _left(session, cap))
    summary = session.summary()
    return Pass(
        calls=summary.calls,
        left=_left(session, cap),
        least=least,
        bid=summary.presence.bid,
        ask=summary.presence.ask,
        staleness=summary.staleness_rms_bps or 0.0,
        violations=summary.violations,
    )


def _left(session: Session, cap: int) -> int:
    """Return the requests left, earned ones included: headroom is their share of all granted."""
    headroom, used = session.manager.headroom, session.manager.requests_used
    return cap - used if headroom >= 1 else round(used * headroom / (1 - headroom))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the passes and print a line for each; returns 1 where the ledger was empty."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.quota", description=__doc__)
    parser.add_argument("--market", metavar="FILE", help="a recording; default generated")
    parser.add_argument("--minutes", type=float, help="of each pass; default 60, or the recording")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--cap", type=int, help="requests granted")
    parser.add_argument("--used", type=int, default=0, help="of these, used at the start")
    parser.add_argument("--earn", action="store_true", help="a fill earns, as at Hyperliquid")
    given = parser.parse_args(arguments)
    minutes = given.minutes or (None if given.market else 60.0)
    empty = False
    for cap, used in CASES if given.cap is None else ((given.cap, given.used),):
        print(f"{used} of {cap} requests used at the start")
        left = cap - used
        for number in range(1, given.passes + 1):
            one = run(given.market, minutes, cap, max(0, cap - left), earn=given.earn)
            left, empty = min(cap, one.left), empty or one.least <= 0
            print(
                f"  pass {number}: {one.calls} calls, {one.left} left, at worst {one.least}, "
                f"quoted {one.bid:.1%} and {one.ask:.1%}, staleness {one.staleness:.2f} bps, "
                f"{one.violations} violations"
            )
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
