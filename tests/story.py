"""Lifecycle stories for tests: an order manager, a clock that we turn, and a venue that we play.

A story can be told by calls, or in words, one step a word, which makes tables of stories readable:
`rest move moved fill:102:4`. The words are about one bid, the first order; `SHORT` and
`Story.tell` say what each does. Prices are in units of 0.1, sizes in lots of 0.01, and every word
takes a tenth of a second, a cycle one second.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import SECOND, Nanos, seconds
from exchange.venue import Capabilities
from exchange.words import Alive, CancelReason, Outcome, Side, Status
from lifecycle.config import BandsConfig, Config, GridConfig, RiskConfig
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from spec.states import request_word
from spec.trace import Plan, Reaction, Reason, Target, Targets

INSTRUMENT: Final = Instrument("STORY", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
BANDS: Final = BandsConfig(latch_bps=3.0)
"""Three basis points, which at 20000 units are 6 units."""
PLAIN: Final = Config(grid=GridConfig(enabled=False), bands=BANDS, risk=RiskConfig(collar_bps=None))
"""Targets are taken as they are, without a book to measure them by."""
AMENDING: Final = Capabilities(
    modify_keeps_oid=True,
    modify_keeps_queue_on_size_down=True,
    qty_is_total=True,
    refused_modify_may_kill=False,
)
REPLACING: Final = Capabilities()
SHORT: Final = {
    "rest": "place accepted:101",
    "move": "to:20050",
    "moved": "modified:102:10:20050",
    "expired": "unanswered wait:5",
    "as_was": "listed:101:20000:10",
    "unknown": "status:unknown_order",
    "stray": "fill_by_oid:101:4:t9",
    "stranger": "listed_by_oid:999:20000:8",
}
"""Words for what happens in most stories: a bid for 10 at 20000 rests, and is moved to 20050."""

Ladder = Sequence[tuple[int, int]]
"""Wanted quotes of a side, (price, qty), best first."""


def targets(bids: Ladder = (), asks: Ladder = ()) -> Targets:
    """Return targets from pairs of price and size."""
    return Targets(
        tuple(Target(price, qty) for price, qty in bids),
        tuple(Target(price, qty) for price, qty in asks),
    )


class Story:
    """One manager, told about one market."""

    def __init__(
        self,
        config: Config = PLAIN,
        *,
        amends: bool = False,
        manager: OrderManager | None = None,
        session: str = "0",
    ) -> None:
        capabilities = AMENDING if amends else REPLACING
        # A story has no book unless it says so, and the collar measures by it.
        config = replace(config, risk=replace(config.risk, collar_bps=None))
        self.manager = manager or OrderManager(
            INSTRUMENT, config=config, capabilities=capabilities, session=session
        )
        self.now: Nanos = 0
        self.sent: list[Command] = []
        """Every command so far, queries included."""
        self.diverged: list[str] = []
        """The labels of all divergences so far."""
        self.plan = Plan((), ())
        """Of the last cycle."""
        self._fills = 0
        self._oids = 100

    # By calls.

    def wait(self, duration: float) -> None:
        """Turn the clock forward, in seconds; nothing is told to the manager."""
        self.now += seconds(duration)

    def cycle(
        self,
        bids: Ladder = (),
        asks: Ladder = (),
        *,
        bid: int | None = None,
        ask: int | None = None,
        age: float = 0,
    ) -> Plan:
        """Run a cycle now; `bid` and `ask` are the touch of the book seen, nothing by default.

        `age`: so many seconds ago.
        """
        market = Market(self.now - seconds(age), bid, ask)
        self.plan = self.manager.cycle(self.now, targets(bids, asks), market)
        self.sent += self.plan.commands
        return self.plan

    def receive(self, report: Report) -> Reaction:
        """Hand over a report now."""
        return self._took(self.manager.receive(report, self.now))

    def tick(self) -> Reaction:
        """Let the timers run now."""
        return self._took(self.manager.tick(self.now))

    def restart(self, session: str = "") -> Reaction:
        """Come back from the dead."""
        return self._took(self.manager.restarted(self.now, session))

    def halt(self) -> Reaction:
        """Want nothing any more."""
        return self._took(self.manager.halt(self.now))

    def look(self, *rows: OpenOrder, age: float = 0, request: int | None = None) -> Reaction:
        """Hear a snapshot of these rows, the answer to the newest question unless said so."""
        newest = max((q.request for q in self.queries() if isinstance(q, QueryOpen)), default=0)
        number = newest if request is None else request
        return self.receive(Snapshot(self.now - seconds(age), rows, (), number))

    def unanswered(
        self, command: Place | Modify | Cancel, outcome: Outcome = Outcome.TIMEOUT
    ) -> Reaction:
        """Give up on an answer now."""
        return self._took(self.manager.unanswered(command, outcome, self.now))

    def _took(self, reaction: Reaction) -> Reaction:
        self.sent += reaction.queries
        self.diverged += [divergence.label for divergence in reaction.divergences]
        return reaction

    def rest(self, bids: Ladder = (), asks: Ladder = ()) -> list[Order]:
        """Place these quotes and have them accepted, and each former request with them."""
        self.cycle(bids, asks)
        for command in self.requests():
            order = self.manager.orders[command.cloid]
            if isinstance(command, Place):
                self.receive(Accepted(self.now, order.cloid, self.new_oid(), command.request))
        return list(self.manager.open_orders.values())

    def new_oid(self) -> str:
        """Return an oid that was not used before, counted from 101."""
        self._oids += 1
        return str(self._oids)

    def requests(self) -> list[Place | Modify | Cancel]:
        """Return what the last cycle sent, queries apart."""
        return [
            command
            for command in self.plan.commands
            if isinstance(command, (Place, Modify, Cancel))
        ]

    def kinds(self) -> list[str]:
        """Return the kinds of what the last cycle sent, queries apart, in the order of sending."""
        return [type(command).__name__.lower() for command in self.requests()]

    def reasons(self) -> list[Reason]:
        """Return the reasons of the last cycle's decisions."""
        return [decision.reason for decision in self.plan.decisions]

    def queries(self) -> list[QueryOrder | QueryOpen]:
        """Return all queries so far."""
        return [command for command in self.sent if isinstance(command, (QueryOrder, QueryOpen))]

    @property
    def orders(self) -> list[Order]:
        """All orders ever placed, oldest first."""
        return list(self.manager.orders.values())

    # In words.

    def tell(self, words: str) -> "Story":
        """Tell steps, in words; each is a verb and its arguments, with a colon between.

        `-` stands for an argument left out. `<2` behind a word: the venue said, or saw, it two
        seconds ago. `#5` behind it: it names request number 5, instead of the newest of its kind.
        """
        for word in _in_full(words):
            plain, _, ago = word.partition("<")
            plain, _, number = plain.partition("#")
            verb, *args = plain.split(":")
            self.now += SECOND if verb in {"place", "to", "none"} else SECOND // 10
            if verb in {"place", "to", "none", "again"}:
                self._want(verb, args)
            elif verb in {"unsent", "unanswered", "wait", "tick", "restart", "halt"}:
                self._suffer(verb, args)
            else:
                at = self.now - seconds(float(ago or 0))
                request = int(number) if number else None
                self.receive(self._report(verb, [*args, "-", "-", "-", "-"], at, request))
        return self

    def _want(self, verb: str, args: list[str]) -> None:
        """Run a cycle: `place`, `to:price[:qty]`, `none`."""
        match verb:
            case "place":
                self.cycle([(20_000, 10)])
            case "to":
                self.cycle([(int(args[0]), int(args[1]) if len(args) > 1 else 10)])
            case _:
                self.cycle()

    def _suffer(self, verb: str, args: list[str]) -> None:
        """Let something happen to us.

        `unanswered`, `unsent`, `wait:seconds`, `tick`, `restart`, `halt`.
        """
        match verb:
            case "wait":
                self.wait(float(args[0]))
            case "tick":
                self.tick()
            case "restart":
                self.restart()
            case "halt":
                self.halt()
            case _:
                newest = [c for c in self.sent if isinstance(c, (Place, Modify, Cancel))][-1]
                self.unanswered(
                    newest, Outcome.NOT_SENT if verb == "unsent" else Outcome.SERVER_ERROR
                )

    def _report(self, verb: str, args: list[str], at: Nanos, request: int | None) -> Report:
        a, b, c, d = args[:4]
        cloid = self.orders[0].cloid
        match verb:
            case "accepted":
                return Accepted(at, cloid, a, self._number(Place, request))
            case "rejected":
                return Rejected(at, cloid, "no", self._number(Place, request))
            case "fill":
                return self._fill(at, cloid, a, b, c)
            case "fill_by_oid":
                side = None if d == "-" else Side[d.upper()]
                return self._fill(at, None, a, b, c, side)
            case "modified":
                number = self._number(Modify, request)
                return Modified(at, cloid, a, int(b), int(c), number)
            case "refused":
                alive = {"alive": Alive.YES, "dead": Alive.NO, "unknown": Alive.UNKNOWN}[a]
                return ModifyRejected(at, cloid, "no", alive, self._number(Modify, request))
            case "cancelled":
                reason = CancelReason.USER if b == "-" else CancelReason(b)
                return Cancelled(at, cloid, None if a == "-" else a, reason)
            case "cancelled_by_oid":
                return Cancelled(at, None, None if a == "-" else a, CancelReason.USER)
            case "too_late":
                return CancelRejected(at, cloid, "too_late", self._number(Cancel, request))
            case _:
                return self._answer(verb, cloid, args, at)

    def _answer(self, verb: str, cloid: str, args: list[str], at: Nanos) -> Report:
        a, b, c, d = args[:4]
        match verb:
            case "status":
                filled = None if b == "-" else int(b)
                return OrderStatus(at, cloid, Status(a), filled, None if c == "-" else c)
            case "listed":
                side = Side.BUY if d == "-" else Side[d.upper()]
                return Snapshot(at, (OpenOrder(a, cloid, side, int(b), int(c)),))
            case "listed_by_oid":
                return Snapshot(at, (OpenOrder(a, None, Side.BUY, int(b), int(c)),))
            case "absent":
                return Snapshot(at, ())
            case "limited":
                return Limited(at)
            case "disconnected":
                return Disconnected(at)
            case "reconnected":
                return Reconnected(at)
            case _:
                raise ValueError(f"a story must be told in its words, was {verb}")

    def _number(self, kind: type[Place | Modify | Cancel], request: int | None) -> int:
        """Return the number of the newest request of a kind, 0 without one."""
        if request is not None:
            return request
        return next(
            (c.request for c in reversed(self.sent) if type(c) is kind and isinstance(c, kind)), 0
        )

    def _fill(
        self, at: Nanos, cloid: str | None, oid: str, qty: str, trade: str, side: Side | None = None
    ) -> Fill:
        self._fills += 1
        trade_id = f"t{self._fills}" if trade == "-" else trade
        return Fill(at, cloid, oid, int(qty), 20_000, trade_id, side)

    def told(self) -> str:
        """Return what the first order has come to: state, request, filled, leaves @ price, oid."""
        order = self.orders[0]
        request = request_word(order.request)
        return (
            f"{order.state} {request} {order.filled} {order.leaves}@{order.price} "
            f"{order.oid or '-'}"
        )


def _in_full(words: str) -> list[str]:
    """Write out the short words; what stands behind one goes with the last of its words."""
    found = []
    for word in words.split():
        plain = word.partition("<")[0].partition("#")[0]
        found += (SHORT.get(plain, plain) + word.removeprefix(plain)).split()
    return found


def rows(table: str) -> list[tuple[str, ...]]:
    """Return the cells of a text table, one row a line, with `|` between; `#` lines are notes."""
    lines = [line.strip() for line in table.strip().splitlines()]
    return [
        tuple(cell.strip() for cell in line.split("|"))
        for line in lines
        if line and not line.startswith("#")
    ]


def told(words: str) -> str:
    """Tell a story; returns the first order, position, exposure and divergences, as tables do.

    `amend:` before the words tells it on a venue that amends in place.
    """
    amends = words.startswith("amend:")
    story = Story(amends=amends).tell(words.removeprefix("amend:"))
    long, short = story.manager.exposure
    labels = "; ".join(story.diverged) or "-"
    return f"{story.told()} | {story.manager.position} | {long} {short} | {labels}"
