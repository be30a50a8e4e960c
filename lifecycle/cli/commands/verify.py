"""`lifecycle verify`: every state that the order manager can reach, explored and judged.

Counterexamples are printed as stories and written as scenario files. Ctrl-C ends it with what was
explored so far, and proves nothing.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lifecycle.cli import output
from lifecycle.cli.configuration import read_config
from lifecycle.cli.errors import CHECK_FAILED, HELD, INTERRUPTED, BadInput, explained, located
from lifecycle.run.config import RunConfig

if TYPE_CHECKING:
    from rich.status import Status

    from lifecycle.check.budgets import Exploration
    from lifecycle.check.explore import Progress
    from lifecycle.check.story import Story, Written
    from lifecycle.check.verdict import Result, Verified

BUDGETS: Final = ("small", "standard", "deep")
VENUES: Final = ("cancel-replace", "amend")
LINE_EVERY_S: Final = 3.0
"""The least time between two lines of progress."""
COUNTEREXAMPLES: Final = Path("counterexamples")

EPILOG: Final = """\b
Examples:
  lifecycle verify                                 some seconds
  lifecycle verify --config bot.toml --budget standard
  lifecycle verify --budget standard --jobs 1      leave the other cores alone
  lifecycle verify --venue amend --json - | jq .promises
  lifecycle conform counterexamples/               what was found, played again

\b
Budgets:
  small      some seconds, for every commit
  standard   minutes, about a million states; every race must be seen
  deep       a night, and much memory

\b
Exit codes:
  0  every promise held in every state
  1  a promise is broken, a race was not seen, or the space was too large
  2  usage, or a configuration that cannot be used
"""


@click.command("verify", epilog=EPILOG)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A TOML file as `lifecycle run` takes it; its bands, limits and times are verified.",
)
@click.option(
    "--budget",
    type=click.Choice(BUDGETS),
    default="small",
    show_default=True,
    help="How much trouble may happen on one path.",
)
@click.option(
    "--venue",
    type=click.Choice([*VENUES, "both"]),
    default="both",
    show_default=True,
    help="How the venue modifies.",
)
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the verdict to a file; - for stdout and nothing else there.",
)
@click.option(
    "--scenario",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=COUNTEREXAMPLES,
    show_default=True,
    help="Where a counterexample is written, if there is any.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 1024), help="Processes that explore; default one a core."
)
def command(
    config_file: Path | None, budget: str, venue: str, json_target: str | None, folder: Path,
    jobs: int | None,
) -> int:  # fmt: skip
    """Explore every state that the order manager can reach, and judge each by every promise.

    The shipped order manager, with your configuration, against a venue that loses, repeats,
    delays, refuses and fills at the worst moment, as often as the budget allows. The first path
    to a broken promise is a shortest one; it is told, and written as a scenario file.
    """
    output.check_target("--json", json_target)
    with explained():
        config = RunConfig() if config_file is None else read_config(config_file)
    venues = VENUES if venue == "both" else (venue,)

    with located(config_file):
        verified, interrupted = _verify(config, budget, venues, jobs or os.cpu_count() or 1)
    told = _told(verified, folder, budget) if verified.findings else []
    if json_target is not None:
        output.write(document(verified, told), json_target)
    if json_target != output.STDOUT:
        _print(verified, told)
    if verified.findings:
        return CHECK_FAILED
    if interrupted:
        return INTERRUPTED
    return HELD if verified.holds else CHECK_FAILED


def _verify(
    config: RunConfig, budget: str, venues: Sequence[str], jobs: int
) -> "tuple[Verified, bool]":
    """Explore everything that the budget asks for; also says whether the user ended it."""
    from lifecycle.check.budgets import explorations, possible_races
    from lifecycle.check.verdict import Verified

    try:
        planned = explorations(config, budget, venues)
    except ValueError as error:
        raise BadInput(f"{error}, correct the configuration") from error
    results: list[Result] = []
    interrupted = False
    with _watched(len(planned)) as watch:
        for exploration in planned:
            watch.begin(exploration)
            result, interrupted = _explore(exploration, watch, jobs)
            results.append(result)
            if interrupted:
                break
    possible = tuple(possible_races(config, venues))
    return Verified(budget, len(planned), tuple(results), possible), interrupted


def _explore(exploration: "Exploration", watch: "_Watch", jobs: int) -> "tuple[Result, bool]":
    """Explore one space; also says whether the user ended it."""
    from lifecycle.check.explore import FuseError, explore
    from lifecycle.check.verdict import Result
    from lifecycle.check.workers import WorkerDiedError

    try:
        explored = explore(
            exploration.setting,
            fuse=exploration.fuse,
            heal_every=exploration.heal_every,
            reading=True,
            depth=exploration.depth,
            jobs=jobs,
            tell=watch.tell,
        )
    except (FuseError, WorkerDiedError) as error:
        return Result(exploration, fuse=str(error)), False
    except KeyboardInterrupt:
        return Result(exploration, stopped=watch.progress), True
    return Result(exploration, explored=explored), False


class _Watch:
    """Says how far the explorations have come: a live line, or lines some seconds apart."""

    def __init__(self, planned: int, live: "Status | None") -> None:
        self.planned = planned
        self.live = live
        self.number = 0
        self.name = ""
        self.progress: Progress | None = None
        self.said = float("-inf")

    def begin(self, exploration: "Exploration") -> None:
        """Go on to the next exploration."""
        from lifecycle.check.explore import Progress

        self.number += 1
        self.name = exploration.name
        self.progress = Progress(1, 0, 0, 1, 0.0)
        self.say(f"{self.number}/{self.planned} {self.name}")

    def tell(self, progress: "Progress") -> None:
        """Take in how far the exploration has come."""
        self.progress = progress
        rate = progress.states / progress.seconds if progress.seconds else 0.0
        self.say(
            f"{self.number}/{self.planned} {self.name}: {progress.states:,} states, "
            f"{progress.transitions:,} transitions, depth {progress.depth}, "
            f"frontier {progress.frontier:,}, {rate:,.0f} states/s"
        )

    def say(self, line: str) -> None:
        """Show a line, where that is not too soon after the last."""
        if self.live is not None:
            self.live.update(line)
        elif time.monotonic() - self.said >= LINE_EVERY_S:
            self.said = time.monotonic()
            output.progress(line)


@contextmanager
def _watched(planned: int) -> "Iterator[_Watch]":
    """Return where progress is shown: on stderr, live if that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Watch(planned, None)
        return
    with console.status("") as live:
        yield _Watch(planned, live)


