"""`lifecycle serve`: the paper venue behind Hyperliquid's REST and websocket, on this machine."""

import asyncio
import errno
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lifecycle.cli import options, output
from lifecycle.cli.errors import HELD, BadInput, explained
from lifecycle.cli.stop import Stop

if TYPE_CHECKING:
    from exchange.hyperliquid.served.server import Served, Server
    from exchange.hyperliquid.served.world import Terms
    from lifecycle.run.market import LoadedMarket

_F = TypeVar("_F", bound=Callable[..., Any])

PORT: Final = 3001
"""Where the official SDK looks for a local server."""

EPILOG: Final = """\b
Examples:
  lifecycle serve                                      a generated market, in real time
  lifecycle serve --market hl_eth.csv.gz --speed 20    a recording, twenty times as fast
  lifecycle serve --latency none --port 0              answers at once, on any free port
  lifecycle serve --lost-acks 0.05 --disconnect-every 60 --admin

\b
Point the official SDK (pip install hyperliquid-python-sdk) at it; any key will do:
  import eth_account
  from hyperliquid.exchange import Exchange
  from hyperliquid.info import Info
  url = "http://127.0.0.1:3001"
  wallet = eth_account.Account.create()
  exchange = Exchange(wallet, url)
  print(exchange.order("ETH", True, 0.01, 1990.0, {"limit": {"tif": "Alo"}}))
  print(Info(url, skip_ws=True).open_orders(wallet.address))

\b
With --admin:
  curl http://127.0.0.1:3001/admin/truth
  curl -H 'content-type: application/json' -d '{"too_many": 0.1}' \\
    http://127.0.0.1:3001/admin/faults

\b
Everything else is in docs/serve.md.
"""

_SHARES: Final = (
    ("lost_requests", "Actions whose connection closes before they arrive."),
    ("lost_acks", "Actions that are executed and never answered: the connection closes."),
    ("errors_before", "Requests answered by 502 and not executed."),
    ("errors_after", "Actions answered by 502 and executed."),
    ("too_many", "Requests answered by 429."),
    ("duplicates", "Websocket frames that are sent twice."),
    ("reorders", "Websocket frames that later ones overtake."),
)


def _faults(function: _F) -> _F:
    """Give the command an option for each knob."""
    for name, help_text in reversed(_SHARES):
        function = click.option(
            f"--{name.replace('_', '-')}",
            name,
            type=click.FloatRange(0.0, 1.0),
            metavar="SHARE",
            default=0.0,
            help=help_text,
        )(function)
    for option in (
        click.option(
            "--disconnect-every",
            "disconnect_every_s",
            type=click.FloatRange(0.0),
            metavar="SECONDS",
            default=0.0,
            help="All websockets break so often, in the market's time.",
        ),
        click.option(
            "--lookup-lag",
            "lookup_lag_ms",
            type=click.FloatRange(0.0),
            metavar="MS",
            default=0.0,
            help="A new order is not found by its ids for so long, in the market's time.",
        ),
        click.option(
            "--added-latency",
            "latency_ms",
            type=click.FloatRange(0.0),
            metavar="MS",
            default=0.0,
            help="Added to each round trip, in the market's time.",
        ),
    ):
        function = option(function)
    return function


@click.command("serve", epilog=EPILOG)
@click.option(
    "--market",
    type=click.Path(exists=True, dir_okay=False, readable=True),
    help="A recorded market; without it one is generated, which never ends.",
)
@click.option("--coin", help="What the market is called; default: as the recording is, or ETH.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Of market, latencies, faults.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="On 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--speed",
    type=options.positive,
    metavar="NUMBER",
    default=1.0,
    help="Market seconds a second; what the venue takes or measures shrinks with it.",
)
@click.option(
    "--latency",
    type=click.Choice(["none", "fast", "slow"]),
    default="fast",
    show_default=True,
    help="Round trips: none, a well-placed client's, or one real client's measured ones.",
)
@click.option(
    "--feed",
    type=click.Choice(["none", "fast"]),
    default="fast",
    show_default=True,
    help="Delay of what is pushed over the websocket.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="ADDRESS",
    help="Only these addresses have accounts; without it each signer gets one.",
)
@click.option(
    "--agent", "agents", multiple=True, metavar="AGENT=ACCOUNT", help="AGENT signs for ACCOUNT."
)
@click.option(
    "--vault",
    "vaults",
    multiple=True,
    metavar="VAULT=ACCOUNT",
    help="ACCOUNT trades for a vault or sub-account.",
)
@click.option("--deposit", default="1000000", metavar="USDC", help="Of each account.")
@click.option(
    "--requests",
    type=click.IntRange(min=0),
    default=10_000,
    show_default=True,
    help="What an account may send before it has traded.",
)
@click.option(
    "--ip-weight",
    type=click.IntRange(min=0),
    default=1200,
    show_default=True,
    help="What a client may use a minute; 0: no limit by client.",
)
@click.option(
    "--schedule-volume",
    type=click.IntRange(min=0),
    default=0,
    metavar="USDC",
    help="What must be traded before a scheduleCancel; 1000000 at the real venue.",
)
@click.option("--admin", is_flag=True, help="Serve /admin: the truth, and the faults' knobs.")
@_faults
def command(
    market: str | None,
    coin: str | None,
    port: int,
    speed: float,
    ip_weight: int,
    admin: bool,
    feed: str,
    seed: int,
    **rest: Any,
) -> int:
    """Serve the paper venue as Hyperliquid, on 127.0.0.1.

    A client of the real venue, such as the official SDK, trades here as it would there, on a
    generated or recorded market, with signatures, nonces, rate limits, blocks and the venue's
    words; and if wanted with faults. Prints its URL; Ctrl-C ends it.
    """
    try:
        from exchange.hyperliquid.served.knobs import Knobs
        from exchange.hyperliquid.served.server import Manner, Server
    except ModuleNotFoundError as error:
        raise BadInput(
            f"serve needs {error.name}, install it: pip install 'order-lifecycle[hyperliquid]'"
        ) from error
    from exchange.paper.latency import FEEDS

    knobs = Knobs(**{name: rest[name] for name in Knobs.__struct_fields__})
    loaded = _load(market, seed)
    delay = FEEDS[feed]
    assert delay is not None, "the recorded delay is not offered"
    manner = Manner(
        speed=speed, push_delay=delay, ip_weight=ip_weight, has_admin=admin, knobs=knobs
    )
    try:
        served = _served(loaded, coin)
        server = Server(served, _terms(seed, rest), manner)
    except ValueError as error:
        raise BadInput(f"{error}, check --market") from error
    with Stop() as stop:
        asyncio.run(_serve(server, port, f"{served.coin} ({loaded.name})", stop))
    _say_what_happened(server)
    return HELD


