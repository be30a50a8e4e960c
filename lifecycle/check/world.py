"""The world that is explored: the shipped order manager, an adversarial venue, and what is between.

A state is the manager with the facts that its trace proves, the venue's truth, what is on its way,
and what is left of the budgets. `steps` says what can happen next; `take` lets it happen. Every
record goes through the same invariants that an audit uses.

Each step takes a microsecond, so that no two things happen at one time; time else passes in cycles
only. The venue is compared every cycle here, orders retire after two, and what was spent is
forgotten after one, whatever the configuration says: their code is the same, and the space of
states stays finite and small.
"""

from typing import Final, Self, TypeAlias

from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.reports import Disconnected, Fill, Reconnected, Report
from exchange.units import Nanos, Qty
from exchange.words import Cloid, Outcome
from lifecycle.check.clone import clone_facts, clone_manager, own_grid
from lifecycle.check.setting import Budgets, Setting, near_timers
from lifecycle.core.manager import OrderManager
from lifecycle.rules import rules_of
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Broken, Watch
from spec.states import Phase
from spec.trace import (
    Cycled,
    Divergence,
    Halted,
    Plan,
    Reaction,
    Record,
    Reported,
    Restarted,
    Targets,
    Unanswered,
)
from spec.venue_model import Resting, Stream, VenueModel, Verdict

# Compiled, a name from another module is looked up whenever it is used; a constant is not.
_CANCEL: Final = Cancel
_FILL: Final = Fill
_MODIFY: Final = Modify
_PLACE: Final = Place
_QUERY_OPEN: Final = QueryOpen
_QUERY_ORDER: Final = QueryOrder

__all__ = ["STEP", "Budgets", "Setting", "Step", "World", "near_timers"]

STEP: Final[Nanos] = 1_000

Step: TypeAlias = tuple[str, int, str]
"""What happens: its kind, an index, and a word."""


_SPENT: Final[dict[tuple["Budgets", str, int], "Budgets"]] = {}
"""What is left of budgets when something is spent: there are some hundred."""
_ANSWERS: Final = int(Stream.ANSWERS)
_FILLS: Final = int(Stream.FILLS)
_LOOKS: Final = int(Stream.LOOKS)
_SAID: Final = (int(Stream.ANSWERS), int(Stream.PUSHES), int(Stream.FILLS))
_ALL: Final = (*_SAID, _LOOKS)
"""Streams by number: before Python 3.12 each access to a member costs a function call."""
_WORDS: Final = {verdict: verdict.value for verdict in Verdict}
_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}
_GRANT: Final = Verdict.GRANT.value
_VENUE_STEPS: Final = frozenset({"execute", "lose", "drop", "glance", "fill", "unasked"})
"""Steps that the manager learns nothing of."""


