"""A world without budgets: the shipped order manager and the adversarial venue, wide open.

Where the explorer exhausts one order and few troubles, this lets whatever comes happen: ladders on
both sides, fills of any size, time of any length, quotas, crashes whose manager is rebuilt from the
trace. The venue is the same honest adversary; every record goes through every invariant.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

from msgspec.structs import replace

from exchange.commands import Command, Modify, Place, QueryOpen, QueryOrder
from exchange.market import Market, Queue
from exchange.reports import Disconnected, Reconnected, Report
from exchange.units import Nanos, Price, Qty
from exchange.words import Outcome, Side
from lifecycle.config import (
    BandsConfig,
    Config,
    GridConfig,
    OrdersConfig,
    QuotaConfig,
    RiskConfig,
)
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.core.traced import TracedManager
from lifecycle.rules import rules_of
from lifecycle.trace import replay
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Broken, Watch
from spec.rules import drift_bps
from spec.trace import Action, Cycled, Plan, Reaction, Reason, Record, Restarted, Target, Targets
from spec.venue_model import NAMELESS, STREAMS, Resting, Stream, VenueModel, Verdict
from tools.mutants.settings import CAPABILITIES, INSTRUMENT

STEP: Final[Nanos] = 1_000
"""What everything takes, so that no two things happen at one time."""
_OFF: Final = GridConfig(enabled=False)
_LOOSE: Final = RiskConfig(collar_bps=None)
"""The market has no book."""
CONFIGS: Final = {
    "plain": Config(grid=_OFF, bands=BandsConfig(latch_bps=3.0), risk=_LOOSE),
    "quota": Config(
        grid=_OFF, bands=BandsConfig(latch_bps=3.0), quota=QuotaConfig(cap=30), risk=_LOOSE
    ),
    "cap": Config(
        grid=_OFF,
        bands=BandsConfig(latch_bps=3.0),
        risk=RiskConfig(exposure_cap=Decimal("0.45"), collar_bps=None),
    ),
    "layers": Config(
        grid=GridConfig(min_ticks=3), bands=BandsConfig(adverse_factor=0.5), risk=_LOOSE
    ),
    "guards": Config(
        grid=_OFF,
        bands=BandsConfig(latch_bps=3.0),
        risk=RiskConfig(
            order_qty_max=Decimal("0.10"),
            collar_bps=50.0,
            requests_per_minute=6,
            rejects_in_row=2,
            reject_pause_s=10.0,
        ),
    ),
    "adopt": Config(
        grid=_OFF,
        bands=BandsConfig(latch_bps=3.0),
        risk=_LOOSE,
        orders=OrdersConfig(foreign="adopt"),
    ),
    "cancel": Config(
        grid=_OFF,
        bands=BandsConfig(latch_bps=3.0),
        risk=_LOOSE,
        orders=OrdersConfig(foreign="cancel"),
    ),
}
BOOK: Final = (19_000, 21_000)
"""The touch that is seen where a collar is measured by it: far out, so that nothing crosses it."""
STRANGER: Final = "another's-"
"""How the cloids of somebody else's orders begin."""
VOLATILITIES: Final = (0, 4_000_000, 4_000_000, 12_000_000)
"""Of a minute, in millionths of a basis point: what the grid and the bands of `layers` follow."""
HEALED_CYCLES: Final = 30
"""Three minutes: longer than any pause after a refusal."""
FLUSHED_MAX: Final = 1_000
"""Things on their way, with all that they lead to."""
_NONE: Final = Targets()


