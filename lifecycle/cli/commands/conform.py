"""`lifecycle conform`: lifecycle stories, played against the real order manager.

All files are read before the first is played, so that a file that cannot be used is said alone.
"""

import importlib.resources
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput
from lifecycle.cli.output import STDOUT

if TYPE_CHECKING:
    from lifecycle.conform.play import Played

EPILOG: Final = """\b
Examples:
  lifecycle conform                            the corpus that comes with the package
  lifecycle conform my_stories/ extra.toml     folders and files of your own
  lifecycle conform --json | jq '.scenarios[] | select(.held | not)'

\b
Exit codes:
  0  all scenarios hold
  1  a scenario fails
  2  usage, or a file that is no scenario
"""


@click.command("conform", epilog=EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Write the results as JSON, for a script.")
def command(paths: tuple[str, ...], as_json: bool) -> int:
    """Play scenario files against the order manager.

    A scenario tells what a bot wants, what the venue says and when, and what must be true after
    each step; every invariant is checked at each step as well. A PATH is a file or a folder of
    them; without one the corpus that comes with the package is played.
    """
    if as_json:
        # `--json -`, as `lifecycle run` has it, says the same.
        paths = tuple(path for path in paths if path != STDOUT)
    results = _play([Path(path) for path in paths] or [corpus()])
    failed = sum(1 for result in results if result.failures)
    if as_json:
        click.echo(document(results))
    else:
        for result in results:
            click.echo("\n".join(lines(result)))
        click.echo(f"{len(results) - failed} passed, {failed} failed")
    return CHECK_FAILED if failed else HELD


def corpus() -> Path:
    """Return the folder of the scenarios that come with the package."""
    return Path(str(importlib.resources.files("spec").joinpath("scenarios")))


def _play(paths: Sequence[Path]) -> "list[Played]":
    """Read everything, then play it; raises BadInput naming the file and the step."""
    from lifecycle.conform.play import play
    from lifecycle.conform.reading import ScenarioError, read_scenario, scenario_paths

    try:
        scenarios = [read_scenario(path) for path in scenario_paths(paths)]
        return [play(scenario) for scenario in scenarios]
    except ScenarioError as error:
        raise BadInput(f"{error}; correct the file") from error


def lines(result: "Played") -> list[str]:
    """Return a scenario's line, and below it what failed."""
    scenario = result.scenario
    word = "FAIL" if result.failures else "ok"
    return [
        f"{word:<4} {scenario.id} {scenario.title}",
        *(f"     {failure}" for failure in result.failures),
    ]


def document(results: "Sequence[Played]") -> str:
    """Write the results as JSON; the same results give the same bytes."""
    failed = sum(1 for result in results if result.failures)
    content = {
        "scenarios": [
            {
                "file": result.scenario.path,
                "id": result.scenario.id,
                "title": result.scenario.title,
                "source": result.scenario.source,
                "steps": len(result.scenario.steps),
                "held": not result.failures,
                "failures": list(result.failures),
            }
            for result in results
        ],
        "passed": len(results) - failed,
        "failed": failed,
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
