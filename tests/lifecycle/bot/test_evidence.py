"""What is sampled of a market's book is what its levels come to, one by one."""

from hypothesis import given
from hypothesis import strategies as st

from exchange.market import Row, RowKind
from exchange.units import SECOND, Nanos, Price, Qty
from lifecycle.bot.evidence import LEVELS_MIN, Sampler
from tests.exchange.play import bbo, depth

MID = 1_000
CHANGES = st.tuples(st.sampled_from((1, -1)), st.integers(-12, 12), st.integers(-1, 5))
BATCHES = st.lists(
    st.tuples(st.lists(CHANGES, max_size=12), st.integers(-9, 9), st.sampled_from("UUUS")),
    min_size=2,
    max_size=12,
)


def market(batches: list[tuple[list[tuple[int, int, Qty]], int, str]]) -> list[Row]:
    """Begin with a deep book; then, each second, levels change, and the touch goes on."""
    rows = [
        depth(0, side, MID - side * level, level, "S") for side in (1, -1) for level in range(1, 10)
    ]
    rows.append(bbo(0, MID - 1, 1, MID + 1, 1))
    for second, (changes, move, act) in enumerate(batches, start=1):
        ts = second * SECOND
        # Levels lie on either side of the mid: the touch may have gone on without them.
        rows += [depth(ts, side, MID + off, qty, act) for side, off, qty in changes]
        rows.append(bbo(ts, MID + move - 1, 1, MID + move + 1, 1))
    return rows


def summed(rows: list[Row]) -> list[tuple[Nanos, float]]:
    """Sample the book whenever a batch of depth rows begins, level by level."""
    found = []
    book: dict[int, dict[Price, Qty]] = {1: {}, -1: {}}
    batch, mid = -1, 0.0
    for row in rows:
        if row.kind == RowKind.BBO:
            mid = (row.bid + row.ask) / 2
            continue
        if row.ts != batch:
            if batch >= 0 and min(map(len, book.values())) >= LEVELS_MIN:
                levels = [level for side in book.values() for level in side.items()]
                moment = sum(qty * abs(price - mid) for price, qty in levels)
                found.append((batch, sum(qty for _, qty in levels) * mid / moment))
            batch = row.ts
            if row.act == "S":
                book = {1: {}, -1: {}}
        if row.qty > 0:
            book[row.side][row.price] = row.qty
        else:
            book[row.side].pop(row.price, None)
    return found


@given(BATCHES)
def test_a_sample_of_the_book_is_what_its_levels_come_to(
    batches: list[tuple[list[tuple[int, int, Qty]], int, str]],
) -> None:
    sampler = Sampler()
    rows = market(batches)

    for row in rows:
        sampler.see(row)

    assert list(sampler.depths) == summed(rows)
