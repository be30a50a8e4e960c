"""The log: what each record is as a line, and that every line keeps to the documented schema."""

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, get_args

import msgspec
import pytest

from exchange.commands import Cancel, Place, QueryOpen, QueryOrder
from exchange.market import Market
from exchange.reports import (
    Accepted,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    ModifyRejected,
    OpenOrder,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import SECOND
from exchange.venue import Capabilities
from exchange.words import Alive, Outcome, Side
from lifecycle.config import STABLE
from lifecycle.journal.base import Header
from lifecycle.journal.reading import read_journal
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.observe.lines import (
    AlertLine,
    CycleLine,
    DivergenceLine,
    FillLine,
    GuardLine,
    HaltLine,
    Line,
    LostLine,
    NotedLine,
    RejectLine,
    RestartLine,
    SightedLine,
    StartLine,
    UnansweredLine,
    ViolationLine,
)
from lifecycle.observe.log import CycleLog, iso
from spec.trace import (
    Action,
    Cycled,
    Decision,
    Divergence,
    Halted,
    Plan,
    Reaction,
    Reason,
    Record,
    Reported,
    Restarted,
    Targets,
    Ticked,
    Unanswered,
)
from tests.lifecycle.observe import live
from tests.story import INSTRUMENT

DOCS: Final = Path(__file__).resolve().parents[3] / "docs" / "observability.md"
NOTHING: Final = Reaction()
BOOK: Final = Market(0, 19_990, 20_010)
ACCEPTED: Final = Accepted(1, "000000001", "101", 1)


@dataclass
class Out:
    """A place for lines that can be full, and can be rotated."""

    lines: list[bytes] = field(default_factory=list)
    is_full: bool = False

    def write(self, line: bytes) -> bool:
        """Keep a line, unless full."""
        if not self.is_full:
            self.lines.append(line)
        return not self.is_full

    def reopen(self) -> None:
        """Leave a mark where the new file begins."""
        self.lines.append(b"-- rotated --\n")

    def close(self) -> None:
        """Take no more."""
        self.is_full = True


def a_log() -> tuple[CycleLog, Out]:
    out = Out()
    return CycleLog(out, INSTRUMENT, policy="stable", session="s1"), out


def read(out: Out) -> list[Line]:
    return [msgspec.json.decode(line, type=Line) for line in out.lines]


def told(*records: Record) -> list[Line]:
    """Return what a log makes of records, without its first line."""
    log, out = a_log()
    for record in records:
        log.feed(record)
    return read(out)[1:]


def reported(report: Report, now: int = 1) -> Reported:
    return Reported(now, report, NOTHING)


def cycled(*reasons: Reason, now: int = 1) -> Cycled:
    """Return a cycle in which one bid waits for each of these reasons."""
    decisions = tuple(
        Decision(f"c{n}", Side.BUY, n, Action.WAIT, reason, 19_990, 20_000, 10, 10, 6)
        for n, reason in enumerate(reasons)
    )
    return Cycled(now, Targets(), BOOK, Plan((), decisions, 0))


def test_a_log_begins_with_what_its_numbers_mean() -> None:
    log, out = a_log()

    log.feed(cycled())

    first = read(out)[0]
    assert isinstance(first, StartLine)
    assert (first.instrument, first.policy, first.session) == ("STORY", "stable", "s1")
    assert (first.schema, first.price_unit, first.lot) == (1, "0.1", "0.01")


def test_a_real_run_has_a_line_for_every_cycle_and_every_fill() -> None:
    records: list[Record] = []
    manager = live.run(records.append)
    out = Out()
    log = CycleLog(out, live.MARKET.instrument)

    for record in records:
        log.feed(record)

    lines = read(out)
    cycles = [line for line in lines if isinstance(line, CycleLine)]
    fills = [line for line in lines if isinstance(line, FillLine)]
    assert [line.cycle for line in cycles] == list(range(1, len(cycles) + 1))
    assert len(cycles) == sum(isinstance(record, Cycled) for record in records) > 50
    signed = sum(fill.qty_lots if fill.side == "buy" else -fill.qty_lots for fill in fills)
    assert signed == manager.position
    assert sum(line.placed for line in cycles) > len(fills) / 2 > 5
    assert {line.bids_wanted for line in cycles} == {live.LEVELS}
    assert max(line.bids_open for line in cycles) == live.LEVELS


def test_a_line_is_one_line_and_comes_back_as_it_was() -> None:
    records: list[Record] = []
    live.run(records.append)
    out = Out()
    log = CycleLog(out, live.MARKET.instrument)

    for record in records:
        log.feed(record)

    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in out.lines)
    assert [msgspec.json.encode(line) + b"\n" for line in read(out)] == out.lines