class Loose:
    """One state, which changes by whatever is called."""

    def __init__(self, venue: str, config: str, session: str = "0") -> None:
        """Start with nothing; `venue` is a key of `CAPABILITIES`, `config` one of `CONFIGS`.

        `session` is the prefix of the first cloids; each start has its own from then on.
        """
        self.session = session
        self.starts = 0
        self.capabilities = CAPABILITIES[venue]
        self.config = CONFIGS[config]
        self.is_free = config in ("plain", "layers", "adopt", "cancel")
        """Nothing but time keeps what is wanted from resting."""
        self.trace: list[Record] = []
        self.broken: list[Broken] = []
        self.rules = rules_of(self.config, INSTRUMENT, self.capabilities, session)
        self.watch = Watch(self.rules, INVARIANTS)
        self.manager = TracedManager(self._new_manager(), self._record)
        self.venue = VenueModel(amends=self.capabilities.modify_keeps_oid)
        self.queries: list[QueryOrder | QueryOpen] = []
        self.now: Nanos = 0
        self.targets = _NONE
        self.wanted = _NONE
        """The targets on the grid."""
        self.market = Market(0, None, None)
        self.most = {Side.BUY: 0, Side.SELL: 0}
        """The most targets that a side ever had."""
        self.doubts = 0
        """Cycles × orders in doubt, for whoever looks for rare races."""

    def _new_manager(self) -> OrderManager:
        return OrderManager(
            INSTRUMENT, config=self.config, capabilities=self.capabilities, session=self.session
        )

    def _record(self, record: Record) -> None:
        self.trace.append(record)
        self.broken += self.watch.feed(record)

    # What may happen.

    def wait(self, duration: Nanos) -> None:
        """Let time pass, and the timers run."""
        self.now += duration
        self.venue.expire(self.now)
        self._ask(self.manager.tick(self.now))

    def cycle(self, targets: Targets, wait: Nanos, age: Nanos = 0) -> Plan:
        """Run a cycle after a while, with a market of this age."""
        self.now += wait
        self.venue.expire(self.now)
        self.targets = targets
        self.most[Side.BUY] = max(self.most[Side.BUY], len(targets.bids))
        self.most[Side.SELL] = max(self.most[Side.SELL], len(targets.asks))
        self.market = replace(self._seen(), at=self.now - age)
        plan = self.manager.cycle(self.now, targets, self.market)
        self.wanted = targets if plan.targets is None else plan.targets
        self.doubts += sum(1 for one in self.open_orders() if one.is_in_doubt)
        self._send(plan.commands)
        return plan

    def _seen(self) -> Market:
        """Return a market that is now calm and now wild, our orders here and there in the queue."""
        if self.config.risk.collar_bps is not None:
            return Market(self.now, *BOOK)
        if not self.config.grid.enabled:
            return Market(self.now, None, None)
        turn = len(self.trace)
        queues = {
            one.cloid: Queue(turn % 3, index)
            for index, one in enumerate(self.venue.resting())
            if turn % 2
        }
        volatility = VOLATILITIES[turn % len(VOLATILITIES)]
        return Market(self.now, None, None, queues=queues, volatility=volatility)

    def hear(self, stream: Stream) -> None:
        """Hear the oldest of a stream."""
        self._receive(self.venue.streams[stream].pop(0))

    def repeat(self, stream: Stream) -> None:
        """Hear the oldest of a stream, which will come again."""
        self._receive(self.venue.streams[stream][0])

    def drop(self, stream: Stream) -> None:
        """Lose the oldest of a stream."""
        self.venue.streams[stream].pop(0)

    def execute(self, index: int, verdict: Verdict) -> None:
        """Let a request arrive."""
        self.venue.execute(index, verdict, self._later())

    def lose(self, index: int) -> None:
        """Lose a request on its way."""
        self.venue.uplink.pop(index)

    def look(self, index: int) -> None:
        """Let a question arrive."""
        self.venue.look(self.queries.pop(index), self._later())

    def fill(self, one: Resting, share: int) -> None:
        """Fill a share of what rests, in quarters, at least a lot."""
        self.venue.fill(one, max(1, one.leaves * share // 4), self._later())

    def cancel_unasked(self, one: Resting) -> None:
        """Cancel an order by the venue's own will."""
        self.venue.cancel_unasked(one, self._later())

    def give_up(self, order: Order) -> None:
        """Learn that a request in flight gets no answer."""
        command = self.watch.facts.orders[order.cloid].request
        if command is not None:
            self._ask(self.manager.unanswered(command, Outcome.BROKEN, self._later()))

    def gap(self) -> None:
        """Break the pushed streams and bring them back: what was on them is lost."""
        self.venue.streams[Stream.PUSHES].clear()
        self.venue.streams[Stream.FILLS].clear()
        self._receive(Disconnected(self._later()))
        self._receive(Reconnected(self._later()))

    def crash(self, lost: int = 0) -> None:
        """Die and come back on the trace; raises ValueError where it does not reproduce.

        Of so many records at its end nobody knows any more, though never of a start, which is
        written for good before anything carries its name. Then we wait, before we start, until what
        was sent unknown to us can no longer arrive.
        """
        for kept, record in enumerate(reversed(self.trace[-lost:] if lost else [])):
            if isinstance(record, Restarted):
                lost = kept
                break
        for stream in self.venue.streams:
            stream.clear()
        self.queries.clear()
        if lost:
            self.now += self.rules.timeout
            self.venue.expire(self.now)
            del self.trace[-lost:]
            self.watch = Watch(self.rules, INVARIANTS)
            for record in self.trace:
                self.watch.feed(record)
        self.manager.manager = replay(self._new_manager(), self.trace)
        self.starts += 1
        self._ask(self.manager.restarted(self._later(), f"start{self.starts:03}-"))

    def halt(self) -> None:
        """Want nothing any more, until the next crash."""
        self._ask(self.manager.halt(self._later(), "it was drawn"))

    def meddle(self, side: Side, price: Price, qty: Qty, *, named: bool) -> None:
        """Let somebody else place an order on our account, with a cloid or without."""
        now = self._later()
        name = f"{STRANGER}{now}" if named else None
        self.venue.place_for_another(side, price, qty, now, name)

    def _later(self) -> Nanos:
        self.now += STEP
        return self.now

    def _receive(self, report: Report) -> None:
        self._ask(self.manager.receive(report, self._later()))

    def _ask(self, reaction: Reaction) -> None:
        self._send(reaction.queries)

    def _send(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            if isinstance(command, (QueryOrder, QueryOpen)):
                cloid = getattr(command, "cloid", None)
                # Of several questions alike the newest is kept: all are answered by one look.
                self.queries = [
                    query for query in self.queries if getattr(query, "cloid", None) != cloid
                ]
                self.queries.append(command)
            else:
                self.venue.uplink.append(command)

    def ordinary(self) -> list[Callable[[], None]]:
        """Return what happens where nothing goes wrong, the order apart."""
        venue = self.venue
        found: list[Callable[[], None]] = [
            partial(self.hear, stream) for stream in STREAMS if venue.streams[stream]
        ]
        found += [partial(self.execute, i, Verdict.GRANT) for i in range(len(venue.uplink))]
        found += [partial(self.look, i) for i in range(len(self.queries))]
        return found

    def troubles(self) -> list[Callable[[], None]]:
        """Return what goes wrong in a single message, request or order."""
        venue = self.venue
        found: list[Callable[[], None]] = []
        for i, request in enumerate(venue.uplink):
            found += [partial(self.execute, i, verdict) for verdict in venue.verdicts(request)[1:]]
            found.append(partial(self.lose, i))
        for stream in (Stream.ANSWERS, Stream.PUSHES, Stream.FILLS):
            if venue.streams[stream]:
                found += [partial(self.repeat, stream), partial(self.drop, stream)]
        found += [partial(self.give_up, one) for one in self.open_orders() if one.is_in_flight]
        found += [partial(self.cancel_unasked, one) for one in venue.resting()]
        return found

    def open_orders(self) -> list[Order]:
        """Return the orders that the manager takes for possibly live."""
        return list(self.manager.manager.open_orders.values())

    # What must be true.

    def wrong(self) -> str | None:
        """Return what is broken by now, by the trace or in truth."""
        if self.broken:
            one = self.broken[0]
            return f"{one.invariant}: {one.what}"
        for side, most in self.most.items():
            resting = [one for one in self._ours() if one.side is side and not _strange(one)]
            if len(resting) > most:
                return f"{len(resting)} rest on the {side.name.lower()} side, {most} were wanted"
        if self.manager.manager.nothing_rests and self._may_rest():
            return f"{self._may_rest()} may rest, although it is taken for proven that nothing does"
        return self.difference() if self._is_quiet() else None

    def _ours(self) -> list[Resting]:
        """Return what rests and is ours, by the record or in truth."""
        known = self.manager.manager.orders
        return [one for one in self.venue.resting() if not _strange(one) or one.cloid in known]

    def _may_rest(self) -> list[str]:
        """Return what of ours rests, or is on its way there."""
        coming = [one.cloid for one in self.venue.uplink if isinstance(one, (Place, Modify))]
        return [one.cloid for one in self._ours()] + coming

    def _is_quiet(self) -> bool:
        """Say whether nothing is on its way, and the last look was after the last change."""
        manager, venue = self.manager.manager, self.venue
        if venue.uplink or any(venue.streams) or manager.is_blind:
            return False
        if venue.changed_at > self._looked_at():
            return False
        return not any(one.request or one.absences or one.suspect for one in self.open_orders())

    def _looked_at(self) -> Nanos:
        """Return the time of the newest look that was heard."""
        return self.manager.manager._desk.snapshot_at  # noqa: SLF001 - No other word for it.

    def difference(self) -> str | None:
        """Return how record and venue differ, None where they agree."""
        ours = sorted((one.oid or "", one.price, one.leaves) for one in self.open_orders())
        theirs = sorted((one.oid, one.price, one.leaves) for one in self._ours())
        if ours != theirs:
            return f"we believe that {ours} rests (oid, price, leaves), the venue has {theirs}"
        position = self.manager.manager.position
        if position != self.venue.position:
            return f"our position is {position}, the venue's {self.venue.position}"
        return None

    def heal(self) -> str | None:
        """Go on without trouble; returns how it fails to come to rest with what is wanted."""
        for _ in range(HEALED_CYCLES):
            self._flush()
            self.cycle(self.targets, self.rules.timeout + 1_000_000_000)
        self._flush()
        if self.broken:
            return self.wrong()
        different = self.difference()
        if different is None and self.manager.manager.is_halted:
            return self._unproven()
        if different is not None or not self.is_free:
            return different
        for side, wanted in ((Side.BUY, self.wanted.bids), (Side.SELL, self.wanted.asks)):
            resting = [one for one in self._ours() if one.side is side]
            resting.sort(key=lambda one: -one.price * one.side)
            rows = [(one.price, one.leaves) for one in resting]
            if len(rows) != len(wanted) or not all(
                self._fits(row, target, level)
                for level, (row, target) in enumerate(zip(rows, wanted, strict=True))
            ):
                return f"{rows} rest (price, leaves), {wanted} is wanted"
        return None

    def _unproven(self) -> str | None:
        """Say what is not as it must be some time after a halt."""
        if self._may_rest():
            return f"{self._may_rest()} may rest, although all is to go"
        proven = self.manager.manager.nothing_rests
        return None if proven else "nothing rests, and that is not taken for proven"

    def _fits(self, row: tuple[int, int], target: Target, level: int) -> bool:
        price, leaves = row
        latch = self.rules.latch(self.wanted, level, self.market.volatility)
        if self.market.queues:
            latch *= 1 + self.rules.queue_bonus
        near = drift_bps(price, target.price) <= latch
        return near and abs(target.qty - leaves) <= self.rules.size_latch * leaves

    def _flush(self) -> None:
        """Execute, look and hear until nothing is on its way."""
        for _ in range(FLUSHED_MAX):
            ordinary = self.ordinary()
            if not ordinary:
                return
            # Requests and questions first, as if each message took a little while.
            ordinary[-1]()
        raise AssertionError("what is on its way must come to an end without new trouble")

    # What was seen.

    def calls_after_debounce(self) -> list[Reason]:
        """Return why debounced orders were cancelled."""
        debounced: set[str] = set()
        found = []
        for record in self.trace:
            if not isinstance(record, Cycled):
                continue
            for one in record.plan.decisions:
                if one.cloid in debounced and one.action is Action.CANCEL:
                    found.append(one.reason)
                if one.cloid is not None and one.reason is Reason.DEBOUNCED:
                    debounced.add(one.cloid)
                elif one.cloid is not None and one.action is not Action.WAIT:
                    debounced.discard(one.cloid)
        return found


def _strange(one: Resting) -> bool:
    """Say whether somebody else has placed an order."""
    return one.cloid.startswith((STRANGER, NAMELESS))
