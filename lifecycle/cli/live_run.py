"""A run at a live venue: what must be there before it, what is asked, and how it ends.

First only questions are asked, and what they found is shown. Then, if orders are to be sent, it
must be confirmed. Only then anything is opened that could send. A dry run opens nothing of the
kind: it has neither key nor account, and its orders rest in a shadow (`exchange.paper.shadow`).
"""

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import structs

from lifecycle.cli import output, venue_options
from lifecycle.cli.attached import Attached
from lifecycle.cli.errors import BadInput, RunFailed
from lifecycle.cli.live_rounds import Rounds
from lifecycle.cli.needs import needs_hyperliquid
from lifecycle.cli.shutdown import Shutdown
from lifecycle.core.manager import OrderManager
from lifecycle.drive.prefixes import prefixes_of
from lifecycle.drive.recovery import Recovery
from lifecycle.drive.switch import KillSwitch
from lifecycle.journal.base import Header, JournalError
from lifecycle.journal.reading import read_journal
from lifecycle.run.config import RunConfig
from lifecycle.run.frame import Summary
from lifecycle.run.guarded import idle_guards, missing_guards
from lifecycle.run.policies import POLICIES
from spec.trace import Record

if TYPE_CHECKING:
    from rich.console import Console

    from exchange.hyperliquid.connection import Network
    from exchange.hyperliquid.instruments import Asset
    from exchange.hyperliquid.limits import Allowance
    from exchange.hyperliquid.nonces import Nonces
    from exchange.hyperliquid.signing import Key
    from exchange.hyperliquid.survey import Signing, Standing
    from exchange.hyperliquid.venue import HyperliquidVenue

DRY: Final = "DRY RUN: nothing is sent, orders rest in memory only"
EARNS: Final = 1.0
"""Requests that a dollar traded adds, at Hyperliquid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for."""

    config: RunConfig
    policy: str
    network: str | None
    coin: str | None
    account: str | None
    vault: str | None
    keystore: Path | None
    nonces: Path | None
    is_live: bool
    yes: bool
    minutes: float | None
    dead_man_s: float
    journal: Path | None
    kill_file: Path | None


@dataclass(slots=True, kw_only=True)
class _Plan:
    """What is going to be run."""

    asked: Asked
    network: "Network"
    coin: str
    account: str | None
    """Whose orders are looked at; None in a dry run without one."""
    vault: str | None
    config: RunConfig
    policy: str
    key: "Key | None"
    prefixes: frozenset[str] = frozenset()
    """Of our cloids, by the journal."""

    @property
    def note(self) -> str:
        """What the journal says of the run; another one must not go on with it."""
        kind = "live" if self.asked.is_live else "dry run"
        whose = f" {self.account}" if self.asked.is_live else ""
        return f"{self.policy}, {kind}, {self.coin} at {self.network.url}{whose}"

    @property
    def is_resumed(self) -> bool:
        """Whether there is a journal to go on with."""
        journal = self.asked.journal
        return journal is not None and journal.exists()


def run_live(asked: Asked, attached: Attached, console: "Console | None") -> tuple[Summary, bool]:
    """Run to the end; returns the numbers, and whether it is proven that nothing rests.

    `console` is the screen to watch on, None for lines. Raises BadInput where something is missing
    and nothing has been sent, and RunFailed where it broke.
    """
    with needs_hyperliquid("--venue hyperliquid"):
        from exchange.hyperliquid.connection import VenueError
        from exchange.hyperliquid.nonces import NonceError

    plan = _planned(asked)
    try:
        asset, standing, signing = asyncio.run(_survey(plan))
        for line in _summary(plan, asset, standing, signing):
            output.progress(line)
        if asked.is_live:
            if standing is not None and standing.is_empty:
                raise BadInput(f"the account {plan.account} must have a deposit, has none")
            if signing is not None and not signing.may:
                raise BadInput(
                    f"the key must be allowed to sign for {plan.account}, is {signing.what}: "
                    "approve it on the venue's page API, or say another --account"
                )
            _confirm(plan)
        return _watched(plan, attached, console)
    except (VenueError, NonceError) as error:
        raise BadInput(str(error)) from error


