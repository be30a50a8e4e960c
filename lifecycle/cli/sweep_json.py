"""The best settings of a sweep as JSON. The same table gives the same bytes: keys are sorted."""

import json
import math
from typing import Any, Final

from lifecycle.sweep.best import Ranking, Standing

INFINITE: Final = "infinite"
"""Stands for a ratio over nothing, which JSON has no number for."""


def document(ranking: Ranking, most: int) -> str:
    """Write at most so many of the settings that hold, and how many there were."""
    asked = ranking.asked
    content = {
        "maximise" if asked.is_most else "minimise": asked.goal,
        "subject_to": [
            {"bound": str(bound), "settings": ranking.meeting(bound)} for bound in asked.bounds
        ],
        "settings": {
            "all": len(ranking.standings),
            "held": len(ranking.best),
            "failed_or_broken": ranking.unsound,
            "without_a_cycle": ranking.idle,
        },
        "best": [_standing(one, asked.goal) for one in ranking.best[:most]],
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _standing(one: Standing, goal: str) -> dict[str, Any]:
    return {
        "setting": one.setting,
        "runs": one.runs,
        goal: _number(one.mean(goal)),
        "markets": {
            market: {
                name: {key: _number(value) for key, value in spread._asdict().items()}
                for name, spread in numbers.items()
            }
            for market, numbers in one.markets.items()
        },
    }


def _number(value: float | None) -> float | str | None:
    return INFINITE if value == math.inf else value
