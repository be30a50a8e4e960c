"""A journal played again: the same settings give the same run, others give what they would."""

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from exchange.market import Row, RowKind
from exchange.recording import MarketError, write
from exchange.units import MINUTE, SECOND, Nanos
from exchange.words import Side
from lifecycle.journal.base import JournalError
from lifecycle.journal.memory import MemoryJournal
from lifecycle.run.frame import Summary
from lifecycle.run.market import LoadedMarket
from lifecycle.run.session import Session
from lifecycle.whatif.comparison import (
    AS_IT_WAS,
    RECORDED,
    SAME,
    UNSEEN,
    WHOLE,
    Comparison,
    Trial,
    compared,
)
from lifecycle.whatif.model import Model, named_trips
from lifecycle.whatif.recorded import Recorded
from lifecycle.whatif.scene import Scene, scene_of_file, scene_of_journal
from lifecycle.whatif.script import Script
from spec.trace import Cycled, Reported, Restarted
from tests.lifecycle.whatif.runs import journalled, read_again, run_of, with_latch

OTHERWISE = {"policy", "market", "rows", "kept_by", "suppressed", "alerts"}
"""What a replay says of itself, or does not count."""
AT_THE_END = OTHERWISE | {
    "calls_per_minute", "presence", "seconds", "series", "staleness_limit_bps",
    "staleness_rms_bps", "timeline",
}  # fmt: skip
"""What also depends on how long a run goes on after the last that happens in it."""

CALLS_OFF: float = 0.15
"""The tolerance of the model's calls, as a share."""

Run = tuple[MemoryJournal, Session, LoadedMarket]


@pytest.fixture(scope="module")
def run() -> Run:
    """Return a run in which orders fill and cycles come before their time."""
    return journalled(run_of(minutes=12))


@pytest.fixture
def recorded_market(recorded: Callable[[str], Path]) -> Run:
    """Return a quarter of an hour on a recorded market."""
    config = run_of(minutes=15, seed=1)
    file = str(recorded("hl_eth_20250904"))
    return journalled(structs.replace(config, market=structs.replace(config.market, file=file)))


@pytest.fixture(scope="module")
def board(run: Run) -> Comparison:
    """Return the run beside others, on what its journal saw."""
    return side_by_side(run)


def scene_of_run(script: Script, market: LoadedMarket, folder: Path) -> Scene:
    path = folder / "market.csv"
    write(path, market.instrument, market.rows())
    return scene_of_file(script, path)


def numbers(summary: Summary, without: set[str] = OTHERWISE) -> dict[str, object]:
    found: dict[str, object] = structs.asdict(summary)
    return {name: value for name, value in found.items() if name not in without}


def side_by_side(run: Run, scene: Scene | None = None, latency: str = RECORDED) -> Comparison:
    reader = read_again(run[0])
    script = reader.script()
    own = script.header.config
    trials = [Trial(f"latch {bps}", with_latch(own, bps), {}) for bps in (1.0, 3.0, 8.0)]
    scene = scene_of_journal(script) if scene is None else scene
    return compared(reader, script, scene, trials, latency=latency, seed=2)


def test_a_journal_counts_as_its_run_did(run: Run) -> None:
    reader = read_again(run[0])
    script = reader.script()
    again = reader.summary(run[1].venue.mid_at)

    assert sum(quote.is_early for quote in script.quotes) > 2
    assert again.fills > 2
    assert numbers(again, AT_THE_END) == numbers(run[1].summary(), AT_THE_END)


@pytest.mark.parametrize("policy", ["stable", "legacy"])
def test_with_its_market_latency_and_seed_a_run_is_repeated_to_the_last_digit(
    policy: str, tmp_path: Path
) -> None:
    journal, _, market = journalled(run_of(minutes=8, seed=3), policy)
    reader = read_again(journal)
    script = reader.script()
    scene = scene_of_run(script, market, tmp_path)

    found = compared(reader, script, scene, [], latency="fast", seed=3)

    was, model = (column.summary for column in found.columns)
    assert was.calls > 5
    assert scene.agreement == 1.0
    assert numbers(model) == numbers(was)


def test_the_repeated_run_sends_the_recorded_commands_at_the_recorded_times(
    run: Run, tmp_path: Path
) -> None:
    script = read_again(run[0]).script()
    scene = scene_of_run(script, run[2], tmp_path)
    own = script.header.config
    model = Model(script, scene, own, trips=named_trips("fast"), seed=2, name="")
    again: list[object] = []
    model.listen(again.append)

    model.play()

    assert again == run[0].records