class World:
    """One state."""

    __slots__ = (
        "broken",
        "canonical",
        "choice",
        "distrusted",
        "left",
        "manager",
        "most",
        "now",
        "pauses",
        "queries",
        "setting",
        "trace",
        "venue",
        "wanted",
        "watch",
    )

    def __new__(cls, *_: object, **__: object) -> Self:
        """Leave the rest to `__init__`; a copy does without it (`clone`)."""
        return super().__new__(cls)

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.pauses = setting.cycle, setting.early
        """How long after something else a cycle comes, and an early one."""
        self.most = max(len(choice.bids) + len(choice.asks) for choice in setting.choices)
        """Orders that may be wanted at a time."""
        self.manager = OrderManager(
            setting.instrument, config=setting.config, capabilities=setting.capabilities
        )
        rules = rules_of(setting.config, setting.instrument, setting.capabilities)
        self.watch = Watch(rules, INVARIANTS)
        self.venue = VenueModel(amends=setting.capabilities.modify_keeps_oid)
        self.queries: list[QueryOrder | QueryOpen] = []
        """Asked and not looked at yet: the newest of each kind and order."""
        self.now: Nanos = 0
        self.choice = 0
        self.wanted = Targets()
        """What the last cycle decided about: its targets, on the grid if there is one."""
        self.left = setting.budgets
        self.broken: list[Broken] = []
        self.distrusted: list[Broken] = []
        """What the venue said that contradicted the record."""
        self.canonical: object = None
        """Kept by `lifecycle.check.canon`: what is canonical of the manager, while it is told
        nothing."""
        self.trace: list[Record] | None = None
        """Kept where somebody wants to read it."""

    def after(self, step: Step) -> "World":
        """Return the state that a step leads to; this one stays as it is."""
        other = self.clone(told=step[0] not in _VENUE_STEPS)
        other.take(step)
        return other

    def clone(self, *, told: bool = True) -> "World":
        """Return a copy that shares only values.

        Where the manager will not be `told` anything, it and its facts are shared as well.
        """
        other = World.__new__(World)
        other.setting = self.setting
        other.pauses = self.pauses
        other.most = self.most
        if told:
            other.manager = clone_manager(self.manager)
            other.watch = self.watch.following(clone_facts(self.watch.facts))
        else:
            other.manager = self.manager
            other.watch = self.watch
        other.canonical = None if told else self.canonical
        other.venue = self.venue.clone()
        other.queries = self.queries.copy()
        other.now = self.now
        other.choice = self.choice
        other.wanted = self.wanted
        other.left = self.left
        other.broken = []
        other.distrusted = []
        other.trace = None if self.trace is None else self.trace.copy()
        return other

    # What can happen.

    def steps(self) -> list[Step]:
        """Return everything that can happen next, in a fixed order."""
        left, venue = self.left, self.venue
        choices = range(len(self.setting.choices)) if left.target_changes else (self.choice,)
        found: list[Step] = []
        pause, early = self.pauses
        if self._delayed(pause) <= left.faults:
            found += [("cycle", choice, "") for choice in choices]
        if left.early_cycles and self._delayed(early) <= left.faults:
            found += [("early", choice, "") for choice in choices]
        found += [("hear", stream, "") for stream in _ALL if venue.streams[stream]]
        for index, request in enumerate(venue.uplink):
            if left.faults:
                for verdict in venue.verdicts(request):
                    found.append(("execute", index, _WORDS[verdict]))
            else:
                found.append(("execute", index, _GRANT))
        if not venue.streams[_LOOKS]:
            # One question at a time: the next look waits until the last answer was heard. An
            # answer that is not heard at once may be stale when it is: that is a fault.
            kinds = ("look", "glance") if left.faults else ("look",)
            found += [(kind, index, "") for index in range(len(self.queries)) for kind in kinds]
        if left.fills:
            for index, one in enumerate(venue.book):
                found += [("fill", index, size) for size in _sizes(one)]
        if left.unasked:
            found += [("unasked", index, "") for index, one in enumerate(venue.book) if one.leaves]
        if left.crashes:
            found.append(("crash", 0, ""))
        if left.halts and not self.manager.is_halted:
            found.append(("halt", 0, ""))
        if left.unsent:
            found += [("unsent", index, "") for index in range(len(venue.uplink))]
        if left.faults:
            found += self._faults()
        return found

    def _delayed(self, wait: Nanos) -> int:
        """Return how many requests would be lost, or stay unanswered too long, by waiting.

        Both are faults, and cost what a fault costs.
        """
        now, venue = self.now + wait, self.venue
        late = 0
        for request in venue.uplink:
            if now >= request.expires_at:
                late += 1
        if venue.streams[_ANSWERS]:
            for order in self.manager.open_orders.values():
                if order.is_in_flight and now >= order.expires_at:
                    late += 1
        return late

    def _faults(self) -> list[Step]:
        venue = self.venue
        found: list[Step] = [("lose", index, "") for index in range(len(venue.uplink))]
        for stream in _SAID:
            if venue.streams[stream]:
                found.append(("drop", stream, ""))
                found.append(("repeat", stream, ""))
        for index, order in enumerate(self.manager.open_orders.values()):
            if order.is_in_flight:
                found.append(("give-up", index, ""))
        found.append(("gap", 0, ""))
        return found

    @property
    def is_over(self) -> bool:
        """Whether the path has used up its places: what comes after is not explored."""
        return self.left.places < 0

    # Letting it happen.

    def take(self, step: Step) -> None:
        """Let one thing happen; what it breaks is in `broken`."""
        kind, index, word = step
        self.now += STEP
        if kind in _VENUE_STEPS:
            self._venue_step(kind, index, word)
        else:
            self._manager_step(kind, index)
        self._prune()

    def _manager_step(self, kind: str, index: int) -> None:
        """Let something happen that the manager is told."""
        match kind:
            case "cycle":
                self._cycle(index, self.pauses[0])
            case "early":
                self._spend("early_cycles")
                self._cycle(index, self.pauses[1])
            case "hear":
                self._hear(self.venue.streams[index].pop(0))
            case "repeat":
                self._spend("faults")
                report = self.venue.streams[index][0]
                self._hear(report)
                if type(report) is _FILL:
                    # Once counted it is dropped from the stream below: hear it again here.
                    self._hear(report)
            case "look":
                self.venue.look(self.queries.pop(index), self.now)
                self.now += STEP
                self._hear(self.venue.streams[_LOOKS].pop(0))
            case "give-up":
                self._spend("faults")
                self._give_up(index)
            case "unsent":
                self._spend("unsent")
                self._unanswered(self.venue.uplink.pop(index), Outcome.NOT_SENT)
            case "gap":
                self._spend("faults")
                self._gap()
            case "crash":
                self._spend("crashes")
                self._crash()
            case "halt":
                self._spend("halts")
                reaction = self.manager.halt(self.now)
                self._feed(Halted(self.now, "told to", reaction), reaction)
            case _:
                raise ValueError(f"a step must be of a known kind, was {kind!r}")

    def _venue_step(self, kind: str, index: int, word: str) -> None:
        """Let something happen at the venue, or on the way, that nobody has heard of yet."""
        venue = self.venue
        match kind:
            case "execute":
                if word != _GRANT:
                    self._spend("faults")
                venue.execute(index, _VERDICTS[word], self.now)
            case "lose":
                self._spend("faults")
                venue.uplink.pop(index)
            case "drop":
                self._spend("faults")
                venue.streams[index].pop(0)
            case "glance":
                self._spend("faults")
                venue.look(self.queries.pop(index), self.now)
            case "fill":
                self._spend("fills")
                venue.fill(venue.book[index], int(word), self.now)
            case _:
                self._spend("unasked")
                venue.cancel_unasked(venue.book[index], self.now)

    def _spend(self, what: str, count: int = 1) -> None:
        key = (self.left, what, count)
        left = _SPENT.get(key)
        if left is None:
            rest: int = getattr(self.left, what) - count
            left = _SPENT[key] = replace(self.left, **{what: rest})
        self.left = left

    def _prune(self) -> None:
        """Drop fills that were counted from the stream: hearing them again changes nothing."""
        fills = self.venue.streams[_FILLS]
        if fills:
            seen = self.watch.facts.seen_fills
            fills[:] = [
                fill
                for fill in fills
                if type(fill) is not _FILL or (fill.oid, fill.trade_id) not in seen
            ]

    def _feed(self, record: Record, reaction: Reaction | None = None) -> None:
        broken = self.watch.feed(record)
        if broken:
            self.broken += broken
        if reaction is not None and reaction.divergences:
            self._distrust(reaction.divergences)
        if self.trace is not None:
            self.trace.append(record)

    def _distrust(self, divergences: tuple[Divergence, ...]) -> None:
        """Note that the venue was not believed, which it should be: it is honest."""
        for divergence in divergences:
            order = self.manager.orders.get(divergence.cloid or "")
            # Orders retire here long before all is heard of them; and of what was closed because
            # it was found absent twice, the answers may come late.
            closed_unheard = order is not None and (
                order.phase is Phase.RETIRED or (order.is_closed and order.absences > 0)
            )
            if not closed_unheard:
                sentence = "nothing that an honest venue says contradicts the record"
                broken = Broken("trust", sentence, self.now, divergence.label, divergence.cloid)
                self.distrusted.append(broken)

    def _cycle(self, choice: int, wait: Nanos) -> None:
        if choice != self.choice:
            self._spend("target_changes")
            self.choice = choice
        late = self._delayed(wait)
        if late:
            self._spend("faults", late)
        self.now += wait
        self.venue.expire(self.now)
        targets = self.setting.choices[choice]
        market = replace(self.setting.market, at=self.now)
        own_grid(self.manager)
        plan: Plan = self.manager.cycle(self.now, targets, market)
        self.wanted = targets if plan.targets is None else plan.targets
        self._feed(Cycled(self.now, targets, market, plan))
        self._send(plan.commands)

    def _hear(self, report: Report) -> None:
        reaction = self.manager.receive(report, self.now)
        self._feed(Reported(self.now, report, reaction), reaction)
        self._ask(reaction)

    def _give_up(self, index: int) -> None:
        order = list(self.manager.open_orders.values())[index]
        command = self.watch.facts.orders[order.cloid].request
        assert command is not None, "an order in flight has an unanswered request"
        self._unanswered(command, Outcome.BROKEN)

    def _unanswered(self, command: Place | Modify | Cancel, outcome: Outcome) -> None:
        reaction = self.manager.unanswered(command, outcome, self.now)
        self._feed(Unanswered(self.now, command, outcome, reaction), reaction)
        self._ask(reaction)

    def _gap(self) -> None:
        """Break the pushed streams, and bring them back: what was on them is lost."""
        self.venue.streams[Stream.PUSHES].clear()
        self.venue.streams[Stream.FILLS].clear()
        self._hear(Disconnected(self.now))
        self._hear(Reconnected(self.now))

    def _crash(self) -> None:
        """Kill the process and restart it on its journal: what was said to it is lost.

        That a manager rebuilt from its journal is in the state of the one that died is a
        property of its own (`lifecycle.trace.replay`).
        """
        for stream in self.venue.streams:
            stream.clear()
        self.queries.clear()
        session = f"session{self.left.crashes}-"
        reaction = self.manager.restarted(self.now, session)
        self._feed(Restarted(self.now, reaction, session), reaction)
        self._ask(reaction)

    def _ask(self, reaction: Reaction) -> None:
        self._send(reaction.queries)

    def _send(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            if type(command) is _PLACE:
                self._spend("places")
                self.venue.uplink.append(command)
            elif type(command) is _MODIFY or type(command) is _CANCEL:
                self.venue.uplink.append(command)
            elif type(command) is _QUERY_ORDER or type(command) is _QUERY_OPEN:
                about = _about(command)
                self.queries = [query for query in self.queries if _about(query) != about]
                self.queries.append(command)


def _about(query: QueryOrder | QueryOpen) -> Cloid | None:
    """Return the order that a question is about; None: about all."""
    return query.cloid if type(query) is _QUERY_ORDER else None


def _sizes(one: Resting) -> list[str]:
    """Return how much of a resting order may fill at once: about a half, or all."""
    leaves: Qty = one.leaves
    if leaves == 0:
        return []
    half = leaves // 2
    return [str(half), str(leaves)] if half else [str(leaves)]
