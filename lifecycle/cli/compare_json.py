"""A comparison as JSON: the medians, each seed's numbers, and what failed.

The same comparison gives the same bytes: keys are sorted, and no number depends on a clock.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifecycle.run.compare import Outcome
    from lifecycle.run.compared import Board, Contribution, Standing

INFINITE = "infinite"
"""Stands for a ratio over nothing, which JSON has no number for."""


def document(outcomes: "Sequence[Outcome]", boards: "Sequence[Board]") -> str:
    """Write the comparison."""
    content = {
        "markets": [
            {
                "market": board.market,
                "minutes": board.minutes,
                "policies": [_standing(standing) for standing in board.standings],
                "contributions": [_contribution(one) for one in board.contributions],
            }
            for board in boards
        ],
        "failed": [
            {
                "policy": one.job.entrant.name,
                "market": one.job.market or "generated",
                "seed": one.job.seed,
                "error": one.error,
            }
            for one in outcomes
            if one.error
        ],
        "violations": sum(s.violations for board in boards for s in board.standings),
        "runs": {"planned": len(outcomes), "over": sum(o.summary is not None for o in outcomes)},
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _standing(standing: "Standing") -> dict[str, Any]:
    from lifecycle.run.compared import MEASURES

    found: dict[str, Any] = {
        key: {name: _number(value) for name, value in spread._asdict().items()}
        for key, spread in standing.measures.items()
    }
    return found | {
        "name": standing.entrant,
        "latch_bps": standing.latch_bps,
        "violations": standing.violations,
        "broken": list(standing.broken),
        "seeds": [
            {"seed": seed} | {m.key: _number(m.of(summary)) for m in MEASURES}
            for seed, summary in standing.runs
        ],
        "minutes": [minute._asdict() for minute in standing.minutes],
    }


def _contribution(one: "Contribution") -> dict[str, Any]:
    return {
        "layer": one.layer,
        "alone": _numbers(one.alone),
        "in_order": _numbers(one.in_order),
        "last": _numbers(one.last),
    }


def _numbers(values: Mapping[str, float | None]) -> dict[str, float | str | None]:
    return {key: _number(value) for key, value in values.items()}


def _number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return INFINITE if value > 0 else f"-{INFINITE}"
