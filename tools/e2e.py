"""The whole stack through the wire, with faults: `python -m tools.e2e --market FILE`.

A bot trades at the served venue, which is another process and replays a market some times as fast
as it was. Answers are lost, frames are duplicated and overtake each other, connections break, and
now and then the server says 429. At the end the faults go on, everything is withdrawn, and what the
journal says is compared with what the server knows: every fill, every order, the position. Exits
with 1 where anything differs, where a promise was broken, or where something rests.

Times of the client that stand for the venue's are divided by the speed, as the server does.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from exchange.hyperliquid.codec_cloids import from_wire
from exchange.hyperliquid.connection import Network, Options
from exchange.hyperliquid.keystore import new_secret
from exchange.hyperliquid.nonces import Nonces
from exchange.hyperliquid.signing import Key
from exchange.hyperliquid.venue import HyperliquidVenue
from exchange.instrument import Instrument
from exchange.reports import Fill, Snapshot
from exchange.units import MILLISECOND
from lifecycle.config import BandsConfig, OrdersConfig, RiskConfig, TimingConfig
from lifecycle.core.manager import OrderManager
from lifecycle.drive.recovery import new_session
from lifecycle.journal.base import Header
from lifecycle.journal.reading import read_journal
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.run.config import QuoterConfig, RunConfig
from lifecycle.run.live import LiveRun
from spec.trace import Cycled, Reported

FAULTS: Final = {
    "--lost-acks": 0.05,
    "--lost-requests": 0.02,
    "--errors-after": 0.02,
    "--errors-before": 0.01,
    "--too-many": 0.02,
    "--duplicates": 0.05,
    "--reorders": 0.05,
}
NO_FILLS: Final = "there must be fills to compare, was none"
IP_WEIGHT: Final = 1200


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--market", help="a recording; without it a market is generated")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the market")
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disconnect-every", type=float, default=60.0, help="market seconds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        complaints = run(given, Path(folder))
    for complaint in complaints:
        print(f"FAILED: {complaint}")
    print("failed" if complaints else "held: nothing lost, agreed exactly")
    return 1 if complaints else 0


def run(given: argparse.Namespace, folder: Path) -> list[str]:
    """Trade, compare; returns what is wrong."""
    with served(given) as url:
        key, path = Key(new_secret()), folder / "e2e.journal"
        found = asyncio.run(trade(url, key, path, given))
        return [*found, *compare(path, fetch(f"{url}/admin/truth"), key.address)]


@contextmanager
def served(given: argparse.Namespace) -> Iterator[str]:
    """Serve the market in another process; yields where."""
    arguments = [sys.executable, "-m", "lifecycle", "serve", "--port", "0", "--admin"]
    arguments += ["--coin", "ETH", "--speed", str(given.speed), "--seed", str(given.seed)]
    arguments += ["--disconnect-every", str(given.disconnect_every)]
    for option, share in FAULTS.items():
        arguments += [option, str(share)]
    if given.market:
        arguments += ["--market", given.market]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None, "it was asked for"
            said = process.stdout.readline()
            assert "http" in said, f"the server must say where it is, said {said!r}"
            yield said[said.index("http") :].strip()
        finally:
            process.terminate()


def configured(speed: float) -> RunConfig:
    """Return what is run: a bot whose times are as many times shorter.

    Its band is narrow, so that much is sent of which something can be lost.
    """
    return RunConfig(
        bands=BandsConfig(latch_bps=0.7, level_factors=(1.0,)),
        risk=RiskConfig(
            exposure_cap=Decimal("1.5"), order_qty_max=Decimal("0.5"), requests_per_minute=6000
        ),
        timing=TimingConfig(
            cycle_s=6.0 / speed,
            request_timeout_s=max(1.0, 5.0 / speed),
            retire_s=60.0,
            reconcile_s=max(2.0, 60.0 / speed),
        ),
        orders=OrdersConfig(refill_s=max(0.1, 0.5 / speed)),
        quoter=QuoterConfig(levels=3, size="0.1", level_step_bps=2.0, warmup_s=60.0 / speed),
    )


async def trade(url: str, key: Key, path: Path, given: argparse.Namespace) -> list[str]:
    """Run the bot for as long as was asked; returns what it complains of."""
    speed = given.speed
    options = Options(
        ip_weight=round(IP_WEIGHT * speed),
        look_lag_ms=round(max(50, 500 / speed)),
        hold_ms=round(max(20, 300 / speed)),
        action_timeout_s=max(1.0, 5.0 / speed),
        question_timeout_s=2.0,
        backoff_s_max=1.0,
        limits_s=max(5.0, 300 / speed),
    )
    with Nonces(path.with_suffix(".nonces"), _milliseconds) as nonces:
        venue = HyperliquidVenue(Network(url), "ETH", key=key, nonces=nonces, options=options)
        async with venue:
            config = with_quota(configured(speed), venue)
            session = new_session()
            header = Header.of_now(session, venue.instrument, venue.capabilities, config)
            journal = SqliteJournal.create(path, header)
            manager = OrderManager(
                venue.instrument, config=config, capabilities=venue.capabilities, session=session
            )
            live = LiveRun(
                config,
                "stable",
                "ETH",
                venue,
                manager,
                sinks=(journal.append,),
                minutes=given.minutes / speed,
                clock=venue.clock.now,
                prefix=session,
            )
            proven = await live.run()
            health = venue.health()
        journal.close()
    summary = live.summary()
    print(
        f"{summary.cycles} cycles, {summary.placed} placed, {summary.modified} modified, "
        f"{summary.cancelled} cancelled, {summary.fills} fills, position {summary.position}; "
        f"{health.connections} connections; {health.counts}"
    )
    complaints = [f"broken {summary.violations} times: {line}" for line in summary.broken]
    if not proven:
        complaints.append("it must be proven that nothing rests, was not")
    if not summary.fills:
        complaints.append(NO_FILLS)
    return complaints


def _milliseconds() -> int:
    return time.time_ns() // MILLISECOND


def with_quota(config: RunConfig, venue: HyperliquidVenue) -> RunConfig:
    """Return the configuration with the venue's ledger in it."""
    allowance = venue.allowance
    assert allowance is not None, "there is an account"
    quota = structs.replace(
        config.quota,
        cap=allowance.cap,
        used=allowance.used,
        cancel_cap=allowance.cancel_cap,
        earns=1.0,
    )
    return structs.replace(config, quota=quota)


