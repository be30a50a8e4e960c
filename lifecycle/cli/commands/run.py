"""`lifecycle run`: a policy, or both, on one market, watched live and compared at the end.

Every run is held to the invariants; where one is broken the command fails.
"""

import math
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import structs

from lifecycle.cli import options, output
from lifecycle.cli.attached import Attached, attachments
from lifecycle.cli.configuration import check, read_config
from lifecycle.cli.errors import (
    CHECK_FAILED,
    HELD,
    BadInput,
    RunFailed,
    explained,
    located,
    os_line,
)
from lifecycle.cli.gone import unless_gone
from lifecycle.cli.live_options import LIVE_OPTIONS, asked_of, is_live_venue, live_options
from lifecycle.cli.stop import Stop
from lifecycle.journal.base import JournalError
from lifecycle.run.config import RunConfig
from lifecycle.run.frame import Summary
from lifecycle.run.policies import BOTH, POLICIES

if TYPE_CHECKING:
    from rich.console import Console

    from lifecycle.cli.live_run import Asked
    from lifecycle.journal.address import Address
    from lifecycle.run.session import LoadedMarket, Session

WATCHED_SPEED: Final = 60.0
"""Five simulated minutes in five seconds."""

PROVEN: Final = "it is proven that nothing rests"
UNPROVEN: Final = (
    "it is not proven that nothing rests: look with lifecycle doctor, and run again with the same "
    "journal to withdraw it"
)

EPILOG: Final = """\b
Examples:
  lifecycle run
  lifecycle run --minutes 2 --cycle 3 --seed 7
  lifecycle run --market eth.csv.gz --policy stable --levels 3
  lifecycle run --config bot.toml --headless --json result.json
  lifecycle run --policy stable --journal run.journal --log run.jsonl
  lifecycle run --policy stable --journal run.journal --forward postgresql://fleet@db/bots
  lifecycle run --venue hyperliquid --network testnet --coin ETH --minutes 10
  lifecycle run --venue hyperliquid --network testnet --coin ETH --live \\
    --config bot.toml --keystore agent.json --account 0x... --journal eth.journal

\b
How to trade live, and how to stop, is in docs/live.md.

\b
A configuration file has the tables [smoothing], [grid], [bands], [modify],
[quota], [churn], [risk], [timing], [orders], [market], [venue] and [quoter]:
  [timing]
  cycle_s = 3
  [quoter]
  levels = 3
"""


@click.command("run", epilog=EPILOG)
@click.option(
    "--policy",
    type=click.Choice([*POLICIES, "both"]),
    metavar="NAME",
    default="both",
    show_default=True,
    help="How orders are managed: legacy, stable, both on the same market one after the other, "
    "or some layers only: phase-1 to phase-6, only-LAYER, without-LAYER.",
)
@click.option(
    "--market",
    type=click.Path(exists=True, dir_okay=False, readable=True),
    help="A recorded market; without it one is generated.",
)
@click.option(
    "--minutes",
    type=options.positive,
    metavar="NUMBER",
    help="How long; default 5, or the recording.",
)
@click.option(
    "--cycle", type=options.positive, metavar="SECONDS", help="Time between two decision rounds."
)
@click.option("--seed", type=click.IntRange(min=0), help="Of the generated market and latencies.")
@click.option("--levels", type=click.IntRange(1, 100), help="Quotes a side.")
@click.option(
    "--speed",
    type=options.speed,
    metavar="NUMBER|max",
    help=f"Simulated seconds a second; default {WATCHED_SPEED:.0f} watched, max headless.",
)
@click.option("--headless", is_flag=True, help="No screen; also whenever there is no terminal.")
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the numbers to a file; - for stdout and nothing else there.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A TOML file; options go over what it says.",
)
@attachments
@live_options
def command(
    policy: str,
    config_file: Path | None,
    speed: float | None,
    headless: bool,
    json_target: str | None,
    journal_file: Path | None,
    log_file: Path | None,
    metrics_port: int | None,
    kill_file: Path | None,
    forward: "Address | None",
    **overrides: Any,
) -> int:
    """Run a market-making bot and count what it costs.

    By default on a paper venue: a generated market, five simulated minutes, first with the legacy
    policy that cancels and places everything again, then with the stable one; at the end the two
    side by side. While it runs, q ends it. Fails where a run breaks an invariant.

    With --venue hyperliquid on a live market, until it is stopped: as a dry run that sends
    nothing, unless --live is given. q or Ctrl-C withdraws everything, and waits until it is proven
    that nothing rests; fails where that cannot be had.
    """
    live = {name: overrides.pop(name) for name in LIVE_OPTIONS}
    targets = {"--json": json_target, "--log": log_file, "--kill-file": kill_file}
    for option, target in targets.items():
        output.check_target(option, target)
    with explained():
        config = _configured(config_file, overrides)
    watched = not headless and json_target != output.STDOUT and _has_screen()
    paced = speed is not None
    if speed is None:
        speed = WATCHED_SPEED if watched else math.inf
    policies = BOTH if policy == "both" else (policy,)
    attached = Attached(
        journal_file=journal_file,
        log_file=log_file,
        metrics_port=metrics_port,
        kill_file=kill_file,
        forward=forward,
    )
    if is_live_venue(live, overrides, is_paced=paced):
        asked = asked_of(live, config, policy, overrides, (journal_file, kill_file))
        with located(config_file):
            return _run_live(asked, attached, watched=watched, json_target=json_target)
    if attached and len(policies) > 1:
        raise BadInput(
            "--journal, --log, --metrics and --kill-file must be of one run, add --policy stable"
        )

    from rich.console import Console

    from lifecycle.views.theme import THEME

    console = Console(highlight=False, theme=THEME)
    stop = Stop()
    try:
        with located(config_file), attached:
            summaries = _run(config, policies, console if watched else None, speed, stop, attached)
    except JournalError as error:
        raise RunFailed(str(error)) from error

    if json_target is not None:
        output.write(output.document(summaries), json_target)
    if json_target != output.STDOUT:
        _print_result(console, summaries)
    _say_why_empty(config, summaries)
    # On a screen Ctrl-C is just the other way to say q.
    ended = HELD if watched and stop.signal == signal.SIGINT else stop.code
    return CHECK_FAILED if _say_what_broke(summaries) else ended


