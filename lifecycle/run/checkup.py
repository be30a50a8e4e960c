"""Looks at everything that a live run needs, and sends nothing: what `lifecycle doctor` tells.

Each finding is a line: whether it is well, what was found, and what to do where it is not. What
cannot be asked because something before it failed is left out.
"""

import enum
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Final

from msgspec import Struct, structs

from exchange.hyperliquid import survey
from exchange.hyperliquid.clock import Clock, Offset
from exchange.hyperliquid.connection import Network, Options, VenueError
from exchange.hyperliquid.instruments import Asset
from exchange.hyperliquid.nonces import AHEAD_MS_MAX
from exchange.hyperliquid.rest import Rest
from exchange.hyperliquid.survey import Signing, Standing, Whose
from exchange.hyperliquid.venue import HyperliquidVenue
from exchange.hyperliquid.wire_info import GetL2Book, L2Book
from exchange.instrument import Instrument
from exchange.paper.shadow import ShadowVenue
from exchange.units import MILLISECOND, SECOND, Nanos
from exchange.words import Side
from lifecycle.core.manager import OrderManager
from lifecycle.drive.recovery import new_session
from lifecycle.run.config import RunConfig
from lifecycle.run.frame import OrderRow
from lifecycle.run.guarded import idle_guards, missing_guards
from lifecycle.run.live import LiveRun

PROBES: Final = 5
SLOW: Final = 1000 * MILLISECOND
"""A question that takes longer is worth a warning."""
CLOCK_WARN: Final = 2 * SECOND
CLOCK_FAIL: Final = AHEAD_MS_MAX * MILLISECOND
"""The venue takes no nonce further ahead of its clock."""
HEADROOM_WARN: Final = 0.3
DECISION_S: Final = 12.0
"""How long a first decision is waited for."""
WARMUP_S: Final = 3.0
"""Instead of the configured one: what is decided early is rough."""
SHOWN: Final = 6


