"""Calls at equal staleness: what one rule costs where another is as stale.

A rule's frontier is the lower envelope of its points: none of them is both staler and dearer than
another of the same rule. Between two points of it, calls are interpolated linearly in the
logarithms of both, as a power law joins them; beyond its ends nothing is claimed.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import exp, log
from typing import Final

from msgspec import Struct

from tools.bench.frontier_run import DEFAULT, OUR_GRIDLESS, OURS, PEERS, Point

OUR_RULES: Final = (OURS, DEFAULT, OUR_GRIDLESS)


class Ratio(Struct, frozen=True):
    """Our calls against those of another rule, at our staleness."""

    course: str
    rule: str
    width: float
    """Ours; 0 for the defaults."""
    staleness_bps: float
    calls_per_minute: float
    peer: str
    peer_calls_per_minute: float
    """Interpolated on the peer's frontier."""

    @property
    def ratio(self) -> float:
        """Below one where ours are fewer."""
        return self.calls_per_minute / self.peer_calls_per_minute


def envelope(points: Iterable[Point]) -> list[tuple[float, float]]:
    """Return (staleness, calls a minute) of the points that no other beats, stalest last."""
    known = sorted(
        (point.staleness_bps, point.calls_per_minute)
        for point in points
        if point.staleness_bps is not None and point.staleness_bps > 0
    )
    found: list[tuple[float, float]] = []
    for staleness, calls in known:
        if calls > 0 and (not found or calls < found[-1][1]):
            found.append((staleness, calls))
    return found


def calls_at(frontier: Sequence[tuple[float, float]], staleness: float) -> float | None:
    """Return the calls a minute of a frontier at a staleness; None beyond its ends."""
    for (near, dear), (far, cheap) in pairwise(frontier):
        if near <= staleness <= far:
            share = (log(staleness) - log(near)) / (log(far) - log(near))
            return exp(log(dear) + share * (log(cheap) - log(dear)))
    return None


def ratios(points: Sequence[Point]) -> list[Ratio]:
    """Compare each of our points with every other rule, on its own course."""
    found = []
    for course in dict.fromkeys(point.course for point in points):
        there = [point for point in points if point.course == course]
        rules = dict.fromkeys(point.rule for point in there if point.rule not in OUR_RULES)
        frontiers = {rule: envelope(p for p in there if p.rule == rule) for rule in rules}
        for point in there:
            if point.rule not in OUR_RULES or point.staleness_bps is None:
                continue
            for rule, frontier in frontiers.items():
                calls = calls_at(frontier, point.staleness_bps)
                if calls is not None:
                    found.append(
                        Ratio(
                            course,
                            point.rule,
                            point.width,
                            point.staleness_bps,
                            point.calls_per_minute,
                            rule,
                            calls,
                        )
                    )
    return found


def best_peer(found: Iterable[Ratio]) -> list[Ratio]:
    """Keep of each of our points the comparison with the peer that is cheapest there."""
    best: dict[tuple[str, str, float], Ratio] = {}
    for one in found:
        key = (one.course, one.rule, one.width)
        if one.peer in PEERS and (key not in best or one.ratio > best[key].ratio):
            best[key] = one
    return list(best.values())


def table(points: Iterable[Point]) -> str:
    """Write every point as text, a line each."""
    lines = []
    course = None
    for point in points:
        if point.course != course:
            course = point.course
            lines += ["", f"{course}, {point.levels} a side", _HEAD]
        lines.append(
            f"{point.rule:20} {point.width:6g} {point.calls_per_minute:8.2f}"
            f" {_number(point.staleness_bps):>7} {_number(point.held_bps):>7}"
            f" {100 * min(point.bid_present, point.ask_present):7.1f} {point.fills:6}"
            f" {_number(point.markout_5s_bps):>8} {100 * (point.queue_kept or 0):6.1f}"
        )
    return "\n".join(lines)


def ratio_table(found: Iterable[Ratio]) -> str:
    """Write comparisons as text, a line each."""
    lines = [
        f"{'at equal staleness':37} {'ours':>12} {'':4} {'bps':>6} {'calls':>8} {'theirs':>8} ratio"
    ]
    lines.extend(
        f"{one.course:16} {one.peer:20} {one.rule:>12} {one.width:4g} {one.staleness_bps:6.2f}"
        f" {one.calls_per_minute:8.2f} {one.peer_calls_per_minute:8.2f} {one.ratio:6.3f}"
        for one in found
    )
    return "\n".join(lines)


_HEAD: Final = (
    f"{'rule':20} {'width':>6} {'calls/m':>8} {'rms':>7} {'held':>7} {'there %':>7}"
    f" {'fills':>6} {'markout':>8} {'kept %':>6}"
)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