def _load(market: str | None, seed: int) -> "LoadedMarket":
    from lifecycle.run.config import MarketConfig, VenueConfig
    from lifecycle.run.market import load_market

    with explained():
        return load_market(MarketConfig(file=market, seed=seed), VenueConfig())


def _served(loaded: "LoadedMarket", coin: str | None) -> "Served":
    """Return the market under its name; raises ValueError where it cannot be Hyperliquid's."""
    from exchange.hyperliquid.served.server import Served
    from exchange.market import RowKind
    from exchange.paper.generator import GENERATED

    instrument = loaded.instrument
    if instrument.significant_figures == 0:
        raise ValueError(f"prices must have at most five figures, {loaded.name} has more")
    first = next(iter(loaded.source()))
    if first.kind == RowKind.L3:
        raise ValueError(f"a market must be recorded by levels, {loaded.name} is order by order")
    name = instrument.symbol if coin is None else coin
    is_endless = instrument is GENERATED
    rows = loaded.source if is_endless else loaded.rows
    return Served(instrument.replaced(symbol=name), name, rows, loaded.start)


def _terms(seed: int, rest: dict[str, Any]) -> "Terms":
    """Return the venue's terms; raises BadInput."""
    from exchange.hyperliquid.served.world import Terms
    from exchange.paper.latency import LATENCIES

    try:
        deposit = Decimal(rest["deposit"])
    except InvalidOperation:
        deposit = Decimal("NaN")
    if not deposit.is_finite() or deposit < 0:
        raise BadInput(f"--deposit must be an amount, was {rest['deposit']}")
    return Terms(
        accounts=tuple(_address("--account", text) for text in rest["accounts"]),
        agents=dict(_pair("--agent", text) for text in rest["agents"]),
        vaults=dict(_pair("--vault", text) for text in rest["vaults"]),
        deposit=deposit,
        requests=rest["requests"],
        schedule_volume=Decimal(rest["schedule_volume"]),
        latency=LATENCIES[rest["latency"]],
        seed=seed,
    )


def _pair(option: str, text: str) -> tuple[str, str]:
    first, _, second = text.partition("=")
    return _address(option, first), _address(option, second)


def _address(option: str, text: str) -> str:
    digits = text.removeprefix("0x")
    try:
        size = len(bytes.fromhex(digits))
    except ValueError:
        size = 0
    if size != 20 or digits == text:
        raise BadInput(f"{option} must name addresses of 0x and 40 hex digits, was {text!r}")
    return text


async def _serve(server: "Server", port: int, what: str, stop: Stop) -> None:
    try:
        await server.start(port)
    except OSError as error:
        why = (
            "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        )
        raise BadInput(f"port {port} {why}, choose another with --port") from error
    speed = f", {server.manner.speed:g}× as fast" if server.manner.speed != 1 else ""
    click.echo(f"{what}{speed}: {server.url}")
    await server.run(lambda: stop)


def _say_what_happened(server: "Server") -> None:
    """Say on stderr what was served, and what went wrong on purpose."""
    world = server.world
    accounts = world.accounts.values()
    output.progress(
        f"served {len(accounts)} accounts, {sum(len(a.orders) for a in accounts)} orders, "
        f"{sum(len(a.fills) for a in accounts)} fills in {world.blocks} blocks"
    )
    for name, times in sorted(server.faults.counts.items()):
        output.progress(f"  {name.replace('_', ' ')}: {times}")