# Before.


def _planned(asked: Asked) -> _Plan:
    """Check what was asked for, and find the key; raises BadInput."""
    network, coin = venue_options.network(asked.network), venue_options.coin(asked.coin)
    policy = "stable" if asked.policy == "both" else asked.policy
    config = POLICIES[policy](asked.config)
    account = venue_options.address("--account", asked.account)
    vault = venue_options.address("--vault", asked.vault)
    key = None
    if asked.is_live:
        missing = missing_guards(config)
        if missing:
            raise BadInput(
                f"a live run must have its guards, missing: {', '.join(missing)}: set them in "
                "the file given with --config"
            )
        if asked.journal is None:
            raise BadInput("a live run must have a journal, add --journal FILE")
        if not (asked.yes or _can_ask()):
            raise BadInput("a live run must be confirmed, and there is no terminal: add --yes")
        key = _key(asked.keystore)
        account = account or vault or key.address.lower()
    plan = _Plan(
        asked=asked,
        network=network,
        coin=coin,
        account=account or vault,
        vault=vault,
        config=config,
        policy=policy,
        key=key,
    )
    if plan.is_resumed:
        _look_into_journal(plan)
    return plan


def _key(keystore: Path | None) -> "Key":
    from lifecycle.cli.key_source import KEY, find_key

    key = find_key(keystore)
    if key is None:
        raise BadInput(
            f"a live run must have a key, set {KEY} or make a keystore (lifecycle keystore)"
        )
    return key


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _look_into_journal(plan: _Plan) -> None:
    """Take from the journal what decisions were made by; raises BadInput where it is another's."""
    path = plan.asked.journal
    assert path is not None, "only a journal is resumed"
    try:
        recording = read_journal(path)
        header = recording.header
        prefixes = prefixes_of(recording)
    except JournalError as error:
        raise BadInput(str(error)) from error
    if header.note != plan.note:
        raise BadInput(
            f"{path} must be the journal of this run ({plan.note}), is of: {header.note}; begin "
            "another one, or go on as it was begun"
        )
    plan.prefixes = prefixes
    # The venue's ledger as it was at the beginning: the manager has counted since.
    plan.config = structs.replace(plan.config, quota=header.config.quota)


async def _survey(plan: _Plan) -> "tuple[Asset, Standing | None, Signing | None]":
    """Ask what there is."""
    from exchange.hyperliquid import survey
    from exchange.hyperliquid.clock import Clock
    from exchange.hyperliquid.connection import Options
    from exchange.hyperliquid.rest import Rest

    rest = Rest(plan.network, Clock(), Options())
    try:
        asset = await survey.find(rest, plan.coin)
        standing = signing = None
        if plan.account is not None:
            standing = await survey.look(rest, plan.coin, plan.account, plan.prefixes)
        if plan.key is not None and plan.account is not None:
            signing = await survey.signing(rest, plan.key.address, plan.account, plan.vault)
        return asset, standing, signing
    finally:
        await rest.close()


