"""What is told of orders: the numbers are those that the manager decided by."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import pytest

from exchange.commands import Place
from exchange.market import Market, Queue
from exchange.reports import Accepted, Disconnected, Reconnected
from exchange.venue import Capabilities
from lifecycle.config import Config
from lifecycle.core.manager import OrderManager
from lifecycle.core.traced import TracedManager
from lifecycle.explain.life import Life, tell_life
from lifecycle.explain.story import Orders, find, tell_orders
from lifecycle.explain.words import ACTIONS, REASONS
from lifecycle.journal import Header, JournalError
from lifecycle.journal.memory import MemoryJournal
from spec.states import State
from spec.trace import Action, Cycled, Reason, Record, Target, Targets
from tests.lifecycle.audit.journals import AMENDS, a_run
from tests.lifecycle.journal.runs import a_run as a_troubled_run
from tests.lifecycle.journal.runs import header_of
from tests.spec.invariants.records import INSTRUMENT, cycle, place

LEFT: Final = (Action.KEEP, Action.WAIT)
LIVES: Final = 5
"""Orders told one by one: each is a replay of its own."""
ENDS: Final = {State.FILLED, State.CANCELLED, State.REJECTED}


def orders(journal: MemoryJournal) -> Orders:
    return tell_orders("a", journal.header, journal.records)


def life(journal: MemoryJournal, cloid: str, *, fold: bool = True) -> Life:
    return tell_life("a", journal.header, journal.records, cloid, fold=fold)


@pytest.fixture(scope="module", params=["stable", "legacy", "amends"])
def journal(request: pytest.FixtureRequest) -> MemoryJournal:
    if request.param == "amends":
        return a_run(capabilities=AMENDS)
    return a_run(request.param)


@pytest.fixture(scope="module")
def troubled() -> MemoryJournal:
    """Return the journal of a life in which requests are lost."""
    world = a_troubled_run(150, seed=9)
    journal = MemoryJournal(header_of(world))
    journal.records = list(world.trace)
    return journal


def test_every_order_has_a_line_in_the_order_of_placing(journal: MemoryJournal) -> None:
    placed = [
        command.cloid
        for record in journal.records
        if isinstance(record, Cycled)
        for command in record.plan.commands
        if isinstance(command, Place)
    ]

    told = orders(journal)

    assert [line.cloid for line in told.orders] == placed
    assert all(line.kept <= line.cycles for line in told.orders)
    assert all(sum(count for _, count in line.why) == line.kept for line in told.orders)
    assert all((line.ended_at is None) == (line.state not in ENDS) for line in told.orders)


def test_the_band_that_is_told_is_the_one_that_was_decided_by(journal: MemoryJournal) -> None:
    bands = []
    for line in orders(journal).orders[:LIVES]:
        for row in life(journal, line.cloid, fold=False).rows:
            if row.numbers is not None and row.decision is not None:
                bands.append((row.numbers.band, row.decision.band))
                assert row.numbers.drift == row.decision.price - row.decision.target
    # A place has the band of its level: it has no queue and no drift yet.
    assert len(bands) > 5
    assert [told for told, _ in bands] == [decided for _, decided in bands]


def test_folding_loses_no_cycle(journal: MemoryJournal) -> None:
    for line in orders(journal).orders[:LIVES]:
        folded, whole = (life(journal, line.cloid, fold=fold) for fold in (True, False))

        cycles = [sum(row.count for row in told.rows if row.decision) for told in (folded, whole)]
        assert cycles[0] == cycles[1] == line.cycles + 1
        assert len(folded.rows) <= len(whole.rows)
        for row in folded.rows:
            if row.count > 1:
                assert row.decision is not None
                assert row.decision.action in LEFT
                assert row.until > row.at


def test_the_states_of_a_life_follow_each_other(journal: MemoryJournal) -> None:
    for line in orders(journal).orders[:LIVES]:
        rows = life(journal, line.cloid).rows

        assert rows[0].before is None
        for one, other in pairwise(rows):
            assert other.before is one.after


def test_troubles_are_told(troubled: MemoryJournal) -> None:
    told = orders(troubled)
    lives = [life(troubled, line.cloid) for line in told.orders]
    said = "\n".join("; ".join(row.words) for one in lives for row in one.rows)

    for words in ("no answer to its ", "asked about it: request", "a snapshot lacks it"):
        assert words in said
    assert any(State.IN_DOUBT in (row.before, row.after) for one in lives for row in one.rows)


def test_of_each_life_every_change_of_state_has_a_row(troubled: MemoryJournal) -> None:
    for line in orders(troubled).orders[:LIVES]:
        rows = life(troubled, line.cloid).rows

        states = [rows[0].before, *(row.after for row in rows)]
        assert all(row.before is state for row, state in zip(rows, states, strict=False)), (
            line.cloid
        )


def test_a_cycle_has_the_numbers_of_its_own_place_in_the_queue() -> None:

    records: list[Record] = []
    manager = TracedManager(OrderManager(INSTRUMENT, config=Config()), records.append)
    wanted = Targets((Target(20_000, 10),), (Target(20_010, 10),))

    (bid, ask) = manager.cycle(1, wanted, Market(1, 19_999, 20_011)).commands
    for command in (bid, ask):
        assert isinstance(command, Place)
        manager.receive(Accepted(2, command.cloid, command.cloid, command.request), 2)
    assert isinstance(bid, Place)
    for at, queue in ((3, Queue(5, 5)), (4, Queue(5, 5)), (5, Queue(0, 10))):
        market = Market(at, 19_999, 20_011, queues={bid.cloid: queue})
        manager.cycle(at, wanted, market)

    header = Header.of_now("0", INSTRUMENT, Capabilities(), Config())

    rows = tell_life("a", header, records, bid.cloid, fold=False).rows

    factors = [row.numbers.queue_factor for row in rows if row.numbers is not None]
    assert factors == [1.0, 1.25, 1.25, 1.5]


def test_what_befalls_the_whole_account_is_told_of_each_open_order() -> None:
    records: list[Record] = []
    manager = TracedManager(OrderManager(INSTRUMENT, config=Config()), records.append)
    wanted = Targets((Target(20_000, 10),))
    (bid,) = manager.cycle(1, wanted, Market(1, 19_999, 20_011)).commands
    assert isinstance(bid, Place)
    manager.receive(Disconnected(2), 2)
    manager.restarted(3, "later")
    manager.receive(Reconnected(4), 4)
    manager.halt(5, "signal SIGTERM")
    header = Header.of_now("0", INSTRUMENT, Capabilities(), Config())

    rows = tell_life("a", header, records, bid.cloid).rows

    assert [row.words[0] for row in rows[1:]] == [
        "the report stream broke",
        "restarted: what was in flight is in doubt",
        "the report stream is back",
        "halted, everything is to go: signal SIGTERM",
    ]
    assert (rows[2].before, rows[2].after) == (State.PENDING_NEW, State.IN_DOUBT)


def test_a_journal_that_is_decided_otherwise_is_refused() -> None:
    journal = a_run()
    records = [record for record in journal.records if isinstance(record, Cycled)]

    with pytest.raises(JournalError, match="must be decided as it was by version"):
        tell_orders("a", journal.header, records)


def named(*cloids: str) -> Sequence[Record]:
    """Return a trace that places orders of these names."""
    return [cycle(1, (), sends=[place(n, cloid) for n, cloid in enumerate(cloids, start=1)])]


@pytest.mark.parametrize(
    ("text", "found"), [("aa1", "aa1"), ("aa", "aa"), ("b", "bb2"), ("2", "bb2")]
)
def test_a_beginning_or_an_end_is_enough(text: str, found: str) -> None:
    assert find(named("aa", "aa1", "bb2"), text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zz", "CLOID must name one of 3 orders, was 'zz'"),
        ("a", "CLOID must name one order, 'a' fits 2: aa, aa1"),
    ],
)
def test_what_fits_none_or_several_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        find(named("aa", "aa1", "bb2"), text)


def test_every_action_and_every_reason_has_its_words() -> None:
    assert set(ACTIONS) == set(Action)
    assert set(REASONS) == set(Reason)
