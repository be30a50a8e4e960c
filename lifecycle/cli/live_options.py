"""The options of `lifecycle run` that are about a live venue."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lifecycle.cli.errors import BadInput
from lifecycle.cli.venue_options import account_options, market_options
from lifecycle.run.config import RunConfig

if TYPE_CHECKING:
    from lifecycle.cli.live_run import Asked

_F = TypeVar("_F", bound=Callable[..., Any])

PAPER: Final = "paper"
LIVE_OPTIONS: Final = (
    "venue",
    "network",
    "coin",
    "account",
    "vault",
    "keystore",
    "nonces",
    "dead_man_s",
    "is_live",
    "yes",
)
"""By parameter."""
_SPELT: Final = {"is_live": "live", "dead_man_s": "dead-man"}
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


def live_options(function: _F) -> _F:
    """Give a command the options of a live venue."""
    for option in (
        click.option("--yes", is_flag=True, help="With --live: do not ask before sending."),
        click.option(
            "--live",
            "is_live",
            is_flag=True,
            help="Send orders. Without it a live venue is only watched: a dry run.",
        ),
        click.option(
            "--dead-man",
            "dead_man_s",
            type=click.FloatRange(min=10.0),
            metavar="SECONDS",
            help="The venue cancels everything if it has not heard of us for so long.",
        ),
        click.option(
            "--nonces", type=_FILE, metavar="FILE", help="Where the signer's nonces are kept."
        ),
        account_options,
        market_options,
        click.option(
            "--venue",
            type=click.Choice([PAPER, "hyperliquid"]),
            default=PAPER,
            show_default=True,
            help="Where to trade.",
        ),
    ):
        function = option(function)
    return function


def is_live_venue(live: Mapping[str, Any], overrides: Mapping[str, Any], *, is_paced: bool) -> bool:
    """Say whether the run is at a live venue; raises BadInput for options of the other kind."""
    if live["venue"] == PAPER:
        for name in LIVE_OPTIONS[1:]:
            if live[name] not in {None, False}:
                spelt = _SPELT.get(name, name)
                raise BadInput(f"--{spelt} must come with a live venue, add --venue hyperliquid")
        return False
    for name in ("market", "seed"):
        if overrides.get(name) is not None:
            raise BadInput(f"--{name} must be of a paper run, a live venue has its own: leave it")
    if is_paced:
        raise BadInput("--speed must be of a paper run, a live venue has its own: leave it")
    return True


def asked_of(
    live: Mapping[str, Any],
    config: RunConfig,
    policy: str,
    overrides: Mapping[str, Any],
    files: tuple[Path | None, Path | None],
) -> "Asked":
    """Return what a live run is asked for; `files` are the journal and the kill switch's."""
    from lifecycle.cli.needs import needs_hyperliquid

    with needs_hyperliquid("--venue hyperliquid"):
        from lifecycle.cli.live_run import Asked

    return Asked(
        config=config,
        policy=policy,
        network=live["network"],
        coin=live["coin"],
        account=live["account"],
        vault=live["vault"],
        keystore=live["keystore"],
        nonces=live["nonces"],
        is_live=live["is_live"],
        yes=live["yes"],
        minutes=overrides.get("minutes"),
        dead_man_s=live["dead_man_s"] or 0.0,
        journal=files[0],
        kill_file=files[1],
    )