class Verdict(enum.StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    what: str
    todo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is to be looked at."""

    network: Network
    coin: str
    config: RunConfig
    is_configured: bool
    """Whether the configuration was given, or is the default."""
    account: str | None = None
    vault: str | None = None
    signer: str | None = None
    """The address of the key; the key itself is not needed."""
    prefixes: frozenset[str] = frozenset()
    """Of our cloids, where a journal tells them."""


async def examine(patient: Patient) -> AsyncIterator[Finding]:
    """Look at everything, one after the other."""
    rest = Rest(patient.network, Clock(), Options())
    try:
        asset: Asset | None = None
        async for finding, found in _connection(rest, patient):
            asset = found or asset
            yield finding
        if asset is None:
            return
        async for finding in _account(rest, patient):
            yield finding
    except VenueError as error:
        yield Finding("venue", Verdict.FAIL, str(error), "try again, or see --network")
        return
    finally:
        await rest.close()
    for finding in guards(patient.config, asset.instrument, is_configured=patient.is_configured):
        yield finding
    async for finding in _live(patient):
        yield finding


# The way there, and the market.


async def _connection(rest: Rest, patient: Patient) -> AsyncIterator[tuple[Finding, Asset | None]]:
    clock, offset = Clock(), Offset()
    try:
        asset = await survey.find(rest, patient.coin)
    except VenueError as error:
        todo = "is the URL right, is the coin listed (dex coins are named dex:COIN)?"
        yield Finding("rest", Verdict.FAIL, str(error), todo), None
        return
    trips: list[Nanos] = []
    book: L2Book | None = None
    for _ in range(PROBES):
        asked = clock.now()
        book = await rest.ask(GetL2Book(patient.coin))
        heard = clock.now()
        trips.append(heard - asked)
        if book is not None:
            offset.answered(asked, book.time, heard)
    trip = round(median(trips))
    slow = trip > SLOW
    yield (
        Finding(
            "rest",
            Verdict.WARN if slow else Verdict.OK,
            f"{patient.network.url} answers within {trip / MILLISECOND:.0f} ms (median of "
            f"{PROBES}, worst {max(trips) / MILLISECOND:.0f})",
            "a nearer machine trades better" if slow else "",
        ),
        None,
    )
    yield clock_finding(offset), None
    yield _instrument(asset, book), asset


def clock_finding(offset: Offset) -> Finding:
    """Return how far the venue's clock is from ours, judged."""
    bounds = offset.bounds
    if bounds.low is None or bounds.high is None:
        return Finding("clock", Verdict.WARN, "not comparable: the venue shows no book")
    ahead, spread = (bounds.low + bounds.high) // 2, bounds.high - bounds.low
    what = (
        f"the venue's clock is {abs(ahead) / MILLISECOND:.0f} ms "
        f"{'ahead of' if ahead > 0 else 'behind'} ours, give or take "
        f"{spread / 2 / MILLISECOND:.0f}"
    )
    if abs(ahead) > CLOCK_FAIL:
        todo = "set this machine's clock by NTP: by this one the venue may take no nonce"
        return Finding("clock", Verdict.FAIL, what, todo)
    if abs(ahead) > CLOCK_WARN:
        return Finding("clock", Verdict.WARN, what, "set this machine's clock by NTP")
    return Finding("clock", Verdict.OK, what)


def _instrument(asset: Asset, book: L2Book | None) -> Finding:
    instrument = asset.instrument
    what = (
        f"{asset.coin} is asset {asset.id}, lot {instrument.lot:f}, least notional "
        f"{instrument.min_notional:f}"
    )
    if book is None or not all(book.levels):
        todo = "nothing can be quoted without a book on both sides"
        return Finding("instrument", Verdict.WARN, f"{what}, its book is empty", todo)
    bid = instrument.price(book.levels[0][0].px)
    tick = instrument.price_text(instrument.tick(bid))
    return Finding("instrument", Verdict.OK, f"{what}, tick {tick} at {book.levels[0][0].px}")


# The account.


async def _account(rest: Rest, patient: Patient) -> AsyncIterator[Finding]:
    account = patient.account or patient.vault or patient.signer
    if account is None:
        todo = "say --account to see it; a dry run needs none"
        yield Finding("account", Verdict.WARN, "none was named", todo)
        return
    standing = await survey.look(rest, patient.coin, account, patient.prefixes)
    for finding in standing_findings(standing, patient.coin, patient.config):
        yield finding
    if patient.signer is None:
        todo = "a live run needs one: LIFECYCLE_PRIVATE_KEY, or --keystore FILE"
        yield Finding("key", Verdict.WARN, "none was given", todo)
        return
    yield key_finding(
        await survey.signing(rest, patient.signer, account, patient.vault), patient.signer, account
    )


def key_finding(signing: Signing, signer: str, account: str) -> Finding:
    """Say what a key may do."""
    what = f"{signer} is {signing.what}"
    if not signing.may:
        todo = "approve it on the venue's page API, or say the account that it is an agent of"
        return Finding("key", Verdict.FAIL, what, todo)
    if signer.lower() == account.lower():
        todo = "it can also withdraw: an agent's key cannot, make one (lifecycle keystore --new)"
        return Finding("key", Verdict.WARN, what, todo)
    return Finding("key", Verdict.OK, f"{what}: it may trade, and not withdraw")


def standing_findings(standing: Standing, coin: str, config: RunConfig) -> Iterator[Finding]:
    """Say how an account stands."""
    what = (
        f"{standing.address} ({standing.role}) is worth {standing.value:f} USD, "
        f"{standing.withdrawable:f} of it free"
    )
    if standing.is_empty:
        yield Finding("account", Verdict.FAIL, what, "deposit, or say another --account")
    elif standing.role == survey.AGENT:
        todo = "an agent has no orders: say the account that it signs for"
        yield Finding("account", Verdict.FAIL, what, todo)
    else:
        yield Finding("account", Verdict.OK, what)
    yield _quota(standing, config)
    if standing.position:
        todo = "a run with a new journal begins to count at 0: close it, or mind it"
        yield Finding("position", Verdict.WARN, f"{standing.position:f} {coin}", todo)
    else:
        yield Finding("position", Verdict.OK, f"none in {coin}")
    yield _open(standing, coin, config)


def _quota(standing: Standing, config: RunConfig) -> Finding:
    allowance, most = standing.allowance, config.risk.requests_per_minute
    what = f"{allowance.used} of {allowance.cap} requests used, {allowance.left} left"
    if most:
        hours = allowance.left / most / 60
        what += f": {hours:.1f} h at the {most} a minute that the guard allows"
    todo = "each dollar traded adds one; widen the bands, or buy requests"
    if allowance.left == 0:
        return Finding("quota", Verdict.FAIL, what, todo)
    low = allowance.left < HEADROOM_WARN * allowance.cap
    return Finding("quota", Verdict.WARN if low else Verdict.OK, what, todo if low else "")


def _open(standing: Standing, coin: str, config: RunConfig) -> Finding:
    found = standing.of(coin)
    others = len(standing.open) - len(found)
    if not found:
        return Finding("open orders", Verdict.OK, f"none in {coin}, {others} in other coins")
    told = ", ".join(
        f"{'buy' if one.is_buy else 'sell'} {one.size} at {one.price} ({one.whose.value})"
        for one in found[:SHOWN]
    )
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    foreign = sum(one.whose is Whose.FOREIGN for one in found)
    what = f"{len(found)} in {coin}: {told}{more}; {others} in other coins"
    todo = (
        f"{foreign} are not this program's: orders.foreign = {config.orders.foreign!r} says what "
        "becomes of them; those of another run go with its journal"
    )
    return Finding("open orders", Verdict.WARN, what, todo)


# The configuration.


def guards(
    config: RunConfig, instrument: Instrument, *, is_configured: bool = True
) -> Iterator[Finding]:
    """Say whether a configuration may trade live."""
    missing = missing_guards(config)
    if missing:
        verdict = Verdict.FAIL if is_configured else Verdict.WARN
        todo = "a live run needs them: set them in the file given with --config"
        yield Finding("guards", verdict, f"missing: {', '.join(missing)}", todo)
    else:
        risk = config.risk
        yield Finding(
            "guards",
            Verdict.OK,
            f"exposure cap {risk.exposure_cap}, order size {risk.order_qty_max}, collar "
            f"{risk.collar_bps} bps, {risk.requests_per_minute} requests a minute",
        )
    try:
        for idle in idle_guards(config, instrument):
            yield Finding("sizes", Verdict.FAIL, idle, "change one of the two")
    except ValueError as error:
        yield Finding("sizes", Verdict.FAIL, str(error), "sizes are whole lots")


# The stream, and a decision.


async def _live(patient: Patient) -> AsyncIterator[Finding]:
    """Connect the stream, and have one decision made that nobody hears of."""
    clock = Clock()
    asked = clock.now()
    venue = HyperliquidVenue(patient.network, patient.coin, clock=clock)
    try:
        async with venue:
            ready = (clock.now() - asked) / MILLISECOND
            health = venue.health()
            yield Finding("websocket", Verdict.OK, f"{patient.network.websocket}, {ready:.0f} ms")
            orders, reason = await _decide(patient.config, venue)
            health = venue.health()
            if not health.is_connected:
                yield Finding("websocket", Verdict.WARN, "broke while it was watched")
            yield decision_finding(orders, reason)
    except VenueError as error:
        yield Finding("websocket", Verdict.FAIL, str(error), "is a proxy or firewall between?")
    except ValueError as error:
        yield Finding("decision", Verdict.FAIL, str(error), "correct the configuration")


def decision_finding(orders: tuple[OrderRow, ...], reason: str) -> Finding:
    """Say what would be sent."""
    if not orders:
        return Finding("decision", Verdict.WARN, f"none within {DECISION_S:g} s: {reason}")
    told = ", ".join(
        f"{'buy' if row.side is Side.BUY else 'sell'} {row.qty} at {row.price}"
        for row in orders[:SHOWN]
    )
    more = f" and {len(orders) - SHOWN} more" if len(orders) > SHOWN else ""
    return Finding("decision", Verdict.OK, f"would place {told}{more}")


async def _decide(config: RunConfig, venue: HyperliquidVenue) -> tuple[tuple[OrderRow, ...], str]:
    """Return the first orders that the configuration would place, or why it places none."""
    quoter = structs.replace(config.quoter, warmup_s=min(config.quoter.warmup_s, WARMUP_S))
    timing = structs.replace(config.timing, cycle_s=1.0)
    config = structs.replace(config, quoter=quoter, timing=timing)
    shadow = ShadowVenue(venue)
    manager = OrderManager(
        venue.instrument,
        config=config,
        capabilities=venue.capabilities,
        session=new_session(),
    )
    run = LiveRun(config, "doctor", venue.asset.coin, shadow, manager, clock=venue.clock.now)
    rows: tuple[OrderRow, ...] = ()

    def each() -> None:
        nonlocal rows
        rows = run.frame().orders or rows
        if rows or run.now > DECISION_S * SECOND:
            run.give_up()

    await run.run(each)
    if rows:
        return rows, ""
    market = venue.market(venue.clock.now())
    if market.bid is None or market.ask is None:
        return rows, "the book has not two sides"
    return rows, "too little was seen of the market, or nothing may be quoted"