def test_a_cycle_line_counts_what_the_cycle_did() -> None:
    place = Place(1, "a", Side.BUY, 20_000, 10, True, False, 0)
    cancel = Cancel(2, "b", "101", 0)
    decisions = (
        Decision("a", Side.BUY, 0, Action.PLACE, Reason.UNCOVERED, 0, 20_000, 0, 10, 6),
        Decision("b", Side.SELL, -1, Action.CANCEL, Reason.WITHDRAWN, 20_100, 0, 10, 0, 0),
        Decision("c", Side.SELL, 0, Action.KEEP, Reason.LATCHED, 20_050, 20_047, 10, 10, 6),
    )
    commands = (place, cancel, QueryOpen(3, 0))
    plan = Plan(commands, decisions, position=-4, step=2)

    line = told(Cycled(SECOND, Targets(), BOOK, plan))[0]

    assert isinstance(line, CycleLine)
    assert (line.placed, line.modified, line.cancelled, line.queried) == (1, 0, 1, 1)
    assert (line.bids_open, line.asks_open) == (0, 2)
    assert line.actions == {"cancel": 1, "keep": 1, "place": 1}
    assert line.reasons == {"latched": 1, "uncovered": 1, "withdrawn": 1}
    assert (line.position_lots, line.step_price_units, line.market_age_ns) == (-4, 2, SECOND)
    assert (line.band_price_units_min, line.drift_price_units_max) == (6, 3)


def test_notes_go_on_the_next_cycle_and_no_further() -> None:
    log, out = a_log()

    log.note(headroom=0.5, why="test")
    log.feed(cycled())
    log.feed(cycled())

    notes = [line.notes for line in read(out) if isinstance(line, CycleLine)]
    assert notes == [{"headroom": 0.5, "why": "test"}, {}]


def test_a_note_must_be_a_plain_value() -> None:
    log, _ = a_log()

    with pytest.raises(ValueError, match=r"^the note size must be a plain value, was Decimal"):
        log.note(size=Decimal(1))  # type: ignore[arg-type]


def test_a_fill_that_is_repeated_by_a_snapshot_is_one_line() -> None:
    fill = Fill(1, None, "101", 4, 20_000, "t1", Side.SELL)
    other = Fill(2, None, "101", 6, 20_000, "t2")
    snapshot = Snapshot(3, (), (fill, other))

    lines = told(reported(fill), reported(fill), reported(snapshot))

    fills = [(line.trade_id, line.side) for line in lines if isinstance(line, FillLine)]
    assert fills == [("t1", "sell"), ("t2", "unknown")]


@pytest.mark.parametrize(
    ("report", "request_"),
    [
        (Rejected(1, "a", "tick", 1), "place"),
        (ModifyRejected(1, "a", "tick", Alive.YES, 1), "modify"),
        (CancelRejected(1, "a", "tick", 1), "cancel"),
    ],
)
def test_a_refusal_names_the_request_and_the_venues_words(report: Report, request_: str) -> None:
    line = told(reported(report))[0]

    assert isinstance(line, RejectLine)
    assert (line.request, line.cloid, line.why) == (request_, "a", "tick")


def test_what_is_usual_makes_no_line() -> None:
    assert told(reported(ACCEPTED), Ticked(2, NOTHING)) == []


def test_an_unanswered_request_is_told() -> None:
    line = told(Unanswered(1, Cancel(2, "a", "101", 0), Outcome.SERVER_ERROR, NOTHING))[0]

    assert isinstance(line, UnansweredLine)
    assert (line.request, line.cloid, line.outcome) == ("cancel", "a", "server_error")


def test_a_restart_says_what_is_in_doubt_and_the_snapshot_what_was_missed() -> None:
    missed = Fill(2, None, "101", 4, 20_000, "t1", Side.BUY)
    asked = Reaction((QueryOrder(5, "a", None), QueryOrder(6, "b", None), QueryOpen(7, 0)))
    row = OpenOrder("102", "b", Side.BUY, 20_000, 10)
    old = Snapshot(0, ())
    snapshot = Snapshot(4, (row,), (missed,))

    lines = told(Restarted(1, asked, "s2"), reported(old, 3), reported(snapshot, 5))

    restart, fill, sighted = lines
    assert isinstance(restart, RestartLine)
    assert (restart.session, restart.in_doubt) == ("s2", 2)
    assert isinstance(fill, FillLine)
    assert isinstance(sighted, SightedLine)
    assert (sighted.after, sighted.blind_ns) == ("restart", 4)
    assert (sighted.open, sighted.fills, sighted.filled_lots) == (1, 1, 4)


def test_sight_comes_back_only_with_a_snapshot_after_the_reconnection() -> None:
    records = [
        reported(Disconnected(1), 1),
        reported(Snapshot(2, ()), 2),
        reported(Reconnected(3), 3),
        reported(Snapshot(2, ()), 4),
        reported(Snapshot(5, ()), 6),
        reported(Snapshot(7, ()), 8),
    ]

    lines = told(*records)

    kinds = [type(line).__struct_config__.tag for line in lines]
    assert kinds == ["disconnect", "reconnect", "sighted"]
    assert isinstance(lines[2], SightedLine)
    assert (lines[2].time_ns, lines[2].after, lines[2].blind_ns) == (6, "disconnect", 5)


