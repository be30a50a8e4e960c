"""What no rule can beat on a random walk: the optimum by dynamic programming, in units of a cycle.

What is wanted moves by a normal step each cycle, the unit of length here. The rule sees the drift
of its order and may pay one call to move it to where it is wanted; the square of what drift is
then left is the other cost. Weighing the two by `cost` and minimising their mean over an endless
run gives one point of the frontier; the optimal rule is a threshold. In continuous time, where
nothing overshoots, rate times mean square is a sixth of the variance per time (Åström and
Bernhardsson, "Comparison of Riemann and Lebesgue sampling for first order stochastic systems",
2002); a sampled cycle does better in that product, because it may not act between two looks.

A ladder of n equal rungs that drifts as one has one act more: its last order becomes the first,
which moves all of it by a rung for one call. The optimum over such shifts, and over moving all n,
is what the frontier of a ladder is compared with; rules that move single orders of it out of step
are not in it.
"""

from dataclasses import dataclass
from math import erf, sqrt
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

STEPS_PER_SIGMA: Final = 12
"""Of the drift grid: fine against the step of a cycle, and against any threshold worth having."""
MARGIN: Final = 6.0
"""How far the grid reaches beyond the largest threshold: a drift does not step further."""
PRECISION: Final = 1e-7
ROUNDS_MAX: Final = 200_000
CONTINUOUS: Final = 1 / 6
"""Rate times mean square of the best rule, as the cycle becomes short against the threshold."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One point of the optimal frontier."""

    cost: float
    """Of a call, in squares of the unit: what this point is the optimum for."""
    threshold: float
    """Drift up to which nothing is done."""
    rate: float
    """Calls a cycle."""
    rms: float
    """Root mean square drift after the act."""

    @property
    def product(self) -> float:
        """Rate times mean square drift."""
        return self.rate * self.rms**2


@dataclass(frozen=True, slots=True)
class _Drifts:
    """The drift grid, and how a drift goes on to the next cycle."""

    points: Floats
    steps: Floats
    """Chance of each from each: a row is where it is from."""

    @property
    def centre(self) -> int:
        """The index of no drift."""
        return len(self.points) // 2


def optimum(cost: float, *, orders: int = 1, rung: float | None = None) -> Limit:
    """Return the best that can be had where a call costs `cost`.

    With a `rung`, in the same unit, `orders` are a ladder that shifts for one call a rung and
    moves whole for as many calls as it has orders.

    Raises:
        ValueError: cost or rung is not positive, or there is no order.

    """
    for name, value in (("cost", cost), ("orders", orders), ("rung", rung)):
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive, was {value}")
    # Continuous time knows the threshold: that of a walk stopped at cost = L^4 / 6.
    reach = (6 * cost * orders) ** 0.25
    spacing = 1 / STEPS_PER_SIGMA
    if rung is not None:
        spacing = rung / max(1, round(rung / spacing))
    drifts = _drifts(reach + MARGIN, spacing)
    moves = _moves(drifts, orders, rung, spacing)
    chosen = _solve(drifts, moves, cost)
    return _evaluate(drifts, moves, chosen, cost)


def frontier(
    costs: tuple[float, ...], *, orders: int = 1, rung: float | None = None
) -> list[Limit]:
    """Return the optimum for each cost, as `optimum` does."""
    return [optimum(cost, orders=orders, rung=rung) for cost in costs]


def rate_at(limits: list[Limit], rms: float) -> float | None:
    """Return the calls a cycle of the limit at a staleness, between its points in logarithms.

    None outside of what the points span.
    """
    known = sorted((limit.rms, limit.rate) for limit in limits if limit.rms > 0)
    if not known or not known[0][0] <= rms <= known[-1][0]:
        return None
    xs, ys = zip(*known, strict=True)
    return float(np.exp(np.interp(np.log(rms), np.log(xs), np.log(ys))))


def _drifts(reach: float, spacing: float) -> _Drifts:
    count = int(reach / spacing) + 1
    size = 2 * count + 1
    points = np.arange(-count, count + 1, dtype=np.float64) * spacing
    # A step does not depend on where it starts: one row of chances, moved along, is all of them.
    borders = (np.arange(-size, size + 1) - 0.5) * spacing
    below = np.array([_below(border) for border in borders])
    chances = np.diff(below)
    steps = np.stack([chances[size - i : 2 * size - i] for i in range(size)])
    # What steps off the grid comes to rest at its end, where any rule acts.
    steps[:, 0] = below[size + 1 - np.arange(size)]
    steps[:, -1] = 1 - below[2 * size - 1 - np.arange(size)]
    return _Drifts(points, np.asarray(steps, dtype=np.float64))


def _below(x: float) -> float:
    """Return the chance of a normal step of at most x."""
    return 0.5 * (1 + erf(x / sqrt(2)))


def _moves(
    drifts: _Drifts, orders: int, rung: float | None, spacing: float
) -> list[tuple[int, NDArray[np.intp]]]:
    """Return the acts: calls, and the index that each drift is brought to."""
    size = len(drifts.points)
    here = np.arange(size)
    moves = [(0, here), (orders, np.full(size, drifts.centre))]
    if rung is None:
        return moves
    for count in range(1, orders):
        jump = round(count * rung / spacing)
        if jump >= size:
            break
        # A shift towards no drift, whichever side of it the drift is on.
        moved = here - np.sign(drifts.points).astype(np.intp) * jump
        moves.append((count, np.clip(moved, 0, size - 1)))
    return moves


def _solve(
    drifts: _Drifts, moves: list[tuple[int, NDArray[np.intp]]], cost: float
) -> NDArray[np.intp]:
    """Return for each drift the number of the best act, by relative value iteration."""
    squares = drifts.points**2
    calls = np.array([[cost * count] for count, _ in moves])
    after = np.stack([index for _, index in moves])
    value = np.zeros(len(squares))
    for _ in range(ROUNDS_MAX):
        left = squares + drifts.steps @ value
        ways = calls + left[after]
        better = ways.min(axis=0)
        change = better - value
        value = better - better[drifts.centre]
        if change.max() - change.min() < PRECISION * max(1.0, cost):
            return np.asarray(ways.argmin(axis=0))
    raise ArithmeticError(f"value iteration must end within {ROUNDS_MAX} rounds, at cost {cost}")


def _evaluate(
    drifts: _Drifts,
    moves: list[tuple[int, NDArray[np.intp]]],
    chosen: NDArray[np.intp],
    cost: float,
) -> Limit:
    """Return rate and staleness of a rule, from how often each drift is met in the long run."""
    here = np.arange(len(chosen))
    after = np.stack([index for _, index in moves])[chosen, here]
    calls = np.array([count for count, _ in moves])[chosen]
    chances = drifts.steps[after]
    # Stationary: p = pT, and the shares add up to one.
    system = np.vstack([(chances.T - np.eye(len(here)))[:-1], np.ones(len(here))])
    share = np.linalg.solve(system, np.append(np.zeros(len(here) - 1), 1.0))
    kept = drifts.points[(chosen == 0) & (drifts.points >= 0)]
    return Limit(
        cost=cost,
        threshold=float(kept.max()),
        rate=float(share @ calls),
        rms=float(np.sqrt(share @ drifts.points[after] ** 2)),
    )