def test_on_a_recorded_market_the_journal_is_made_again(recorded_market: Run) -> None:
    """Here orders are refilled twice within a second, and fill in parts."""
    journal, _, market = recorded_market
    script = read_again(journal).script()
    scene = Scene("", list(market.rows()), lambda _: None, is_whole=True)
    own = script.header.config
    model = Model(script, scene, own, trips=named_trips("fast"), seed=1, name="")
    again: list[object] = []
    model.listen(again.append)

    model.play()

    assert sum(quote.is_early for quote in script.quotes) > 2
    assert again == journal.records


def test_on_what_the_journal_saw_the_model_comes_close_to_the_run(board: Comparison) -> None:
    was, model = (column.summary for column in board.columns[:2])

    assert abs(model.calls - was.calls) <= CALLS_OFF * was.calls
    assert abs(model.fills - was.fills) <= 1
    assert model.presence.bid == pytest.approx(was.presence.bid, abs=0.02)
    assert was.staleness_rms_bps is not None
    assert model.staleness_rms_bps == pytest.approx(was.staleness_rms_bps, rel=0.15)
    assert model.violations == was.violations == 0


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_wider_latch_makes_fewer_calls_and_staler_quotes(
    run: Run, board: Comparison, is_whole: bool, tmp_path: Path
) -> None:
    script = read_again(run[0]).script()
    found = side_by_side(run, scene_of_run(script, run[2], tmp_path)) if is_whole else board

    assert found.notes == ((WHOLE,) if is_whole else (UNSEEN,))
    narrow, middle, wide = (column.summary for column in found.columns[2:])
    assert narrow.calls > middle.calls > wide.calls
    stale = [one.staleness_rms_bps or math.nan for one in (narrow, middle, wide)]
    assert stale[0] < stale[1] < stale[2]
    assert narrow.zero_action < middle.zero_action < wide.zero_action
    assert not any(column.summary.violations for column in found.columns)


def test_the_columns_are_the_run_its_model_and_what_was_tried(board: Comparison) -> None:
    names = [column.name for column in board.columns]

    assert names == [AS_IT_WAS, SAME, "latch 1.0", "latch 3.0", "latch 8.0"]
    assert board.notes == (UNSEEN,)
    assert "round trips" in board.latency


def test_two_replays_of_one_seed_are_equal_to_the_last_digit(run: Run, board: Comparison) -> None:
    assert msgspec.json.encode(side_by_side(run)) == msgspec.json.encode(board)


def test_another_market_of_that_time_is_doubted(run: Run, tmp_path: Path) -> None:
    script = read_again(run[0]).script()
    other = journalled(run_of(minutes=12, seed=9))[2]
    scene = scene_of_run(script, other, tmp_path)

    reader = read_again(run[0])
    found = compared(reader, reader.script(), scene, [], latency="slow", seed=1)

    assert found.latency == "latency slow"
    [_, doubt] = found.notes
    assert "it may be another market" in doubt


def test_a_market_of_another_time_is_refused(run: Run, tmp_path: Path) -> None:
    script = read_again(run[0]).script()
    path = tmp_path / "short.csv"
    write(path, run[2].instrument, (r for r in run[2].rows() if r.ts < 5 * MINUTE))

    with pytest.raises(MarketError, match=r"short\.csv: the market must cover the cycles"):
        scene_of_file(script, path)


def test_a_restart_is_played_at_its_time_with_its_prefix() -> None:
    def restart(session: Session, now: Nanos) -> None:
        session.driver.start(now, "b")

    run = journalled(run_of(minutes=5), at_cycle=20, happens=restart)
    assert any(isinstance(record, Restarted) for record in run[0].records)

    found = side_by_side(run)

    was, model = (column.summary for column in found.columns[:2])
    assert model.cycles == pytest.approx(was.cycles, abs=1)
    assert model.violations == 0
    assert model.placed >= 2


def test_while_the_process_was_dead_the_model_hears_nothing() -> None:
    """The journal's times from the restart on are shifted by an hour: so long nobody was there."""
    dead = 60 * MINUTE

    def restart(session: Session, now: Nanos) -> None:
        session.driver.start(now, "b")

    journal, _, _ = journalled(run_of(minutes=3), at_cycle=15, happens=restart)
    first = next(i for i, r in enumerate(journal.records) if isinstance(r, Restarted))
    begun = journal.records[first].now
    reader = Recorded(journal.header, "run.journal")
    for record in journal.records[:first]:
        reader.feed(record)
    reader.feed(structs.replace(journal.records[first], now=begun + dead))
    script = reader.script()
    model = Model(
        script,
        scene_of_journal(script),
        script.header.config,
        trips=script.trips,
        seed=1,
        name="",
    )
    heard: list[Nanos] = []
    model.listen(lambda record: heard.append(record.now))

    model.play()

    between = [now for now in heard if script.events[-1].at - dead < now < begun + dead]
    assert between == []
    assert heard[-1] == begun + dead