def _summary(
    plan: _Plan, asset: "Asset", standing: "Standing | None", signing: "Signing | None"
) -> Iterator[str]:
    """Say what is about to happen, a line a fact."""
    config, risk = plan.config, plan.config.risk
    kind = "mainnet" if plan.network.is_mainnet else plan.network.url
    yield f"{plan.coin} on {kind}, policy {plan.policy}" + (
        "" if plan.asked.is_live else f": {DRY}"
    )
    yield (
        f"quotes: {config.quoter.levels} a side of {config.quoter.size}, a cycle each "
        f"{config.timing.cycle_s:g} s"
    )
    yield (
        f"guards: exposure cap {risk.exposure_cap}, order size {risk.order_qty_max}, collar "
        f"{risk.collar_bps} bps, {risk.requests_per_minute} requests a minute, market stale after "
        f"{config.timing.market_stale_s} s"
    )
    try:
        yield from idle_guards(config, asset.instrument)
    except ValueError as error:
        raise BadInput(f"{error}, correct the configuration") from error
    if standing is None:
        return
    agent = "" if plan.key is None or signing is None else f", key {plan.key.address}: "
    yield f"account {standing.address} ({standing.role}), worth {standing.value:f} USD{agent}" + (
        "" if signing is None else signing.what
    )
    allowance = standing.allowance
    yield f"quota: {allowance.used} of {allowance.cap} requests used, {allowance.left} left"
    if standing.position and not plan.is_resumed:
        yield f"position: {standing.position:f}, which this run does not count: it begins at 0"
    yield from _open_lines(plan, standing)


def _open_lines(plan: _Plan, standing: "Standing") -> Iterator[str]:
    found, others = standing.of(plan.coin), len(standing.open)
    counts = {whose: sum(one.whose == whose for one in found) for whose in {o.whose for o in found}}
    what = ", ".join(f"{count} {whose.value}" for whose, count in sorted(counts.items()))
    rests = f"{len(found)} ({what})" if found else "none"
    yield (
        f"open orders in {plan.coin}: {rests}; in other coins: {others - len(found)}; those not "
        f"ours: {plan.config.orders.foreign}"
    )


def _confirm(plan: _Plan) -> None:
    if plan.asked.yes:
        return
    what = "real money" if plan.network.is_mainnet else "no real money, if this is a test network"
    if not click.confirm(f"send orders ({what})?", err=True):
        output.progress("nothing was sent")
        raise click.Abort


# The run.


def _watched(plan: _Plan, attached: Attached, console: "Console | None") -> tuple[Summary, bool]:
    """Run it, shown, with the signals caught."""
    from lifecycle.cli.live_screen import LiveDisplay, LiveLines, LiveScreen

    banner = f"LIVE on {plan.network.url}" if plan.asked.is_live else DRY
    switch = KillSwitch(plan.asked.kill_file)
    with ExitStack() as stack:
        shutdown = stack.enter_context(Shutdown())
        _arm(switch, stack)
        resumed = None
        if plan.is_resumed:
            account = plan.account or ""
            resumed = _Resumed(*attached.resume(plan.config, plan.policy, account=account))
        nonces = _nonces(plan, stack)
        display: LiveDisplay
        if console is None:
            display = stack.enter_context(LiveLines(banner))
        else:
            display = stack.enter_context(LiveScreen(console, banner, shutdown))
        rounds = Rounds(display, shutdown)
        try:
            return asyncio.run(_trade(plan, attached, switch, nonces, resumed, rounds))
        except JournalError as error:
            raise RunFailed(
                f"{error}; what rested was cancelled as far as that was possible: look with "
                "lifecycle doctor"
            ) from error


def _arm(switch: KillSwitch, stack: ExitStack) -> None:
    """Take SIGUSR1 as the kill switch, where there is such a signal and we may."""
    number = getattr(signal, "SIGUSR1", None)
    if number is not None and threading.current_thread() is threading.main_thread():
        stack.callback(signal.signal, number, signal.getsignal(number))
        switch.arm(number)


@dataclass(frozen=True, slots=True)
class _Resumed:
    manager: OrderManager
    recovery: Recovery
    header: Header


