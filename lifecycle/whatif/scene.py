"""The market that a script is played on: what its journal saw of it, or a recording of it.

A journal saw the touch once a cycle. What happened between two cycles is only known where it
reached an order of ours: a fill proves that so much traded at that price after all that stood
ahead of the order had gone. Such a trade is put into the market with what stood ahead, so that an
order of a model that stands at the same price then has its turn as well; one that stands at a
better price is hit before it. Whatever else traded between two cycles is not seen. What moved the
touch between two cycles is taken to have happened half-way.

A recording of the same time knows all that the journal does not.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.market import Row, RowKind
from exchange.paper.latency import NO_DELAY
from exchange.paper.venue import PaperVenue
from exchange.recording import MarketError, open_recording
from exchange.units import Nanos, Price
from lifecycle.whatif.script import Proof, Quote, Script

BBO: Final = int(RowKind.BBO)
TRADE: Final = int(RowKind.TRADE)
DEPTH: Final = int(RowKind.DEPTH)


@dataclass(frozen=True, slots=True)
class Scene:
    """A market, and its mid at any time."""

    name: str
    rows: Sequence[Row]
    """In the order of exchange time."""
    mid_at: Callable[[Nanos], Price | None]
    """Returns twice the mid at an exchange time, None where it is not known."""
    is_whole: bool
    """It has all that happened, not only what the journal saw of it."""
    agreement: float = 1.0
    """The share of the cycles whose touch the market has at that time."""


def scene_of_journal(script: Script) -> Scene:
    """Return the market as the journal saw it."""
    rows: dict[Nanos, Row] = {}
    for quote in script.quotes:
        row = _touch(quote)
        if row is not None:
            rows[row.ts] = row
    touches = sorted(rows.values())
    levels = [row for quote in script.quotes for row in _levels(quote)]
    proven = [row for proof in script.proofs for row in _proven(proof)]
    # Sorting is stable: of one time, what a trade left is seen after it.
    moved = _moved(touches, [proof.at for proof in script.proofs])
    ordered = sorted([*proven, *levels, *moved], key=lambda row: row.ts)
    return Scene("the journal", ordered, _between(touches), is_whole=False)


def scene_of_file(script: Script, path: str | Path) -> Scene:
    """Return a recorded market, in the units of the journal.

    Raises:
        MarketError: the file breaks the format, is of another instrument, or of another time.
        OSError: there is no such file, or it cannot be read.

    """
    name = Path(path).name
    recording = open_recording(path, instrument=script.header.instrument)
    seen = [quote.market.at for quote in script.quotes if quote.market.at > 0]
    if seen and not recording.start <= seen[0] <= seen[-1] <= recording.end:
        raise MarketError(
            f"{name}: the market must cover the cycles of the journal, which saw it from {seen[0]} "
            f"to {seen[-1]}, was from {recording.start} to {recording.end}"
        )
    rows = list(recording)
    truth = PaperVenue(script.header.instrument, rows, feed=NO_DELAY)
    truth.poll(recording.end)
    truth.seen(recording.end)
    end = recording.end

    def mid_at(at: Nanos) -> Price | None:
        return truth.mid_at(at) if at <= end else None

    return Scene(name, rows, mid_at, is_whole=True, agreement=_agreement(script, mid_at))


def _agreement(script: Script, mid_at: Callable[[Nanos], Price | None]) -> float:
    seen = [market for quote in script.quotes if (market := quote.market).bid and market.ask]
    same = sum(mid_at(m.at) == (m.bid or 0) + (m.ask or 0) for m in seen)
    return same / len(seen) if seen else 1.0


def _touch(quote: Quote) -> Row | None:
    """Return what a cycle saw, None where that is no book."""
    market = quote.market
    bid, ask = market.bid or 0, market.ask or 0
    if market.at <= 0 or not (bid or ask) or (bid and ask and bid >= ask):
        return None
    return Row(market.at, -1, BBO, bid, market.bid_qty, ask, market.ask_qty)


def _moved(touches: Sequence[Row], proven: Sequence[Nanos]) -> Iterator[Row]:
    """Yield the touches at the times at which they are put into the market.

    A touch became what a cycle saw at some time since the cycle before, or since the last fill;
    half-way is right on the average. Were it just before the cycle that saw it, whatever it fills
    would be missed at the end of each period.
    """
    facts = sorted(proven)
    before: Nanos | None = None
    for row in touches:
        index = bisect_right(facts, row.ts)
        since = row.ts if before is None else before
        if index and facts[index - 1] > since:
            since = facts[index - 1]
        yield row._replace(ts=(since + row.ts) // 2)
        before = row.ts


def _levels(quote: Quote) -> Iterator[Row]:
    """Yield the levels of which a cycle knew how deep they are."""
    at = quote.market.at
    for stand in quote.stands if at > 0 else ():
        depth = stand.queue.ahead + stand.queue.behind
        yield Row(at, -1, DEPTH, price=stand.price, qty=depth, side=int(stand.side), act="U")


def _proven(proof: Proof) -> tuple[Row, Row]:
    """Return what must have happened: what stood ahead of our order is there, and is traded."""
    side = int(proof.side)
    ahead = max(1, proof.ahead)
    at, price = proof.at, proof.price
    return (
        Row(at - 1, -1, DEPTH, price=price, qty=ahead, side=side, act="U"),
        Row(at, -1, TRADE, price=price, qty=ahead + proof.qty, side=-side),
    )


def _between(touches: Sequence[Row]) -> Callable[[Nanos], Price | None]:
    """Return twice the mid as a function of time: on the line between the cycles around it."""
    both = [row for row in touches if row.bid and row.ask]
    times = [row.ts for row in both]

    def mid_at(at: Nanos) -> Price | None:
        index = bisect_left(times, at)
        if index == len(times):
            return None
        after = both[index]
        if after.ts == at:
            return after.bid + after.ask
        if index == 0:
            return None
        before = both[index - 1]
        first, last = before.bid + before.ask, after.bid + after.ask
        return first + round((last - first) * (at - before.ts) / (after.ts - before.ts))

    return mid_at
