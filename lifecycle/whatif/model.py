"""A script played with some settings: the order manager, really, at a venue on paper.

The bot is not there: what it wanted stands in the script and is wanted again, at the same times,
on the market that it saw then. Where a model loses an order before the next cycle is due, it gets
a cycle of its own, with what was wanted last. Time goes by as in any run on paper
(`lifecycle.run.session`), so that a script played with its own settings, on its own market, with
the latencies and the seed of its venue, is the recorded run again.
"""

from collections.abc import Callable
from typing import Final

from msgspec import structs

from exchange.market import Market, Queue
from exchange.paper.latency import FEEDS, LATENCIES
from exchange.paper.quota import Quota
from exchange.paper.venue import PaperVenue
from exchange.reports import Report
from exchange.units import MILLISECOND, SECOND, Nanos, Price, seconds
from exchange.venue import NoAnswer, Received
from exchange.words import Cloid
from lifecycle.config import Config
from lifecycle.core.manager import OrderManager
from lifecycle.core.resting import resting_of
from lifecycle.drive.driver import Driver, Sink
from lifecycle.rules import rules_of
from lifecycle.run.frame import Summary
from lifecycle.run.metrics import MARKOUT, Metrics
from lifecycle.run.summary import summary_of
from lifecycle.run.watched import Watched
from lifecycle.whatif.scene import Scene
from lifecycle.whatif.script import Halt, Quote, Script, Start
from lifecycle.whatif.trips import Trips
from spec.states import Phase, Request
from spec.trace import Record

POLL: Final = 100 * MILLISECOND
TIMER_MIN: Final = MILLISECOND
"""Both as in a session."""
SOON: Final = SECOND
"""A cycle before its time waits so long for the recorded one, which may have heard of the same fill
a little later."""

Tell = Callable[[float], None]
"""Is told which share of a run is over."""


def named_trips(name: str) -> Trips:
    """Return latencies of the paper venue by their name, and a feed that goes with them."""
    feed = FEEDS["none" if name == "none" else "fast"]
    assert feed is not None, "only a recording's own feed has no quantiles"
    return Trips(LATENCIES[name], feed, 0)


