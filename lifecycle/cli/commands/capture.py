"""`lifecycle capture`: record a live market into market files."""

import asyncio
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from exchange.capture import FLUSH_S, Capture, CaptureError, Rotation, gaps_path, parse_rotation
from exchange.market import Row
from exchange.reports import Disconnected
from exchange.units import MINUTE, seconds
from exchange.venue import Received
from lifecycle.cli import options, output, venue_options
from lifecycle.cli.errors import HELD, BadInput
from lifecycle.cli.needs import needs_hyperliquid
from lifecycle.cli.stop import Stop

if TYPE_CHECKING:
    from exchange.hyperliquid.connection import Network
    from exchange.hyperliquid.venue import HyperliquidVenue

WRITE_S: Final = 0.25
"""How often what has come is handed to the files."""

EPILOG: Final = """\b
Examples:
  lifecycle capture --network mainnet --coin ETH --out markets/hl_eth.csv.gz
  lifecycle capture --network mainnet --coin BTC --out hl_btc.csv.gz --rotate 1h,100MB
  lifecycle run --market markets/hl_eth.csv.gz

\b
Run again with the same --out it goes on in a new part: hl_eth.001.csv.gz, and so on; each part is
a market by itself. Rows are written each 30 s (--flush): a process that is killed loses those, and
damages nothing. Gaps are listed beside it, in hl_eth.gaps.csv; in the file the book follows them
as a full snapshot. More is in docs/live.md.
"""


def _rotation(text: str) -> Rotation:
    """Return when a part is full; raises click.BadParameter."""
    try:
        return parse_rotation(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("capture", epilog=EPILOG)
@click.option(
    "--venue",
    type=click.Choice(["hyperliquid"]),
    default="hyperliquid",
    show_default=True,
    help="Where the market is.",
)
@venue_options.market_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.csv.gz",
    help="The first part; its name says the market: venue_coin, such as hl_eth.csv.gz.",
)
@click.option(
    "--rotate",
    type=_rotation,
    metavar="1h|100MB",
    help="Begin another part after so long, at such a size, or both with a comma.",
)
@click.option(
    "--flush",
    "flush_s",
    type=options.positive,
    metavar="SECONDS",
    default=FLUSH_S,
    show_default=True,
    help="What a killed process loses at most.",
)
@click.option("--minutes", type=options.positive, metavar="NUMBER", help="How long; default: on.")
def command(
    venue: str,
    network: str | None,
    coin: str | None,
    out: Path,
    rotate: Rotation | None,
    flush_s: float,
    minutes: float | None,
) -> int:
    """Record a live market into the format that paper runs replay.

    Touch, levels of the book and trades, as they come, with the venue's time and ours. It needs no
    key and no account. Ctrl-C ends it with all files whole.
    """
    del venue
    with needs_hyperliquid("capture"):
        from exchange.hyperliquid.connection import VenueError

    where, what = venue_options.network(network), venue_options.coin(coin)
    try:
        with Stop() as stop:
            asyncio.run(_record(where, what, out, rotate, flush_s, minutes, stop))
    except (VenueError, CaptureError) as error:
        raise BadInput(str(error)) from error
    return HELD


async def _record(
    network: "Network",
    coin: str,
    out: Path,
    rotate: Rotation | None,
    flush_s: float,
    minutes: float | None,
    stop: Stop,
) -> None:
    from exchange.hyperliquid.venue import HyperliquidVenue

    rows: deque[Row] = deque()
    venue = HyperliquidVenue(network, coin, tap=rows.append)
    async with venue:
        with Capture(out, venue.instrument, rotation=rotate, flush_s=flush_s) as capture:
            output.progress(f"{coin} at {network.url}, Ctrl-C ends it")
            try:
                await _loop(venue, capture, rows, minutes, stop)
            finally:
                _take(capture, rows, venue.poll(venue.clock.now()))
        _say(capture, out)


async def _loop(
    venue: "HyperliquidVenue",
    capture: Capture,
    rows: deque[Row],
    minutes: float | None,
    stop: Stop,
) -> None:
    start = venue.clock.now()
    said = start
    while not stop:
        await asyncio.sleep(WRITE_S)
        now = venue.clock.now()
        # Nobody looks at what is seen here, but it is kept until somebody does.
        venue.seen(now)
        _take(capture, rows, venue.poll(now))
        if capture.is_full(now):
            capture.rotate()
        if now - said >= MINUTE:
            said = now
            output.progress(
                f"{(now - start) // MINUTE} min: {capture.rows} rows, {len(capture.parts)} parts, "
                f"{capture.gaps} gaps"
            )
        if minutes is not None and now - start >= seconds(60 * minutes):
            return


def _take(capture: Capture, rows: deque[Row], received: list[Received]) -> None:
    """Hand over what has come, a gap where it was."""
    lost = [one.at for one in received if isinstance(one.report, Disconnected)]
    while rows:
        if lost and rows[0].recv >= lost[0]:
            capture.missed(capture.last_heard or lost[0], "stream broken")
            lost.pop(0)
        capture.take(rows.popleft())
    for at in lost:
        capture.missed(capture.last_heard or at, "stream broken")


def _say(capture: Capture, out: Path) -> None:
    names = ", ".join(part.name for part in capture.parts) or "no part"
    output.progress(f"{capture.rows} rows in {names}")
    if capture.gaps:
        output.progress(f"{capture.gaps} gaps, listed in {gaps_path(out)}")
    if capture.late or capture.crossed:
        output.progress(
            f"{capture.late} rows came late, and have the time of the newest; {capture.crossed} "
            "crossed touches were left out"
        )
