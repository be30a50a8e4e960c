"""Symbolic integers on which the shipped functions run, so that proofs are about them.

A `Number` wraps a z3 integer and has the operators that the core uses. Where a function branches
on one, both ways are taken: `paths` runs it again for every feasible sequence of answers, and
returns each result with the condition under which it is reached.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

import pytest

# Untyped, and not needed to use the project: without it the proofs are skipped.
z3: Any = pytest.importorskip("z3")

T = TypeVar("T")
Formula: TypeAlias = Any
"""A z3 truth value, integer or model."""
Term: TypeAlias = "Number | int"

_runs: "list[_Run]" = []
"""The run that branches ask, the innermost last."""


@dataclass
class _Run:
    """One execution along one sequence of answers."""

    given: Sequence[Formula]
    planned: list[bool]
    taken: list[bool] = field(default_factory=list)
    conditions: list[Formula] = field(default_factory=list)
    open: list[list[bool]] = field(default_factory=list)
    """Other ways that are feasible, to be run later."""

    def choose(self, asked: Formula) -> bool:
        """Answer a branch: as planned, or the first feasible way."""
        index = len(self.taken)
        if index < len(self.planned):
            answer = self.planned[index]
        else:
            answer = self.feasible(asked)
            if answer and self.feasible(z3.Not(asked)):
                self.open.append([*self.taken, False])
        self.taken.append(answer)
        self.conditions.append(asked if answer else z3.Not(asked))
        return answer

    def feasible(self, asked: Formula) -> bool:
        """Say whether this may be true on this way; what z3 cannot say may be."""
        solver = z3.Solver()
        solver.add(*self.given, *self.conditions, asked)
        return bool(solver.check() != z3.unsat)


class Truth:
    """A symbolic comparison; asking for its truth branches."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula

    def __bool__(self) -> bool:
        return _runs[-1].choose(self.formula)


class Number:
    """A symbolic integer with Python's meaning of the operators."""

    __hash__ = None  # type: ignore[assignment]  # Equality is symbolic.

    def __init__(self, term: Formula) -> None:
        self.term = term

    def __add__(self, other: Term) -> "Number":
        return Number(self.term + term(other))

    def __radd__(self, other: int) -> "Number":
        return Number(other + self.term)

    def __sub__(self, other: Term) -> "Number":
        return Number(self.term - term(other))

    def __rsub__(self, other: int) -> "Number":
        return Number(other - self.term)

    def __mul__(self, other: Term) -> "Number":
        return Number(self.term * term(other))

    def __rmul__(self, other: int) -> "Number":
        return Number(other * self.term)

    def __neg__(self) -> "Number":
        return Number(-self.term)

    def __floordiv__(self, other: Term) -> "Number":
        return Number(self.term / _positive(other))

    def __rfloordiv__(self, other: int) -> "Number":
        return Number(z3.IntVal(other) / _positive(self))

    def __mod__(self, other: Term) -> "Number":
        return Number(self.term % _positive(other))

    def __lt__(self, other: Term) -> Truth:
        return Truth(self.term < term(other))

    def __le__(self, other: Term) -> Truth:
        return Truth(self.term <= term(other))

    def __gt__(self, other: Term) -> Truth:
        return Truth(self.term > term(other))

    def __ge__(self, other: Term) -> Truth:
        return Truth(self.term >= term(other))

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        return Truth(self.term == term(cast("Term", other)))

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return Truth(self.term != term(cast("Term", other)))


def term(value: Term) -> Formula:
    """Return the z3 term of a symbolic or a plain integer."""
    return value.term if isinstance(value, Number) else z3.IntVal(value)


def _positive(divisor: Term) -> Formula:
    """Return a divisor for which z3's division is Python's: only a positive one."""
    if isinstance(divisor, int):
        assert divisor > 0, f"a divisor must be positive, was {divisor}"
    else:
        assert not _runs[-1].feasible(divisor.term <= 0), "a divisor must be positive"
    return term(divisor)


def integer(name: str) -> int:
    """Return a symbolic integer, typed as what the shipped functions take."""
    return cast("int", Number(z3.Int(name)))


def of(value: int) -> Formula:
    """Return the z3 term of what a shipped function returned."""
    return term(cast("Term", value))


@dataclass(frozen=True)
class Path(Generic[T]):
    """One way through a function: its result, and when it is reached."""

    condition: Formula
    result: T


def paths(given: Sequence[Formula], run: Callable[[], T]) -> list[Path[T]]:
    """Run a function along every way that is feasible under what is given."""
    found: list[Path[T]] = []
    waiting: list[list[bool]] = [[]]
    while waiting:
        this = _Run(given, waiting.pop())
        _runs.append(this)
        try:
            result = run()
        finally:
            _runs.pop()
        found.append(Path(z3.And(*this.conditions), result))
        waiting.extend(this.open)
    return found


def value(given: Sequence[Formula], run: Callable[[], int]) -> Formula:
    """Return a function's result over all its ways as one term."""
    first, *others = paths(given, run)
    result = of(first.result)
    for path in others:
        result = z3.If(path.condition, of(path.result), result)
    return result


def counterexample(given: Sequence[Formula], claim: Formula) -> Formula | None:
    """Return values under which the claim is false, None where it is proved.

    Raises AssertionError where z3 does not know: that is no proof.
    """
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(*given, z3.Not(claim))
    answer = solver.check()
    assert answer != z3.unknown, f"z3 must know, was {solver.reason_unknown()}"
    return solver.model() if answer == z3.sat else None