def _told(
    verified: "Verified", folder: Path, budget: str
) -> "list[tuple[Exploration, Story, Written]]":
    """Tell every finding, and write its scenario; raises OSError."""
    from lifecycle.check.story import tell, write

    found = []
    for exploration, finding in verified.findings.values():
        story = tell(exploration.setting, finding)
        source = f"lifecycle verify --budget {budget}; {exploration.name}"
        found.append((exploration, story, write(story, folder, source)))
    return found


def _print(verified: "Verified", told: "list[tuple[Exploration, Story, Written]]") -> None:
    from rich.console import Console

    from lifecycle.views.theme import THEME
    from lifecycle.views.verify import verification

    console: Console = Console(highlight=False, theme=THEME)
    console.print(verification(verified, console.width))
    for exploration, story, written in told:
        click.echo(f"\n{story.finding.broken.invariant}, {exploration.name}")
        for line in story.text():
            click.echo(line)
        how = "plays it again" if written.replays else "tells it, but cannot play it"
        click.echo(f"{written.path} {how}: lifecycle conform {written.path}")


def document(
    verified: "Verified", told: "Sequence[tuple[Exploration, Story, Written]]" = ()
) -> str:
    """Write the verdict as JSON."""
    from lifecycle.check.races import RACES
    from lifecycle.check.verdict import PROMISES

    findings, witnessed = verified.findings, verified.witnessed
    paths = {story.finding.broken.invariant: written for _, story, written in told}
    stories = {story.finding.broken.invariant: story.text() for _, story, _ in told}
    promises: dict[str, dict[str, Any]] = {}
    for invariant, sentence in PROMISES.items():
        promise: dict[str, Any] = {"promise": sentence, "broken": invariant in findings}
        if invariant in paths:
            promise["steps"] = len(findings[invariant][1].path)
            promise["story"] = stories[invariant]
            promise["scenario"] = str(paths[invariant].path)
            promise["scenario_replays"] = paths[invariant].replays
        promises[invariant] = promise
    content = {
        "budget": verified.budget,
        "holds": verified.holds,
        "whole": verified.is_whole,
        "verdict": verified.sentence(),
        "states": verified.states,
        "transitions": verified.transitions,
        "explorations": [_exploration(result) for result in verified.results],
        "promises": promises,
        "races": {
            race: {
                "race": sentence,
                "possible": race in verified.possible,
                "steps": witnessed.get(race),
            }
            for race, sentence in RACES.items()
        },
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)


def _exploration(result: "Result") -> dict[str, Any]:
    exploration, size = result.exploration, result.explored or result.stopped
    found: dict[str, Any] = {
        "wanted": exploration.shape,
        "venue": exploration.venue,
        "name": exploration.name,
        # Ended, and not at a bound on its steps: nothing was left to explore.
        "whole": result.explored is not None and result.explored.exhausted,
        "convergence_every": exploration.heal_every,
    }
    if size is not None:
        found |= {
            "states": size.states, "transitions": size.transitions, "depth": size.depth,
            "seconds": round(size.seconds, 3),
        }  # fmt: skip
    if result.fuse is not None:
        found["fuse"] = result.fuse
    return found
