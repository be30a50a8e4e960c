"""How much of what is sent leaves a process that dies."""

import pytest

from exchange.commands import Command, Place, QueryOpen
from exchange.market import Row, RowKind
from exchange.paper.generator import GENERATED
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.units import SECOND
from exchange.words import Side
from lifecycle.soak.mortal import DiedError, MortalVenue
from lifecycle.soak.plan import Crash, Where


def batch(count: int) -> tuple[Command, ...]:
    return tuple(
        Place(
            request=number,
            cloid=f"c{number}",
            side=Side.BUY,
            price=19_000 - number,
            qty=500,
            post_only=True,
            reduce_only=False,
            expires_at=0,
        )
        for number in range(1, count + 1)
    )


def mortal(where: Where, *, share: float = 0.5, at: int = 0) -> tuple[MortalVenue, PaperVenue]:
    touch = Row(0, -1, RowKind.BBO, bid=20_000, bid_qty=1_000, ask=20_001, ask_qty=1_000)
    paper = PaperVenue(GENERATED, [touch], latency=LATENCIES["none"])
    venue = MortalVenue(paper)
    venue.crash = Crash(at, where, share, down=0, lost=0)
    return venue, paper


def arrived(paper: PaperVenue) -> int:
    paper.poll(10 * SECOND)
    return len(paper.open_orders())


@pytest.mark.parametrize(
    ("where", "share", "sent", "leaves"),
    [
        (Where.BEFORE, 0.9, 4, 0),
        (Where.AFTER, 0.1, 4, 4),
        (Where.MIDDLE, 0.0, 4, 1),
        (Where.MIDDLE, 0.5, 4, 3),
        (Where.MIDDLE, 0.99, 4, 3),
        (Where.MIDDLE, 0.5, 1, 0),
    ],
)
def test_what_leaves_depends_on_where_the_process_dies(
    where: Where, share: float, sent: int, leaves: int
) -> None:
    venue, paper = mortal(where, share=share)

    with pytest.raises(DiedError):
        venue.submit(batch(sent), SECOND)

    assert arrived(paper) == leaves


def test_nobody_dies_before_his_time() -> None:
    venue, paper = mortal(Where.BEFORE, at=2 * SECOND)

    venue.submit(batch(2), SECOND)

    assert arrived(paper) == 2


def test_nobody_dies_of_a_question() -> None:
    venue, _ = mortal(Where.BEFORE)

    venue.submit((QueryOpen(1, 0),), SECOND)

    assert len(venue.poll(2 * SECOND)) == 1


def test_who_dies_between_two_steps_does_not_die_sending() -> None:
    venue, paper = mortal(Where.IDLE)

    venue.submit(batch(2), SECOND)

    assert arrived(paper) == 2
