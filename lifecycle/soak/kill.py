"""Killing a bot, for real: SIGKILL at random moments, and its journal held against the venue.

A bot trades at a paper venue in another process until it is killed; another one is started on its
journal, and so on. The last is let finish. Then the journal is read as `lifecycle audit` reads it,
and what it knows is compared with what the venue knows: every fill booked once, every order known,
never more orders resting on a side than the bot has quotes, no cloid used twice, no promise broken.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Final

from msgspec import Struct, json

from exchange.paper.remote import RemoteVenue, Truth
from exchange.units import Nanos
from lifecycle.drive.recovery import begin
from lifecycle.journal.reading import FileRecording, read_journal
from lifecycle.journal.tail import read_tail
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched
from lifecycle.soak.bot import LEVELS, Life
from lifecycle.soak.venue import House
from lifecycle.trace import replay
from spec.states import Request
from spec.trace import Restarted

START_S: Final = 60.0
"""How long a process may take to write that, on a slow machine."""
LIFE: Final = (2, 60)
"""How many records a bot writes before it is killed, at random. By the clock a slow machine's bots
would do nothing before they die. Two at least: of one the last bot may have died before it counted
it."""
LOOK_S: Final = 0.005
FINISH_S: Final = 120.0


class Killed(Struct, frozen=True):
    """What became of a campaign of kills."""

    kills: int
    starts: int
    records: int
    fills: int
    orders: int
    market_s: float
    in_flight: int
    """Requests that a kill left unanswered or in doubt, over all kills."""
    journal: str
    """Where it lies."""
    wrong: list[str]
    """What should not be so; empty: all is well."""


def campaign(
    kills: int,
    seed: int,
    folder: Path,
    *,
    house: House | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Killed:
    """Kill a bot so many times and compare; the journal stays in the folder.

    It is named as no other there, `kills-1.journal` at first: a venue knows nothing of orders of
    another campaign. Raises RuntimeError where a process could not be started, with what it said.
    """
    journal = _fresh(folder)
    draw = Random(f"kills {seed}")  # noqa: S311 - a simulation, not a secret
    process, port = _open_venue(House(seed) if house is None else house)
    try:
        for number in range(kills):
            _live_and_die(Life(port, str(journal), seed), journal, draw)
            progress(number + 1)
        last = _start("bot", Life(port, str(journal), seed, finish=True))
        try:
            _, said = last.communicate(timeout=FINISH_S)
        except subprocess.TimeoutExpired:
            last.kill()
            raise RuntimeError(f"the last bot must finish within {FINISH_S} s, did not") from None
        venue = RemoteVenue(port)
        truth = venue.truth()
        venue.stop()
    finally:
        process.kill()
        process.communicate()
    wrong = [] if last.returncode == 0 else [f"the last bot did not finish: {said.strip()}"]
    return _compare(read_journal(journal), truth, kills, wrong)


def _fresh(folder: Path) -> Path:
    """Return a path at which there is no journal, nor anything left of one."""
    number = 1
    while any(folder.glob(f"kills-{number}.journal*")):
        number += 1
    return folder / f"kills-{number}.journal"


def _open_venue(house: House) -> tuple["subprocess.Popen[str]", int]:
    process = _start("venue", house)
    assert process.stdout is not None, "it was asked for"
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the venue must start, did not: {process.communicate()[1].strip()}")
    return process, int(line)


def _start(what: str, with_: Life | House) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - Our own modules, our own words.
        [sys.executable, "-m", f"lifecycle.soak.{what}", json.encode(with_).decode()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _live_and_die(life: Life, journal: Path, draw: Random) -> None:
    """Start a bot, and kill it when it has written some records.

    Raises RuntimeError where it ends by itself, or writes too few in its time.
    """
    enough = _count(journal) + draw.randint(*LIFE)
    bot = _start("bot", life)
    deadline = monotonic() + START_S
    while (count := _count(journal)) < enough and bot.poll() is None and monotonic() < deadline:
        sleep(LOOK_S)
    bot.kill()
    _, said = bot.communicate()
    if bot.returncode >= 0:
        raise RuntimeError(f"a bot must live until it is killed, ended by itself: {said.strip()}")
    if count < enough:
        raise RuntimeError(f"a bot must write {enough} records in {START_S:g} s, wrote {count}")


def _count(journal: Path) -> int:
    """Return how many records have been appended, as its writer says beside it."""
    return read_tail(journal).count or 0


def _compare(recording: FileRecording, truth: Truth, kills: int, wrong: list[str]) -> Killed:
    header = recording.header
    records = list(recording.records())
    rules = rules_of(header.config, header.instrument, header.capabilities, header.session)
    watched = Watched(rules, records[0].now)
    manager = begin(header)
    in_flight, starts = 0, 0
    for record in records:
        if isinstance(record, Restarted):
            starts += 1
            open_orders = manager.open_orders.values()
            in_flight += sum(order.request is not Request.IDLE for order in open_orders)
        watched.feed(record)
        replay(manager, [record])
    wrong += watched.broken
    if recording.damage is not None:
        wrong.append(f"the journal is {recording.damage}")
    booked = Counter(
        trade for order in manager.orders.values() for leg in order.legs for trade in leg.trades
    )
    wrong += differences(manager.position, booked, set(manager.orders), truth)
    span: Nanos = records[-1].now - records[0].now
    return Killed(
        kills=kills,
        starts=starts,
        records=len(records),
        fills=len(truth.fills),
        orders=len(truth.known),
        market_s=span / 1e9,
        in_flight=in_flight,
        journal=str(recording.path),
        wrong=wrong,
    )


def differences(
    position: int, booked: Mapping[str, int], orders: set[str], truth: Truth
) -> list[str]:
    """Say what the record and the venue do not agree about."""
    happened = Counter(fill.trade_id for fill in truth.fills)
    counted = Counter(booked)
    found = [f"fill {trade} is lost" for trade in (happened - counted)]
    found += [f"fill {trade} was booked without having been" for trade in (counted - happened)]
    if position != truth.position:
        found.append(f"the position is {position} by the record, {truth.position} in truth")
    found += [f"order {cloid} is unknown to the record" for cloid in set(truth.known) - orders]
    found += [f"order {row.cloid} still rests" for row in truth.open]
    for side, most in truth.most_open.items():
        if most > LEVELS:
            found.append(f"{most} orders rested at once on the {side.name.lower()} side")
    if truth.repeated:
        found.append(f"{truth.repeated} places were sent twice under one cloid")
    return found
