"""The log: one JSON line a cycle, and one for each event that somebody may want to hear of.

A log is told the records that the journal is told, in the same order, and makes lines of them
(`lifecycle.observe.lines`). It stands in the same sink, so a log of a run that had none can be
made from its journal. What no record says is told by the caller: what an invariant found, alarms,
and notes that go on the next cycle's line.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, assert_never

import msgspec

from exchange.commands import Cancel, Modify, Place, QueryOrder, Request
from exchange.instrument import Instrument
from exchange.reports import (
    CancelRejected,
    Disconnected,
    Limited,
    ModifyRejected,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import SECOND, Nanos
from exchange.words import Side
from lifecycle.core.churn import count_sent
from lifecycle.observe.follow import SIDE_WORDS, Filled, Fills, Sight, package_version
from lifecycle.observe.lines import (
    SCHEMA,
    AlertLine,
    CycleLine,
    DisconnectLine,
    DivergenceLine,
    FillLine,
    GuardLine,
    HaltLine,
    LimitedLine,
    Line,
    LostLine,
    NotedLine,
    ReconnectLine,
    RejectLine,
    RestartLine,
    SightedLine,
    StartLine,
    UnansweredLine,
    Value,
    ViolationLine,
)
from lifecycle.observe.logfile import LogFile
from spec.trace import (
    Action,
    Cycled,
    Divergence,
    Halted,
    Reason,
    Record,
    Reported,
    Restarted,
    Ticked,
    Unanswered,
)

# The reasons that a guard gives; when one appears or is gone, that is an event.
GUARDS: Final = (
    Reason.EXPOSURE,
    Reason.LIMITED,
    Reason.HALTED,
    Reason.STALE_MARKET,
    Reason.COLLAR,
    Reason.SIZE,
    Reason.RATE,
    Reason.BREAKER,
)

_GUARDS: Final = frozenset(GUARDS)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODE: Final = msgspec.json.Encoder().encode


class Lines(Protocol):
    """Where lines go; `LogFile` is one."""

    def write(self, line: bytes) -> bool:
        """Append a line that ends in a newline; returns whether it was written."""

    def reopen(self) -> None:
        """Begin a new file under the same name."""

    def close(self) -> None:
        """Take no more."""


class CycleLog:
    """The log of one order manager."""

    def __init__(
        self,
        out: Lines,
        instrument: Instrument,
        *,
        policy: str = "",
        session: str = "",
        cycles: int = 0,
    ) -> None:
        """Write to `out`; `cycles` is how many there were before, by which the next is numbered."""
        self.cycles = cycles
        self.lost = 0
        """Lines that could not be written and are not yet confessed to in the log."""
        self._out = out
        self._instrument = instrument
        self._policy = policy
        self._session = session
        self._has_started = False
        self._notes: dict[str, Value] = {}
        self._fills = Fills()
        self._fresh: list[Filled] = []
        """Fills since the last cycle."""
        self._blind_fills: list[Filled] = []
        """Fills since sight was lost."""
        self._sight = Sight()
        self._holding: frozenset[Reason] = frozenset()
        """The guards that held something back in the last cycle."""

    @classmethod
    def open(
        cls,
        path: str | Path,
        instrument: Instrument,
        *,
        policy: str = "",
        session: str = "",
        cycles: int = 0,
    ) -> "CycleLog":
        """Append to a file, which is made where there is none; raises OSError where it cannot."""
        return cls(LogFile(path), instrument, policy=policy, session=session, cycles=cycles)

    # What it is told.

    def feed(self, record: Record) -> None:
        """Write what a record says, if it is notable; a cycle always is."""
        now, time = record.now, iso(record.now)
        was_blind, after = self._sight.blind_since, self._sight.after
        filled, snapshot = self._hear(record)
        for one in filled:
            fill = one.fill
            side = SIDE_WORDS[one.side]
            self._write(
                FillLine(time, now, fill.cloid, fill.oid, fill.trade_id, side, fill.qty, fill.price)
            )
        match record:
            case Cycled():
                self._cycle(record, time)
            case Reported():
                self._report(record.report, now, time)
            case Unanswered():
                request, cloid = request_word(record.command), record.command.cloid
                self._write(UnansweredLine(time, now, request, cloid, record.outcome.value))
            case Restarted():
                self._session = record.session or self._session
                asked = sum(isinstance(query, QueryOrder) for query in record.reaction.queries)
                self._write(RestartLine(time, now, self._session, asked))
            case Halted():
                self._write(HaltLine(time, now, record.why))
            case Ticked():
                pass
            case _ as unreachable:
                assert_never(unreachable)
        if not isinstance(record, Cycled):
            for divergence in record.reaction.divergences:
                self._write(_divergence_line(divergence, now, time))
        if snapshot is not None and was_blind is not None:
            blind, missed = now - was_blind, self._blind_fills
            lots = sum(one.fill.qty for one in missed)
            count = len(snapshot.open)
            self._write(SightedLine(time, now, after, blind, count, len(missed), lots))

    def remember(self, record: Record) -> None:
        """Learn from a record without writing: it was logged before a restart."""
        self._hear(record)
        if isinstance(record, Cycled):
            self.cycles += 1
            self._fresh = []
            self._holding = _holding(record)

    def note(self, **values: Value) -> None:
        """Add values to the next cycle's line.

        Raises ValueError where one is more than a plain value.
        """
        for name, value in values.items():
            if value is not None and not isinstance(value, bool | int | float | str):
                raise ValueError(f"the note {name} must be a plain value, was {value!r}")
        self._notes.update(values)

    def violated(self, now: Nanos, invariant: str, what: str) -> None:
        """Write that an invariant was broken."""
        self._write(ViolationLine(iso(now), now, invariant, what))

    def alert(self, now: Nanos, what: str) -> None:
        """Write that an alarm began or ended, as `Churn.track` says it."""
        self._write(AlertLine(iso(now), now, what))

    def event(self, now: Nanos, what: str, **values: Value) -> None:
        """Write something else that is notable."""
        self._write(NotedLine(iso(now), now, what, values))

    def reopen(self) -> None:
        """Go on in a new file of the same name; safe in a signal handler."""
        self._out.reopen()
        self._has_started = False

    def close(self) -> None:
        """Write no more."""
        self._out.close()

    # Inside.

    def _hear(self, record: Record) -> tuple[list[Filled], Snapshot | None]:
        """Learn from a record; returns its new fills, and the snapshot that ends blindness."""
        filled = self._fills.feed(record)
        was_blind = self._sight.blind_since is not None
        snapshot = self._sight.feed(record)
        if not was_blind:
            self._blind_fills = []
        if was_blind or self._sight.blind_since is not None:
            self._blind_fills += filled
        self._fresh += filled
        return filled, snapshot

    def _cycle(self, record: Cycled, time: str) -> None:
        now, plan, market, wanted = record.now, record.plan, record.market, record.wanted
        self.cycles += 1
        sent = count_sent(plan.commands)
        # Every order and every target has its decision: what is not being placed is there.
        orders = [
            decision
            for decision in plan.decisions
            if decision.cloid is not None and decision.action is not Action.PLACE
        ]
        bids = sum(decision.side is Side.BUY for decision in orders)
        aimed = [decision for decision in orders if decision.target > 0]
        bands = [decision.band for decision in aimed]
        drifts = [abs(decision.price - decision.target) for decision in aimed]
        line = CycleLine(
            time,
            now,
            cycle=self.cycles,
            bids_wanted=len(wanted.bids),
            asks_wanted=len(wanted.asks),
            bids_open=bids,
            asks_open=len(orders) - bids,
            placed=sent.placed,
            modified=sent.modified,
            cancelled=sent.cancelled,
            queried=len(plan.commands) - sent.calls,
            actions=_counted([decision.action for decision in plan.decisions]),
            reasons=_counted([decision.reason for decision in plan.decisions]),
            fills=len(self._fresh),
            filled_lots=sum(one.fill.qty for one in self._fresh),
            position_lots=plan.position,
            bid_price_units=market.bid,
            ask_price_units=market.ask,
            market_age_ns=now - market.at,
            step_price_units=plan.step,
            band_price_units_min=min(bands, default=None),
            band_price_units_max=max(bands, default=None),
            drift_price_units_max=max(drifts, default=None),
            notes=self._notes,
        )
        self._fresh, self._notes = [], {}
        self._guards(_holding(record), now, time)
        self._write(line)

    def _guards(self, holding: frozenset[Reason], now: Nanos, time: str) -> None:
        if holding != self._holding:
            for guard in GUARDS:
                if (guard in holding) != (guard in self._holding):
                    self._write(GuardLine(time, now, guard.value, guard in holding))
            self._holding = holding

    def _report(self, report: Report, now: Nanos, time: str) -> None:
        match report:
            case Rejected():
                self._write(RejectLine(time, now, "place", report.cloid, report.reason))
            case ModifyRejected():
                self._write(RejectLine(time, now, "modify", report.cloid, report.reason))
            case CancelRejected():
                self._write(RejectLine(time, now, "cancel", report.cloid, report.reason))
            case Limited():
                self._write(LimitedLine(time, now))
            case Disconnected():
                self._write(DisconnectLine(time, now))
            case Reconnected():
                self._write(ReconnectLine(time, now))
            case _:
                pass

    def _write(self, line: Line) -> None:
        out = self._out
        if not self._has_started:
            start = self._start_line(line.time, line.time_ns)
            self._has_started = out.write(_ENCODE(start) + b"\n")
        if self.lost and out.write(_ENCODE(LostLine(line.time, line.time_ns, self.lost)) + b"\n"):
            self.lost = 0
        self.lost += not out.write(_ENCODE(line) + b"\n")

    def _start_line(self, time: str, now: Nanos) -> StartLine:
        instrument = self._instrument
        return StartLine(
            time,
            now,
            schema=SCHEMA,
            version=package_version(),
            instrument=instrument.symbol,
            policy=self._policy,
            session=self._session,
            price_unit=f"{instrument.price_unit:f}",
            lot=f"{instrument.lot:f}",
        )


def iso(now: Nanos) -> str:
    """Return a time as ISO 8601, UTC, to the nanosecond."""
    whole, rest = divmod(now, SECOND)
    return f"{_EPOCH + timedelta(seconds=whole):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def request_word(command: Request) -> str:
    """Return the kind of a request as one word."""
    match command:
        case Place():
            return "place"
        case Modify():
            return "modify"
        case Cancel():
            return "cancel"
        case _ as unreachable:
            assert_never(unreachable)


def _holding(record: Cycled) -> frozenset[Reason]:
    return _GUARDS.intersection(decision.reason for decision in record.plan.decisions)


def _counted(words: Sequence[Action | Reason]) -> dict[str, int]:
    return {word.value: count for word, count in sorted(Counter(words).items())}


def _divergence_line(divergence: Divergence, now: Nanos, time: str) -> DivergenceLine:
    kind = type(divergence.report).__struct_config__.tag
    return DivergenceLine(time, now, divergence.label, divergence.cloid, str(kind))
