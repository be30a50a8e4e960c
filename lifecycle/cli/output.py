"""What a run leaves behind: JSON for machines, lines on stderr while nobody watches a screen."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from lifecycle.run.frame import Summary
from lifecycle.views.goals import GOALS

STDOUT: Final = "-"


def document(summaries: Sequence[Summary]) -> str:
    """Write the summaries and how the last of them stands to the goals.

    The same run gives the same bytes: keys are sorted, and no number depends on a clock.
    """
    last = summaries[-1]
    content: dict[str, Any] = {
        "summaries": {summary.policy: msgspec.to_builtins(summary) for summary in summaries},
        "goals": {
            "policy": last.policy,
            "held": {goal.key: goal.holds(last) for goal in GOALS},
        },
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)


def write(text: str, target: str) -> None:
    """Write `text` to the file `target`, or to stdout for `-`; raises OSError."""
    if target == STDOUT:
        click.echo(text)
    else:
        Path(target).write_text(text + "\n", encoding="utf-8")


def progress(line: str) -> None:
    """Say a line on stderr."""
    click.echo(line, err=True)


def started(policy: str, market: str, seconds: float) -> str:
    """Return the line with which a policy's run begins."""
    return f"{policy}: {market}, {seconds / 60:.1f} min"


def ended(summary: Summary) -> str:
    """Return the line with which a policy's run ends."""
    return (
        f"{summary.policy}: {summary.seconds / 60:.1f} min run, {summary.placed} placed, "
        f"{summary.modified} modified, {summary.cancelled} cancelled, {summary.fills} fills"
    )