def fetch(url: str) -> dict[str, Any]:
    """Return the server's truth."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
        found: dict[str, Any] = json.load(answer)
    return found


def compare(path: Path, truth: dict[str, Any], address: str) -> list[str]:
    """Return how a journal differs from what the server knows."""
    accounts = {name.lower(): account for name, account in truth["accounts"].items()}
    account = accounts[address.lower()]
    recording = read_journal(path)
    instrument = recording.header.instrument
    fills: dict[str, tuple[int, int]] = {}
    ours: set[str] = set()
    position = 0
    for record in recording.records():
        if isinstance(record, Cycled):
            position = record.plan.position
            ours |= {c.cloid for c in record.plan.commands if hasattr(c, "cloid")}
        elif isinstance(record, Reported):
            report = record.report
            told = report.fills if isinstance(report, Snapshot) else (report,)
            fills |= {
                _key(one.trade_id): (one.qty, one.price) for one in told if isinstance(one, Fill)
            }
    theirs = {
        str(fill["tid"]): (instrument.qty(fill["sz"]), instrument.price(fill["px"]))
        for fill in account["fills"]
    }
    print(
        f"the server: {len(account['orders'])} orders, {len(theirs)} fills, faults "
        f"{truth['faults']}"
    )
    return [
        *_fills(fills, theirs),
        *_orders(account, ours),
        *_position(account, position, instrument),
    ]


def _key(trade_id: str) -> str:
    """Return the venue's own number of a trade."""
    return trade_id.rsplit(":", 1)[-1]


def _fills(ours: dict[str, tuple[int, int]], theirs: dict[str, tuple[int, int]]) -> Iterator[str]:
    if lost := theirs.keys() - ours.keys():
        yield f"every fill must be heard of, {len(lost)} were not: {sorted(lost)[:5]}"
    if invented := ours.keys() - theirs.keys():
        yield f"every fill must have been, {len(invented)} were not: {sorted(invented)[:5]}"
    differ = [tid for tid in ours.keys() & theirs.keys() if ours[tid] != theirs[tid]]
    if differ:
        yield f"fills must be as they were, {len(differ)} are not: {differ[:5]}"


def _orders(account: dict[str, Any], ours: set[str]) -> Iterator[str]:
    if account["open"]:
        yield f"nothing must rest, {len(account['open'])} orders do"
    if account["repeated_cloids"]:
        yield f"no cloid must be used twice, {account['repeated_cloids']} were"
    named = {record["order"].get("cloid") for record in account["orders"]}
    strange = [cloid for cloid in named if cloid is None or from_wire(cloid) not in ours]
    if strange:
        yield f"every order must be in the journal, {len(strange)} are not: {strange[:5]}"


def _position(account: dict[str, Any], position: int, instrument: Instrument) -> Iterator[str]:
    text = account["positions"].get(instrument.symbol, "0")
    theirs = int(Decimal(text) / instrument.lot)
    if theirs != position:
        yield f"the position must be {theirs} lots, is {position}"


if __name__ == "__main__":
    sys.exit(main())