def _configured(file: Path | None, overrides: dict[str, Any]) -> RunConfig:
    """Return the file's configuration, or the default, with the options over it."""
    config = RunConfig() if file is None else read_config(file)
    given = {name: value for name, value in overrides.items() if value is not None}
    fields = {"market": "file", "minutes": "minutes", "seed": "seed"}
    market = {field: given[name] for name, field in fields.items() if name in given}
    if market:
        config = structs.replace(config, market=structs.replace(config.market, **market))
    if "cycle" in given:
        timing = structs.replace(config.timing, cycle_s=given["cycle"])
        config = structs.replace(config, timing=timing)
    if "levels" in given:
        quoter = structs.replace(config.quoter, levels=given["levels"])
        config = structs.replace(config, quoter=quoter)
    check(config)
    return config


def _has_screen() -> bool:
    # Not the console's `is_terminal`: FORCE_COLOR wants colour in a pipe, not a screen.
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"}


def _run(
    config: RunConfig,
    policies: Sequence[str],
    console: "Console | None",
    speed: float,
    stop: Stop,
    attached: Attached,
) -> list[Summary]:
    """Run the policies one after the other, until the user ends one.

    `console` is the screen to watch on, None for none.
    """
    from lifecycle.cli.screen import Display, Lines, Screen
    from lifecycle.run.session import load_market

    pace = None if speed == math.inf else speed
    with explained():
        if config.market.file is not None:
            output.progress(f"reading {config.market.file}")
        market = load_market(config.market, config.venue)
        first = _session(config, policies[0], market, attached)
    summaries: list[Summary] = []
    with ExitStack() as stack:
        stack.enter_context(stop)
        display: Display = Lines(pace, stop)
        if console is not None:
            display = stack.enter_context(Screen(console, pace, stop))
        for index, policy in enumerate(policies):
            session = _session(config, policy, market, attached) if index else first
            to_end = display.watch(session)
            summaries.append(session.summary())
            if session.is_withdrawn():
                output.progress("the kill switch was thrown; it is proven that nothing rests")
            if not to_end:
                break
    return summaries


def _run_live(asked: "Asked", attached: Attached, *, watched: bool, json_target: str | None) -> int:
    """Run at a live venue, and say how it ended."""
    from rich.console import Console

    from lifecycle.cli.live_run import run_live
    from lifecycle.views.theme import THEME

    console = Console(highlight=False, theme=THEME)
    with attached:
        summary, proven = run_live(asked, attached, console if watched else None)
    with unless_gone():
        if json_target == output.STDOUT:
            output.write(output.document([summary]), json_target)
        else:
            _print_result(console, [summary])
        _say_why_empty(asked.config, [summary])
        _say_what_broke([summary])
        output.progress(PROVEN if proven else UNPROVEN)
    if json_target not in {None, output.STDOUT}:
        try:
            output.write(output.document([summary]), json_target)
        except OSError as error:
            raise RunFailed(
                f"--json {json_target} could not be written: {os_line(error)}"
            ) from error
    return HELD if proven and not summary.violations else CHECK_FAILED


def _session(
    config: RunConfig, policy: str, market: "LoadedMarket", attached: Attached
) -> "Session":
    """Return a session; raises BadInput where the configuration does not fit the market."""
    from lifecycle.core.manager import CANCEL_REPLACE
    from lifecycle.run.session import Session

    try:
        if not attached:
            return Session(config, policy, market)
        managed = POLICIES[policy](config)
        prefix = attached.open(managed, market.instrument, CANCEL_REPLACE, policy)
        return Session(
            config,
            policy,
            market,
            prefix=prefix,
            sinks=attached.sinks,
            observer=attached.observer,
            switch=attached.switch,
        )
    except ValueError as error:
        raise BadInput(f"{error}, correct the configuration") from error


def _print_result(console: "Console", summaries: Sequence[Summary]) -> None:
    from lifecycle.views import before_after, single

    if len(summaries) > 1:
        console.print(before_after(summaries[0], summaries[-1], console.width))
    else:
        console.print(single(summaries[0], console.width))


def _say_why_empty(config: RunConfig, summaries: Sequence[Summary]) -> None:
    """Say why a run that has quoted nothing has no numbers, where it was too short for any."""
    warmup_s = config.quoter.warmup_s
    if any(each.cycles or each.seconds > warmup_s + config.timing.cycle_s for each in summaries):
        return
    output.progress(
        f"nothing was quoted: quotes begin when the market was seen for {warmup_s:g} s "
        f"(quoter.warmup_s), the run was {summaries[-1].seconds:.0f} s; let it be longer"
    )


def _say_what_broke(summaries: Sequence[Summary]) -> bool:
    """Say on stderr which invariants were broken; returns whether any was."""
    for summary in summaries:
        if summary.violations:
            first = f", the first {len(summary.broken)}" if len(summary.broken) > 1 else ""
            output.progress(f"{summary.policy}: invariants broken {summary.violations}×{first}:")
            for line in summary.broken:
                output.progress(f"  {line}")
    return any(summary.violations for summary in summaries)
