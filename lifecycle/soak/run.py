"""One run of the soak: a bot and its order manager against a venue that fails, by one seed.

In the first phase anything may fail: the venue and the way to it by the fault plan, and the process
itself, which dies and comes back on its journal, of which the newest records may be lost. Then all
is healed, a little later the market comes to a stand, and from then on what rests must come to be
what is wanted, and record and venue to agree, within a stated bound (`BOUND`). At the very end
everything is withdrawn, and it must be proven that nothing rests.

All the while every record goes through the invariants, and what the record says is compared with
the venue's own truth. The same seed is the same run.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from exchange.commands import Place
from exchange.market import Row, RowKind
from exchange.paper.faults import Faults
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.latency import FEEDS, LATENCIES
from exchange.paper.quota import Quota
from exchange.paper.venue import PaperVenue
from exchange.units import MILLISECOND, MINUTE, SECOND, Nanos, seconds
from exchange.words import Cloid, Side
from lifecycle.audit.long_watch import LongWatch
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import Driver
from lifecycle.drive.recovery import begin, resume
from lifecycle.journal.base import Header, Journal
from lifecycle.journal.memory import MemoryJournal
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.rules import rules_of
from lifecycle.soak.mortal import DiedError, MortalVenue
from lifecycle.soak.plan import Crash, Drawn, Where
from lifecycle.soak.truth import Truth, WrongError
from lifecycle.soak.whims import Bot
from lifecycle.trace import replay
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Broken
from spec.trace import Cycled, Record

BOUND: Final = 6 * MINUTE
"""Within which it must have converged once all is healed and the market stands. A venue that has
said that we are limited is asked again after up to 160 s, and may then be refusing just this for a
minute; the rest is timeouts and comparisons."""
HALT_BOUND: Final = 2 * MINUTE
"""Within which it must be proven that nothing rests."""
POLL: Final = 100 * MILLISECOND
"""How often to look for reports while an answer is awaited."""
TIMER_MIN: Final = MILLISECOND
HALTED: Final = 30 * SECOND
"""How long the kill switch stays thrown in the first phase."""
KILL_SWITCH: Final = "kill switch"
OPENING: Final = 5 * SECOND
"""When the bot starts: the market has a book by then, and others' orders rest."""
AWAY_BPS: Final = (40, 55, 70)
"""How far from the market others' orders rest."""


class Failure(Struct, frozen=True):
    """What was wrong first; the run ends with it."""

    what: str
    """The id of an invariant; or `truth`, where the venue's truth is another than the record's,
    `convergence`, `halt`, `replay`, or `error`."""
    text: str
    at: Nanos
    """Since the start of the run."""
    cloid: Cloid | None = None


class Outcome(Struct, frozen=True):
    """What came of one run."""

    seed: int
    simulated: Nanos
    cycles: int = 0
    records: int = 0
    orders: int = 0
    """That ever came to the venue."""
    fills: int = 0
    counts: dict[str, int] = {}
    """What went wrong, by kind: faults, deaths, lost records, others' orders."""
    converged: Nanos | None = None
    """How long after healing and the market's stand all had come to rest."""
    failure: Failure | None = None
    is_whole: bool = True
    """Whether it was played to its end."""


class BrokenError(Exception):
    """The run has failed."""

    def __init__(self, what: str, text: str, cloid: Cloid | None = None) -> None:
        super().__init__(text)
        self.what = what
        self.text = text
        self.cloid = cloid