def test_a_halt_says_why() -> None:
    line = told(Halted(1, "the kill file is there", NOTHING))[0]

    assert isinstance(line, HaltLine)
    assert line.why == "the kill file is there"


def test_a_divergence_names_its_report() -> None:
    reaction = Reaction((), (Divergence("filled-accepted", "a", ACCEPTED),))

    line = told(Reported(1, ACCEPTED, reaction))[0]

    assert isinstance(line, DivergenceLine)
    assert (line.label, line.cloid, line.report) == ("filled-accepted", "a", "accepted")


def test_a_guard_is_told_when_it_begins_and_when_it_ends() -> None:
    lines = told(
        cycled(Reason.LATCHED),
        cycled(Reason.RATE, Reason.RATE),
        cycled(Reason.RATE, Reason.COLLAR),
        cycled(),
    )

    guards = [(line.guard, line.is_holding) for line in lines if isinstance(line, GuardLine)]
    assert guards == [("rate", True), ("collar", True), ("collar", False), ("rate", False)]


def test_what_the_caller_tells_is_written() -> None:
    log, out = a_log()

    log.violated(1, "S4", "two bids live")
    log.alert(2, "spiral: over")
    log.event(3, "kill file found", path="kill")

    _, violation, alert, noted = read(out)
    assert isinstance(violation, ViolationLine)
    assert (violation.invariant, violation.what) == ("S4", "two bids live")
    assert isinstance(alert, AlertLine)
    assert isinstance(noted, NotedLine)
    assert (noted.what, noted.notes) == ("kill file found", {"path": "kill"})


def test_lost_lines_are_confessed_before_the_next() -> None:
    log, out = a_log()
    log.feed(cycled())
    out.is_full = True
    log.feed(cycled())
    log.feed(cycled())
    out.is_full = False

    log.feed(cycled())

    _, first, lost, last = read(out)
    assert isinstance(first, CycleLine)
    assert isinstance(lost, LostLine)
    assert lost.lines == 2
    assert isinstance(last, CycleLine)
    assert last.cycle == 4
    assert log.lost == 0


def test_a_rotated_file_begins_with_a_start_line_as_well() -> None:
    log, out = a_log()
    log.feed(cycled())

    log.reopen()
    log.feed(cycled())

    after = out.lines[out.lines.index(b"-- rotated --\n") + 1 :]
    assert [msgspec.json.decode(line)["event"] for line in after] == ["start", "cycle"]


def test_what_is_remembered_is_not_written_again() -> None:
    fill = Fill(1, None, "101", 4, 20_000, "t1", Side.SELL)
    log, out = a_log()
    log.remember(cycled(Reason.RATE))
    log.remember(reported(fill))
    log.remember(cycled(Reason.RATE))

    log.feed(reported(Snapshot(3, (), (fill,))))
    log.feed(cycled(Reason.RATE))

    _, cycle = read(out)
    assert isinstance(cycle, CycleLine)
    assert (cycle.cycle, cycle.fills) == (3, 0)


def test_a_log_on_disk_is_opened_by_its_path(tmp_path: Path) -> None:
    log = CycleLog.open(tmp_path / "bot.log", INSTRUMENT)

    log.feed(cycled())
    log.close()

    written = (tmp_path / "bot.log").read_bytes().splitlines()
    events = [msgspec.json.decode(line)["event"] for line in written]
    assert events == ["start", "cycle"]


def test_a_log_made_from_a_journal_is_the_one_of_the_run(tmp_path: Path) -> None:
    instrument = live.MARKET.instrument
    header = Header.of_now("obs", instrument, Capabilities(), STABLE)
    journal = SqliteJournal.create(tmp_path / "run.journal", header)
    at_the_time, afterwards = Out(), Out()
    log, again = CycleLog(at_the_time, instrument), CycleLog(afterwards, instrument)

    def sink(record: Record) -> None:
        journal.append(record)
        log.feed(record)

    live.run(sink)
    journal.close()
    for record in read_journal(tmp_path / "run.journal").records():
        again.feed(record)

    assert len(at_the_time.lines) > 60
    assert afterwards.lines == at_the_time.lines


def test_time_is_written_to_the_nanosecond() -> None:
    assert iso(1_756_944_000_000_000_007) == "2025-09-04T00:00:00.000000007Z"


def test_every_report_has_a_line_or_is_usual() -> None:
    silent = {"accepted", "modified", "cancelled", "snapshot", "order_status"}
    loud = {"rejected", "modify_rejected", "cancel_rejected", "limited", "fill"}
    loud |= {"disconnected", "reconnected"}

    assert {str(kind.__struct_config__.tag) for kind in get_args(Report)} == silent | loud
    assert [type(line).__name__ for line in told(reported(Limited(1)))] == ["LimitedLine"]


def test_the_schema_is_documented_key_by_key() -> None:
    text = DOCS.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text, re.MULTILINE))

    for kind in get_args(Line):
        own = [key for key in kind.__struct_fields__ if key not in ("time", "time_ns")]
        documented = re.findall(r"`(\w+)`", rows[str(kind.__struct_config__.tag)])
        assert Counter(documented) == Counter(own), kind
