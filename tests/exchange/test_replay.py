"""A market that is played in bulk gives, to the last digit, what the plain loop gives."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from exchange.columns import Columns, Sight
from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.market import Market, Row
from exchange.paper.course import Course, Player
from exchange.paper.generator import GENERATED, GeneratorConfig
from exchange.paper.latency import LATENCIES, Latency, Quantiles
from exchange.paper.tape import CutTape, GeneratedTape, Tape
from exchange.paper.venue import PaperVenue
from exchange.reports import Fill, OpenOrder
from exchange.units import MILLISECOND, SECOND, Nanos, Price
from exchange.venue import Capabilities, Received
from exchange.words import Side
from tests.exchange.play import AMEND, INSTRUMENT, REPLACE, bbo, depth, trade

LOW, HIGH = 995, 1006
TRIP = Quantiles((0.0, 0.5, 1.0), (0, 3, 9))
DELAY = Quantiles((0.0, 0.3, 0.3, 1.0), (0, 2, 4, 15))
"""With a step, where the share alone does not say how long it is."""
CLOIDS = ("a", "b", "c", "d")
SENT = tuple[Nanos, tuple[Command, ...]]


class Pieces(Tape):
    """Rows as a tape whose courses have so many packets each, over and over."""

    def __init__(self, rows: Sequence[Row], counts: Sequence[int]) -> None:
        self._rows = rows
        self._counts = counts

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def courses(self) -> Iterator[Course]:
        """Play some packets at a time."""
        packets = [list(same) for _, same in groupby(self._rows, lambda row: row.ts)]
        player, first, turn = Player(), 0, 0
        while first < len(packets):
            last = first + self._counts[turn % len(self._counts)]
            yield player.play(Columns.of([row for rows in packets[first:last] for row in rows]))
            first, turn = last, turn + 1


class Seen:
    """All that a venue says and shows."""

    def __init__(self, venue: PaperVenue) -> None:
        self.venue = venue
        self.received: list[Received] = []
        self.markets: list[Market] = []
        self.rows: list[Row] = []
        self.truths: list[tuple[object, ...]] = []

    def look(self, now: Nanos) -> None:
        """Let time pass, and look at everything."""
        venue = self.venue
        self.received += venue.poll(now)
        self.markets.append(venue.market(now))
        self.rows += venue.seen(now)
        resting: tuple[OpenOrder, ...] = venue.open_orders()
        self.truths.append(
            (now, resting, venue.next_row_time, venue.rows_played, venue.done, venue.position)
        )

    def all(self) -> tuple[object, ...]:
        """Return everything, and what the market was at every time."""
        fills: tuple[Fill, ...] = self.venue.fills
        mids = [self.venue.mid_at(at) for at in range(-1, 300)]
        return self.received, self.markets, self.rows, self.truths, fills, mids


def prices() -> st.SearchStrategy[Price]:
    return st.integers(LOW, HIGH)


@st.composite
def packets(draw: st.DrawFn, ts: Nanos) -> list[Row]:
    """Draw the rows of one exchange time, in the order that they have there; there may be none."""
    qtys, sides = st.integers(0, 9), st.sampled_from((1, -1))
    rows = [
        trade(ts, price, qty, side)
        for price, qty, side in draw(
            st.lists(st.tuples(prices(), qtys, st.integers(-1, 1)), max_size=3)
        )
    ]
    if draw(st.booleans()):
        bid, ask = draw(prices()), draw(prices())
        if bid >= ask:
            # Sometimes one side is empty.
            bid, ask = (bid, 0) if bid % 2 else (0, ask)
        rows.append(bbo(ts, bid, draw(qtys) if bid else 0, ask, draw(qtys) if ask else 0))
    acts = draw(st.sampled_from(("U", "U", "S")))
    rows += [
        depth(ts, side, price, qty, acts)
        for side, price, qty in draw(
            st.lists(st.tuples(sides, prices(), st.integers(-1, 9)), max_size=6)
        )
    ]
    return rows


@st.composite
def markets(draw: st.DrawFn) -> list[Row]:
    gaps = draw(st.lists(st.integers(1, 6), min_size=1, max_size=40))
    ts, rows = 0, []
    for gap in gaps:
        ts += gap
        rows += draw(packets(ts))
    return rows or [trade(1, LOW, 1, 1)]


@st.composite
def commands(draw: st.DrawFn) -> Command:
    cloid = draw(st.sampled_from(CLOIDS))
    side = draw(st.sampled_from(Side))
    price, qty = draw(prices()), draw(st.integers(10, 30))
    kind = draw(st.sampled_from((Place, Place, Modify, Cancel, QueryOrder, QueryOpen)))
    if kind is Place:
        return Place(1, cloid, side, price, qty, draw(st.booleans()), False, 0)
    if kind is Modify:
        return Modify(2, cloid, None, side, price, qty, draw(st.booleans()), False, 0)
    if kind is Cancel:
        return Cancel(3, cloid, None, 0)
    return QueryOrder(4, cloid, None) if kind is QueryOrder else QueryOpen(5, 0)


def sendings() -> st.SearchStrategy[list[SENT]]:
    """Draw what is sent, and how long after what was sent before."""
    some = st.lists(commands(), max_size=3).map(tuple)
    return st.lists(st.tuples(st.integers(0, 9), some), max_size=25)


def venue_of(rows: Iterable[Row], capabilities: Capabilities, share: float) -> PaperVenue:
    return PaperVenue(
        INSTRUMENT,
        rows,
        latency=Latency(place=TRIP, cancel=TRIP, query=TRIP),
        feed=DELAY,
        capabilities=capabilities,
        cancel_share_ahead=share,
    )


def seen(venue: PaperVenue, sent: Sequence[SENT]) -> tuple[object, ...]:
    """Send all that, look each time, and once when everything is over."""
    found, now = Seen(venue), 0
    for gap, some in sent:
        now += gap
        found.look(now)
        venue.submit(some, now)
    found.look(now)
    found.look(400)
    return found.all()


@given(
    markets(),
    sendings(),
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.sampled_from((REPLACE, AMEND)),
    st.sampled_from((0.0, 0.3, 0.5, 1.0)),
)
def test_whatever_is_sent_both_loops_say_and_show_the_same(
    rows: list[Row],
    sent: list[SENT],
    counts: list[int],
    capabilities: Capabilities,
    share: float,
) -> None:
    plain = seen(venue_of(rows, capabilities, share), sent)
    bulk = seen(venue_of(Pieces(rows, counts), capabilities, share), sent)

    assert bulk == plain


def test_a_tape_is_seen_in_columns_and_mere_rows_are_seen_as_rows() -> None:
    rows = [bbo(1, 1000, 1, 1001, 1), trade(2, 1000, 1, -1)]
    plain, bulk = venue_of(rows, REPLACE, 0.5), venue_of(Pieces(rows, [1]), REPLACE, 0.5)
    plain.poll(99)
    bulk.poll(99)

    sight = bulk.sight(99)

    assert isinstance(sight, Sight)
    assert list(sight) == plain.sight(99) == rows


@given(markets(), st.integers(0, 120), st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_of_a_tape_that_is_cut_nothing_later_happens(
    rows: list[Row], end: Nanos, counts: list[int]
) -> None:
    sent = [(5 * n, (Place(n, c, s, 1000, 20, True, False, 0),)) for n, (c, s) in enumerate(
        zip(CLOIDS, (Side.BUY, Side.SELL, Side.BUY, Side.SELL), strict=True)
    )]  # fmt: skip
    kept = [row for row in rows if row.ts <= end]

    plain = seen(venue_of(kept, REPLACE, 0.5), sent)
    bulk = seen(venue_of(CutTape(Pieces(rows, counts), end), REPLACE, 0.5), sent)

    assert bulk == plain


@given(markets(), sendings(), st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_while_it_is_quiet_nothing_would_have_been_heard(
    rows: list[Row], sent: list[SENT], counts: list[int]
) -> None:
    plain = venue_of(rows, REPLACE, 0.5)
    bulk = venue_of(Pieces(rows, counts), REPLACE, 0.5)
    now = 0
    for gap, some in sent:
        until = now + 10 * gap
        while now < until:
            quiet = bulk.quiet_until(until)
            early = plain.poll(quiet - 1) if quiet > now else []
            now = max(quiet, now + 1)
            late = plain.poll(now)

            assert early == []
            assert bulk.poll(now) == late
            assert bulk.market(now) == plain.market(now)
        plain.submit(some, now)
        bulk.submit(some, now)

    assert bulk.fills == plain.fills


def ladder(mid: Price, number: int) -> list[Command]:
    """Return a ladder of places around a price, and the cancels of the one before."""
    gone: list[Command] = [Cancel(1, f"{s}{level}-{number - 1}", None, 0) for s in "bs"
                           for level in range(10)]  # fmt: skip
    bids: list[Command] = [
        Place(2, f"b{level}-{number}", Side.BUY, mid - 1 - level, 1000, True, False, 0)
        for level in range(10)
    ]
    asks: list[Command] = [
        Place(3, f"s{level}-{number}", Side.SELL, mid + 1 + level, 1000, True, False, 0)
        for level in range(10)
    ]
    return [*(gone if number else []), *bids, *asks]


def quoted(rows: Iterable[Row], seed: int, minutes: int) -> Seen:
    """Quote a ladder around the mid, a new one each six seconds."""
    venue = PaperVenue(GENERATED, rows, latency=LATENCIES["slow"], seed=seed)
    found = Seen(venue)
    for number in range(10 * minutes):
        now = 6 * SECOND * (number + 1)
        for later in range(0, 6000, 700):
            found.look(now - 6 * SECOND + later * MILLISECOND)
        found.look(now)
        market = found.markets[-1]
        if market.bid is not None and market.ask is not None:
            venue.submit(ladder((market.bid + market.ask) // 2, number), now)
    return found


def test_a_ladder_on_generated_markets_is_the_same_on_both_loops() -> None:
    for seed in (1, 2, 3):
        config = GeneratorConfig(volatility_bps_per_sqrt_minute=2.0 + 8.0 * seed)
        end = 3 * 60 * SECOND
        plain = quoted(iter(CutTape(GeneratedTape(config, seed), end)), seed, 3)
        bulk = quoted(CutTape(GeneratedTape(config, seed), end), seed, 3)

        assert bulk.all() == plain.all()
        assert len(bulk.received) > 900