def test_after_a_halt_the_model_withdraws_as_well() -> None:
    def halt(session: Session, now: Nanos) -> None:
        session.driver.halt(now, "enough")

    run = journalled(run_of(minutes=4), at_cycle=20, happens=halt)

    was, model = (column.summary for column in side_by_side(run).columns[:2])
    assert was.cancelled == model.cancelled == 2


def test_a_journal_without_a_cycle_cannot_be_replayed(run: Run) -> None:
    journal = run[0]
    reader = Recorded(journal.header, "run.journal")
    for record in journal.records[:1]:
        assert not isinstance(record, Cycled)
        reader.feed(record)

    with pytest.raises(JournalError, match="must have cycles to replay, has none among 1 records"):
        reader.script()


def test_a_journal_that_is_not_reproduced_is_refused(run: Run) -> None:
    journal = run[0]
    index = next(i for i, r in enumerate(journal.records) if isinstance(r, Cycled))
    cycle = journal.records[index]
    assert isinstance(cycle, Cycled)
    reader = Recorded(journal.header, "run.journal")
    for record in journal.records[:index]:
        reader.feed(record)

    with pytest.raises(JournalError, match=f"this one decides otherwise at record {index}"):
        reader.feed(structs.replace(cycle, plan=structs.replace(cycle.plan, commands=())))


# The market as a journal sees it.


def test_a_fill_is_a_trade_after_all_that_stood_ahead_had_gone(run: Run) -> None:
    script = read_again(run[0]).script()
    rows = scene_of_journal(script).rows
    proof = script.proofs[0]

    before, trade = _rows_of(rows, proof.at)
    assert (trade.price, trade.side) == (proof.price, -proof.side)
    assert trade.qty == max(1, proof.ahead) + proof.qty
    assert (before.price, before.qty, before.side) == (
        proof.price,
        max(1, proof.ahead),
        proof.side,
    )
    assert len(script.proofs) == run[1].summary().fills


def _rows_of(rows: object, at: Nanos) -> tuple[Row, Row]:
    assert isinstance(rows, list)
    [before] = [row for row in rows if row.ts == at - 1]
    [trade] = [row for row in rows if row.ts == at and row.kind == RowKind.TRADE]
    return before, trade


def test_what_moved_the_touch_between_two_cycles_happened_half_way(run: Run) -> None:
    script = read_again(run[0]).script()
    touches = [row for row in scene_of_journal(script).rows if row.kind == RowKind.BBO]
    first, second = (quote.market for quote in script.quotes[:2])

    assert touches[0].ts == first.at
    assert touches[1].ts == (first.at + second.at) // 2
    assert touches[1].bid == second.bid


def test_between_two_cycles_the_mid_is_on_the_line(run: Run) -> None:
    script = read_again(run[0]).script()
    scene = scene_of_journal(script)
    seen = [quote.market for quote in script.quotes]
    one, other = seen[0], seen[1]
    mids = [(market.bid or 0) + (market.ask or 0) for market in (one, other)]

    middle = scene.mid_at((one.at + other.at) // 2)

    assert scene.mid_at(one.at) == mids[0]
    assert middle == pytest.approx(sum(mids) / 2, abs=1)
    assert scene.mid_at(seen[-1].at + 1) is None
    assert scene.mid_at(seen[0].at - 1) is None


def test_an_order_that_nobody_cancelled_makes_the_next_cycle_early(run: Run) -> None:
    script = read_again(run[0]).script()
    fills = [
        record.now
        for record in run[0].records
        if isinstance(record, Reported) and type(record.report).__name__ == "Fill"
    ]
    early = [quote.at for quote in script.quotes if quote.is_early]

    assert early
    assert all(any(0 <= at - fill < SECOND for fill in fills) for at in early)
    on_time = [quote.at for quote in script.quotes if not quote.is_early]
    assert {at % (6 * SECOND) for at in on_time} == {0}
    assert all(proof.side in (Side.BUY, Side.SELL) for proof in script.proofs)