class Run:
    """One run; `play` plays it."""

    def __init__(self, drawn: Drawn, folder: Path) -> None:
        """Prepare it; a journal on disk is made in the folder, if the run has one."""
        self.drawn = drawn
        self.records: list[Record] = []
        """All that the journal holds."""
        self.counts: Counter[str] = Counter()
        self.faults = Faults(drawn.faults, drawn.seed)
        quota = drawn.config.quota
        self.paper = PaperVenue(
            GENERATED,
            _rows(drawn),
            latency=LATENCIES[drawn.latency],
            feed=FEEDS[drawn.feed],
            quota=Quota(request_cap=quota.cap, cancel_cap=quota.cancel_cap),
            seed=drawn.seed,
            capabilities=drawn.capabilities,
            faults=self.faults,
        )
        self.venue = MortalVenue(self.paper)
        self.header = Header.of_now(
            _session(drawn.seed, 0), GENERATED, drawn.capabilities, drawn.config,
            f"lifecycle soak, plan {drawn.plan}, seed {drawn.seed}",
        )  # fmt: skip
        self.truth = Truth(self.paper, rules_of(drawn.config, GENERATED, drawn.capabilities))
        self.bot = Bot(drawn.whims, GENERATED, drawn.seed)
        self._folder = folder
        self._journals = 0
        self._starts = 0
        self._is_thrown = False
        self._is_ending = False
        self._crashes = list(drawn.crashes)
        self._now: Nanos = 0
        self._cycles = 0
        self._next: Nanos = 0
        self._cycle = seconds(drawn.config.timing.cycle_s)
        self._converged_at: Nanos | None = None
        self._why = "no cycle has been decided since"
        """Why it has not converged, by the last look."""
        self._journal: Journal = self._new_journal()
        self._watch = self._new_watch()
        self._broken: list[Broken] = []
        self._driver = self._join(begin(self.header))

    # The whole of it.

    def play(self, stopped: Callable[[], bool] = lambda: False) -> Outcome:
        """Play the run to its end, or to what is wrong first."""
        failure, is_whole = None, True
        try:
            is_whole = self._play(stopped)
        except BrokenError as broken:
            failure = self._failure(broken.what, broken.text, broken.cloid)
        except WrongError as wrong:
            failure = self._failure("truth", str(wrong), wrong.cloid)
        except (AssertionError, ValueError, LookupError) as error:
            # Ours, or a journal that does not reproduce: the run is a failure, and is told as one.
            failure = self._failure("error", f"{type(error).__name__}: {error}", None)
        finally:
            self._journal.close()
        counts = self.counts + Counter({k.value: n for k, n in self.faults.counts.items()})
        return Outcome(
            seed=self.drawn.seed,
            simulated=self._now,
            cycles=self._cycles,
            records=len(self.records),
            orders=len(self.paper.known),
            fills=len(self.paper.fills),
            counts=dict(counts),
            converged=self._converged_at,
            failure=failure,
            is_whole=is_whole,
        )

    def _failure(self, what: str, text: str, cloid: Cloid | None) -> Failure:
        return Failure(what, " ".join(text.split()), self._now, cloid)

    def _play(self, stopped: Callable[[], bool]) -> bool:
        drawn = self.drawn
        self._open()
        self._start()
        halt_at = drawn.end_at
        while self._next < halt_at:
            if stopped():
                return False
            self._step()
            since = self._now - drawn.calm_at
            if since >= 0:
                self.bot.is_steady = True
            if self._why and self._now >= drawn.end_at - self._cycle and since < BOUND:
                halt_at = self._next + self._cycle
        if self._why:
            within = BOUND // SECOND
            raise BrokenError("convergence", f"not within {within} s of healing: {self._why}")
        self._is_ending = True
        self._driver.halt(self._now, "the soak ends")
        halted_at = self._now
        while not self._driver.manager.nothing_rests:
            if self._now > halted_at + HALT_BOUND:
                raise BrokenError("halt", f"not proven within {HALT_BOUND // SECOND} s")
            self._step()
        self.truth.at_the_end(self._driver.manager)
        return True

    def _step(self) -> None:
        """Go on to the next cycle and decide; or die."""
        try:
            self._advance(self._next)
            self._switch()
            self._decide()
            self._next = self._now + self._cycle
        except DiedError:
            self._die()
        self._judge()

    def _switch(self) -> None:
        """Throw the kill switch in the middle of it all, and start again some time after."""
        at, now, driver = self.drawn.halt_at, self._now, self._driver
        if at is None or now < at or self._is_ending:
            return
        if not self._is_thrown:
            self._is_thrown = True
            self.counts[KILL_SWITCH] += 1
            driver.halt(now, "the kill switch")
        elif now >= at + HALTED and driver.manager.is_halted:
            self._start()

    def _judge(self) -> None:
        """Raise BrokenError where an invariant is broken by now."""
        if self._broken:
            one = self._broken[0]
            raise BrokenError(one.invariant, f"{one.sentence}: {one.what}", one.cloid)

    # The loop.

    def _advance(self, until: Nanos) -> None:
        """Let time pass up to `until`: reports, timers, and the questions that come of them."""
        driver = self._driver
        refills = self.drawn.config.orders.refill_s is not None
        while self._now < until:
            self._arm()
            at = min(until, max(driver.manager.next_timer, self._now + TIMER_MIN))
            if refills or driver.is_awaiting:
                at = min(at, self._now + POLL)
            self._now = at
            driver.deliver(at)
            if driver.is_to_refill(at) and at < until:
                self._decide()

    def _arm(self) -> None:
        """Have the process die, if it is to."""
        crashes, venue, now = self._crashes, self.venue, self._now
        if now >= self.drawn.heal_at:
            venue.crash = None
            crashes.clear()
        elif venue.crash is None and crashes and now >= crashes[0].at:
            venue.crash = crashes.pop(0)
        if venue.crash is not None and venue.crash.where is Where.IDLE:
            raise DiedError

    def _decide(self) -> None:
        now, driver = self._now, self._driver
        market = self.paper.market(now)
        targets = self.bot.quote(market)
        if targets is None:
            driver.skip(now)
            return
        market = replace(market, volatility=self.bot.volatility)
        self.truth.wants(targets)
        driver.cycle(now, targets, market)
        self._cycles += 1
        if self.bot.is_steady and not driver.manager.is_halted:
            self._look()
        self.truth.at_a_cycle(driver.manager)

    def _look(self) -> None:
        """See whether all has come to rest."""
        record = self.records[-1]
        assert isinstance(record, Cycled), "a cycle has just been decided"
        self._why = self.truth.unrest(self._driver.manager, record)
        if not self._why and self._converged_at is None:
            self._converged_at = self._now - self.drawn.calm_at

    # Lives and deaths.

    def _open(self) -> None:
        """Let the market begin, and somebody else place orders."""
        paper = self.paper
        paper.poll(SECOND)
        touch = paper.market(SECOND)
        if touch.bid is not None and touch.ask is not None:
            places = []
            for number in range(self.drawn.foreign):
                side = Side.BUY if number % 2 == 0 else Side.SELL
                raw = (touch.bid + touch.ask) / 2 * (1 - side * AWAY_BPS[number] / 10_000)
                price = GENERATED.snap(round(raw), side)
                qty = self.drawn.whims.size
                places.append(Place(number + 1, f"hand-{number}", side, price, qty, True, False, 0))
            if places:
                paper.submit(places, SECOND)
        paper.new_client(OPENING)
        # One that the venue made late comes when we have started, and is nobody's business of ours.
        self.truth.foreign = {f"hand-{number}" for number in range(self.drawn.foreign)}
        resting = len(paper.open_orders())
        if resting:
            self.counts[f"others' orders, {self.drawn.config.orders.foreign}"] += resting
        self._now = OPENING

    def _start(self) -> None:
        self._starts += 1
        self._driver.start(self._now, _session(self.drawn.seed, self._starts))
        self._next = self._now + self._cycle

    def _die(self) -> None:
        """Die, and come back on the journal."""
        crash = self.venue.crash
        assert crash is not None, "nobody dies without a cause"
        self.venue.crash = None
        self.counts[f"death {crash.where.value}"] += 1
        self._judge()
        self._now += crash.down
        self.paper.new_client(self._now)
        self._journal.close()
        self._driver = self._join(self._restore(crash))
        try:
            self._start()
        except DiedError:
            self._die()

    def _restore(self, crash: Crash) -> OrderManager:
        """Return the manager that the journal knows, which goes on."""
        lost = min(crash.lost, len(self.records) - 1)
        if lost:
            self.counts["death with lost records"] += 1
            self.counts["records lost"] += lost
            self.truth.lose(self.records[-lost:])
            del self.records[-lost:]
            # What was judged is not so any more: the watch begins again with what is kept.
            self._watch = self._new_watch()
            for record in self.records:
                self._watch.feed(record)
        if self.drawn.on_disk and not lost:
            manager, self._journal, _ = resume(self._path())
            return manager
        self._journal = self._new_journal()
        for record in self.records:
            self._journal.append(record)
        try:
            return replay(begin(self.header), self.records)
        except ValueError as error:
            raise BrokenError("replay", str(error)) from error

    def _join(self, manager: OrderManager) -> Driver:
        refill = self.drawn.config.orders.refill_s
        return Driver(
            manager,
            self.venue,
            (self._append, self.records.append, self._note),
            refill=None if refill is None else seconds(refill),
        )

    def _append(self, record: Record) -> None:
        self._journal.append(record)

    def _note(self, record: Record) -> None:
        self._broken += self._watch.feed(record)

    def _new_journal(self) -> Journal:
        if not self.drawn.on_disk:
            return MemoryJournal(self.header)
        self._journals += 1
        return SqliteJournal.create(self._path(), self.header)

    def _path(self) -> Path:
        return self._folder / f"run-{self.drawn.seed}-{self._journals}.journal"

    def _new_watch(self) -> LongWatch:
        drawn = self.drawn
        rules = rules_of(drawn.config, GENERATED, drawn.capabilities, self.header.session)
        return LongWatch(rules, INVARIANTS)


def _session(seed: int, start: int) -> str:
    """Return the prefix of a start's cloids, which begins with that of the journal, start 0."""
    return f"{seed % (1 << 32):08x}" + (f"{start % 65_536:04x}" if start else "")


def _rows(drawn: Drawn) -> Iterator[Row]:
    """Yield a generated market that comes to a stand."""
    config = GeneratorConfig(volatility_bps_per_sqrt_minute=drawn.volatility)
    touch = None
    for row in generate(config, drawn.seed):
        if row.ts > drawn.calm_at:
            break
        if row.kind == RowKind.BBO:
            touch = row
        yield row
    assert touch is not None, "a generated market begins with its touch"
    at = drawn.calm_at
    while True:
        at += SECOND
        yield touch._replace(ts=at)