def _nonces(plan: _Plan, stack: ExitStack) -> "Nonces | None":
    """Take over the file of the signer's nonces."""
    if plan.key is None:
        return None
    from exchange.hyperliquid.clock import Clock
    from exchange.hyperliquid.nonces import Nonces

    path = plan.asked.nonces
    if path is None:
        folder = Path(click.get_app_dir("order-lifecycle"))
        folder.mkdir(parents=True, exist_ok=True)
        net = "mainnet" if plan.network.is_mainnet else "other"
        path = folder / f"nonces-{net}-{plan.key.address.lower()}.sqlite"
    clock = Clock()
    return stack.enter_context(Nonces(path, lambda: clock.now() // 1_000_000))


async def _trade(
    plan: _Plan,
    attached: Attached,
    switch: KillSwitch,
    nonces: "Nonces | None",
    resumed: _Resumed | None,
    rounds: Rounds,
) -> tuple[Summary, bool]:
    """Open the venue, run, close it."""
    from exchange.hyperliquid.clock import Clock
    from exchange.hyperliquid.connection import Options, VenueError
    from exchange.hyperliquid.nonces import NonceError
    from exchange.hyperliquid.venue import HyperliquidVenue
    from exchange.paper.shadow import ShadowVenue
    from exchange.venue import LiveVenue
    from lifecycle.run.live import LiveRun

    is_live = plan.asked.is_live
    inner = HyperliquidVenue(
        plan.network,
        plan.coin,
        account=plan.account if is_live else None,
        key=plan.key,
        nonces=nonces,
        vault=plan.vault if is_live else None,
        options=Options(keep_alive_s=plan.asked.dead_man_s if is_live else 0.0),
        clock=Clock(not_before=0 if resumed is None else resumed.recovery.last_at),
    )
    async with inner:
        venue: LiveVenue = inner if is_live else ShadowVenue(inner)
        try:
            manager, session = _managed(plan, attached, inner, resumed)
            run = LiveRun(
                plan.config,
                plan.policy,
                f"{plan.coin} at {plan.network.url}" + ("" if is_live else " (dry run)"),
                venue,
                manager,
                sinks=attached.sinks,
                observer=attached.observer,
                switch=switch,
                recovery=None if resumed is None else resumed.recovery,
                earlier=_earlier(plan, resumed),
                minutes=plan.asked.minutes,
                clock=inner.clock.now,
                prefix=session,
            )
        except JournalError:
            raise
        except ValueError as error:
            raise BadInput(f"{error}, correct the configuration") from error
        try:
            proven = await run.run(lambda: rounds.each(run, inner if is_live else None))
            if proven and is_live:
                await inner.disarm()
        except (VenueError, NonceError, OSError) as error:
            # By now it is no bad input: something may have been sent.
            raise RunFailed(
                f"{error}; orders may rest: run again with the same journal to withdraw them"
            ) from error
    return run.summary(), proven


def _managed(
    plan: _Plan, attached: Attached, venue: "HyperliquidVenue", resumed: _Resumed | None
) -> tuple[OrderManager, str]:
    """Return the manager, and the prefix of its cloids so far; raises BadInput or ValueError."""
    instrument, capabilities = venue.instrument, venue.capabilities
    if resumed is not None:
        header = resumed.header
        if (header.instrument, header.capabilities) != (instrument, capabilities):
            raise BadInput(
                f"{plan.asked.journal} must be of the market as the venue has it, was begun with "
                f"other rules ({header.instrument}): begin another journal"
            )
        return resumed.manager, header.session
    plan.config = with_quota(plan.config, venue.allowance)
    session = attached.open(
        plan.config,
        instrument,
        capabilities,
        plan.policy,
        note=plan.note,
        account=plan.account or "",
    )
    manager = OrderManager(
        instrument, config=plan.config, capabilities=capabilities, session=session
    )
    return manager, session


def _earlier(plan: _Plan, resumed: _Resumed | None) -> Iterator[Record]:
    if resumed is not None and plan.asked.journal is not None:
        yield from read_journal(plan.asked.journal).records()


def with_quota(config: RunConfig, allowance: "Allowance | None") -> RunConfig:
    """Return the configuration with the venue's ledger in it, unless it has one of its own."""
    if allowance is None or config.quota.cap is not None:
        return config
    quota = structs.replace(
        config.quota,
        cap=allowance.cap,
        used=allowance.used,
        cancel_cap=allowance.cancel_cap,
        earns=EARNS,
    )
    return structs.replace(config, quota=quota)