class Model:
    """One play of a script."""

    def __init__(
        self, script: Script, scene: Scene, config: Config, *, trips: Trips, seed: int, name: str
    ) -> None:
        """Set the scene for the settings `config`.

        Raises ValueError where they have no meaning for the journal's instrument.
        """
        header = script.header
        self._script = script
        self._scene = scene
        self._name = name
        ledger = header.config.quota
        self._venue = PaperVenue(
            header.instrument,
            scene.rows,
            latency=trips.latency,
            feed=trips.push,
            quota=Quota(
                request_cap=ledger.cap, requests_used=ledger.used, cancel_cap=ledger.cancel_cap
            ),
            seed=seed,
            capabilities=header.capabilities,
        )
        self.manager = OrderManager(
            header.instrument,
            config=config,
            capabilities=header.capabilities,
            session=header.session,
        )
        rules = rules_of(config, header.instrument, header.capabilities, header.session)
        self._watched = Watched(rules, script.start)
        self._metrics = Metrics(script.start, scene.mid_at)
        refill = config.orders.refill_s
        self._has_refill = refill is not None
        self._sinks: list[Sink] = [self._watched.feed]
        self._driver = Driver(
            self.manager,
            self._venue,
            (self._note,),
            refill=None if refill is None else seconds(refill),
        )
        self._at: Nanos = script.start - TIMER_MIN
        self._cycled_at: Nanos = script.start
        self._stood: dict[Cloid, tuple[Price, Nanos]] = {}
        """The price of each order, and the first cycle that found it there."""
        self._newest = 0
        """The index of the newest quote of the script."""

    def listen(self, sink: Sink) -> None:
        """Have another take the records of the play, from now on."""
        self._sinks.append(sink)

    def play(self, tell: Tell = lambda _: None) -> Summary:
        """Play it to its end and return the numbers."""
        script = self._script
        whole = max(1, script.end - script.start)
        if not isinstance(script.events[0], Start):
            self._warm_up(script.quotes[0].at)
        for event in script.events:
            match event:
                case Quote():
                    if event.is_early:
                        continue
                    self._advance(event.at)
                    self._cycle()
                    tell((event.at - script.start) / whole)
                case Start():
                    self._start(event)
                case Halt():
                    self._advance(event.at)
                    self._driver.halt(event.at, event.why)
        self._end()
        metrics = self._metrics
        metrics.judge(script.end + MARKOUT)
        return summary_of(
            self._name,
            self._scene.name,
            metrics,
            script.header.instrument,
            until=script.end,
            position=self.manager.position,
            watched=self._watched,
            rows=len(self._scene.rows),
        )

    def _note(self, record: Record) -> None:
        for sink in self._sinks:
            sink(record)

    def _end(self) -> None:
        """Come to the end of the journal, which may be a cycle before its time."""
        script = self._script
        self._pass(script.end)
        if script.quotes[-1].at == script.end and self._driver.is_to_refill(script.end):
            self._cycle()
        self._metrics.pass_time(script.end)
        if script.is_over(self._cycled_at):
            self._metrics.settle(resting_of(self.manager))

    def _warm_up(self, first: Nanos) -> None:
        """Let the cycles pass in which there was nothing to say."""
        period = self._script.period
        ahead = (first - self._at) // period if period > 0 else 0
        for number in range(ahead, 0, -1):
            self._advance(first - number * period)

    def _start(self, event: Start) -> None:
        """Die when the process did, and come back when it did."""
        if event.since < event.at:
            self._advance(event.since)
        self._venue.new_client(event.at)
        self._at = event.at
        self._driver.start(event.at, event.session)

    def _advance(self, until: Nanos) -> None:
        """Let time pass up to `until`, and judge what the last cycle has led to."""
        self._pass(until)
        self._metrics.pass_time(until)
        self._metrics.settle(resting_of(self.manager))

    def _pass(self, until: Nanos) -> None:
        """Let time pass up to `until`: reports, timers, and the questions that come of them."""
        manager, driver = self.manager, self._driver
        while self._at < until:
            at = min(until, max(manager.next_timer, self._at + TIMER_MIN))
            if self._has_refill or driver.is_awaiting:
                at = min(at, self._at + POLL)
            early = self._next_early()
            if early is not None:
                at = min(at, early)
            driver.deliver(at, self._heard)
            self._at = at
            if driver.is_to_refill(at) and at < until and not self._is_soon(at):
                self._cycle()

    def _is_soon(self, now: Nanos) -> bool:
        """Say whether a cycle before its time should wait for one of the script's."""
        early = self._next_early()
        # What the script has come to since the last cycle need not be waited for.
        is_used = self._cycled_at >= self._script.quotes[self._newest].at
        return early is not None and early <= now + SOON and is_used

    def _next_early(self) -> Nanos | None:
        """Return when the next cycle of the script is, if that came before its time."""
        quotes = self._script.quotes
        while self._newest + 1 < len(quotes) and quotes[self._newest + 1].at <= self._at:
            self._newest += 1
        following = self._newest + 1
        if following < len(quotes) and quotes[following].is_early:
            return quotes[following].at
        return None

    def _heard(self, received: Received) -> None:
        report: Report | NoAnswer = received.report
        if not isinstance(report, NoAnswer):
            self._metrics.report(report, self.manager.orders, received.at)

    def _cycle(self) -> None:
        """Decide about what was wanted last."""
        now = self._at
        self._next_early()
        quote = self._script.quotes[self._newest]
        self._cycled_at = now
        plan = self._driver.cycle(now, quote.targets, self._seen(quote, now))
        self._metrics.cycle(now, quote.targets, plan, self.manager.orders)

    def _seen(self, quote: Quote, now: Nanos) -> Market:
        """Return the market as it was seen, with the queues of the model's orders."""
        market = self._venue.market(now)
        if not self._scene.is_whole:
            return structs.replace(quote.market, queues=self._queues(quote, market, now))
        if quote.at != now:
            return structs.replace(market, volatility=quote.market.volatility)
        return structs.replace(quote.market, queues=market.queues)

    def _queues(self, quote: Quote, market: Market, now: Nanos) -> dict[Cloid, Queue]:
        """Return where the model's orders stand, as the recorded ones did beside them.

        An order that came later than the recorded one at its price has the venue's estimate.
        """
        queues = dict(market.queues)
        recorded = {(stand.side, stand.price): stand for stand in quote.stands}
        for cloid, order in self.manager.open_orders.items():
            if order.phase is not Phase.RESTING or order.request is not Request.IDLE:
                continue
            price, since = self._stood.get(cloid, (0, now))
            if price != order.price:
                since = now
                self._stood[cloid] = order.price, now
            stand = recorded.get((order.side, order.price))
            if stand is not None and since <= stand.since:
                queues[cloid] = stand.queue
        return queues
