"""Plays what is left of a plan, wherever `spread` takes it, and keeps it as it comes.

A block whose worker died, or that did not come to its runs, is played again run by run, so that
only the run that did it fails.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import TypeAlias

from lifecycle.run.workers import Done
from lifecycle.sweep.kept import Kept
from lifecycle.sweep.plan import Block, Plan
from lifecycle.sweep.play import Ended, ended_by, play_block

Play: TypeAlias = Callable[[Block], list[Ended]]
Spread: TypeAlias = Callable[
    [Play, Iterable[Block]], Generator[Done[Block, list[Ended]], None, None]
]
"""Does blocks somewhere, and yields what came of each: `each` of the workers, or of a cluster."""


def sweep(
    plan: Plan,
    kept: Kept,
    spread: Spread,
    *,
    tell: Callable[[Sequence[Ended]], None] = lambda _: None,
    play: Play = play_block,
) -> None:
    """Play every run of the plan that is not over, and keep it; `tell` hears of each.

    Raises OSError where what is over cannot be kept; what was kept by then stays.
    """
    again: list[Block] = []
    left: Iterable[Block] = plan.blocks(kept.is_over)
    while True:
        with closing(spread(play, left)) as played:
            for done in played:
                if done.error is not None and len(done.task.jobs) > 1:
                    again += done.task.singles()
                    continue
                ended = done.result or []
                if done.error is not None:
                    ended = [ended_by(key, done.error) for key, _ in done.task.jobs]
                if ended:
                    kept.add(ended)
                    tell(ended)
        if not again:
            return
        left, again = again, []
