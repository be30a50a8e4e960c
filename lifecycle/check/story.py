"""A finding as a story: lines for people, and a scenario file that breaks the same promise.

The path of a finding is walked once more on a world that keeps its trace. People get one line a
step, the venue's doings included. The file gets what the order manager was told, in the words of
`lifecycle.conform`; what it was not told stands there as comments. Every invariant is checked by
`lifecycle conform` anyway; a promise that needs the venue's own truth becomes an expectation.

A scenario cannot say everything: a report's time is there the time at which it is heard, an answer
belongs to the newest request of its kind. So each file is played, and says of itself whether it
breaks the promise.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.reports import Fill, Report, Snapshot
from exchange.units import SECOND, Nanos
from exchange.words import Cloid, Side
from lifecycle.check import told
from lifecycle.check.explore import Finding
from lifecycle.check.truth import HEALED_CYCLES_MAX, arrival, judge, misread
from lifecycle.check.world import Setting, Step, World
from lifecycle.conform.play import play
from lifecycle.conform.reading import ScenarioError, read_scenario
from spec.trace import Cycled, Record, Reported, Targets
from spec.venue_model import Verdict

VENUE_TRUTHS: Final = ("agreement", "proof", "single", "convergence", "reading", "trust")
"""Promises that no trace can be judged by: they need the venue's own truth, or the record."""
_HEAL_STEPS_MAX: Final = 400


class Line(Struct, frozen=True):
    """One step of a story."""

    at: Nanos
    what: str
    records: tuple[Record, ...]
    """What the order manager was told by it, and did."""
    after: str
    """What was sent, and the orders' states."""


class Story(Struct, frozen=True):
    """A finding, told."""

    setting: Setting
    finding: Finding
    lines: tuple[Line, ...]
    names: dict[Cloid, str]
    """Our orders by the names of scenarios: `b1` is the first bid ever placed."""
    end: World
    """The state at the end."""

    def text(self) -> list[str]:
        """Return the story, one line a step, the broken promise last."""
        found = []
        for line in self.lines:
            tail = f"  → {line.after}" if line.after else ""
            found.append(f"{line.at / SECOND:12.6f} s  {line.what}{tail}")
        broken = self.finding.broken
        found.append(f"broken: {broken.invariant}, {broken.sentence}: {broken.what}")
        return found


class Written(Struct, frozen=True):
    """A scenario file of a finding."""

    path: Path
    replays: bool
    """Whether playing it breaks the same promise."""


def tell(setting: Setting, finding: Finding) -> Story:
    """Walk a finding's path once more and tell it."""
    return _Teller(setting, finding).run()


def write(story: Story, folder: Path, source: str) -> Written:
    """Write a story as a scenario into a folder, which is made where it is missing, and play it.

    `source` says where the story comes from. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{story.finding.broken.invariant}.toml"
    text = told.scenario(story, source)
    path.write_text(text, encoding="utf-8")
    replays = breaks(path, story.finding.broken.invariant)
    if not replays:
        path.write_text(told.NOT_REPLAYED + text, encoding="utf-8")
    return Written(path, replays)


def breaks(path: Path, invariant: str) -> bool:
    """Play a scenario file; say whether it breaks this promise."""
    try:
        failures = play(read_scenario(path)).failures
    except ScenarioError:
        return False
    if invariant in VENUE_TRUTHS:
        return bool(failures)
    return any(f" {invariant} must hold" in failure for failure in failures)


class _Teller:
    def __init__(self, setting: Setting, finding: Finding) -> None:
        self.setting = setting
        self.finding = finding
        self.world = World(setting)
        self.world.trace = []
        self.names: dict[Cloid, str] = {}
        self.lines: list[Line] = []

    def run(self) -> Story:
        for step in self.finding.path:
            self.take(step)
        if not self.is_broken():
            self.heal()
        return Story(self.setting, self.finding, tuple(self.lines), self.names, self.world)

    def is_broken(self) -> bool:
        """Say whether the promise is broken by now."""
        wanted = self.finding.broken.invariant
        world = self.world
        broken = (*world.broken, *judge(world), *misread(world))
        return any(one.invariant == wanted for one in broken)

    def heal(self) -> None:
        """Go on without faults, as convergence does, until it should have come to rest."""
        world = self.world
        for _ in range(HEALED_CYCLES_MAX):
            if self.flush():
                return
            world.left = self.setting.budgets
            self.take(("cycle", world.choice, ""))
        self.flush()

    def flush(self) -> bool:
        """Let everything on its way arrive; returns whether a promise broke meanwhile."""
        for _ in range(_HEAL_STEPS_MAX):
            step = arrival(self.world)
            if step is None or self.world.broken:
                break
            self.take(step)
        return bool(self.world.broken)

    def take(self, step: Step) -> None:
        world = self.world
        assert world.trace is not None, "kept from the start"
        heard = len(world.trace)
        before = self.describe(step)
        world.take(step)
        records = tuple(world.trace[heard:])
        for record in records:
            self.baptise(record)
        # A cycle's own orders have their names only now.
        what = before if before is not None else self.wanted(step)
        if step[0] == "look":
            # It is answered within the step.
            reports = [record.report for record in records if isinstance(record, Reported)]
            what = ", heard: ".join([what, *map(self.report, reports)])
        self.lines.append(Line(world.now, what, records, self.after(records)))

    def baptise(self, record: Record) -> None:
        """Name the orders that a cycle has placed, each side's best price first."""
        if not isinstance(record, Cycled):
            return
        for side, letter in ((Side.BUY, "b"), (Side.SELL, "a")):
            placed = [
                command
                for command in record.plan.commands
                if isinstance(command, Place) and command.side is side
            ]
            for place in sorted(placed, key=lambda place: -place.side * place.price):
                number = sum(1 for name in self.names.values() if name[0] == letter) + 1
                self.names[place.cloid] = f"{letter}{number}"

    # Words.

    def wanted(self, step: Step) -> str:
        kind, index, _ = step
        early = "an early cycle" if kind == "early" else "a cycle"
        return f"{early}: {self.targets(self.setting.choices[index])}"

    def targets(self, targets: Targets) -> str:
        instrument = self.setting.instrument
        found = [
            f"{word} {instrument.qty_text(target.qty)} at {instrument.price_text(target.price)}"
            for word, side in (("bid", targets.bids), ("ask", targets.asks))
            for target in side
        ]
        return ", ".join(found) + " wanted" if found else "nothing wanted"

    def describe(self, step: Step) -> str | None:
        """Say what a step will do, before it does it; None for cycles."""
        kind, index, word = step
        venue = self.world.venue
        match kind:
            case "hear":
                return f"heard: {self.report(venue.streams[index][0])}"
            case "repeat":
                report = venue.streams[index][0]
                how = "twice" if isinstance(report, Fill) else "and will be again"
                return f"heard, {how}: {self.report(report)}"
            case "drop":
                return f"lost on its way to us: {self.report(venue.streams[index][0])}"
            case "execute":
                return f"the venue: {_VERDICTS[Verdict(word)]} {self.command(venue.uplink[index])}"
            case "lose":
                return f"lost on its way to the venue: {self.command(venue.uplink[index])}"
            case "look":
                return f"asked, {self.command(self.world.queries[index])}"
            case "glance":
                query = self.command(self.world.queries[index])
                return f"the venue looks, its answer is on its way: {query}"
            case "fill":
                one = venue.book[index]
                qty = self.setting.instrument.qty_text(int(word))
                return f"the venue: {qty} of {self.names[one.cloid]} (oid {one.oid}) fills"
            case "unasked":
                one = venue.book[index]
                return f"the venue cancels {self.names[one.cloid]} (oid {one.oid}) unasked"
            case "give-up":
                order = list(self.world.manager.open_orders.values())[index]
                return f"no answer will come to the request for {self.names[order.cloid]}"
            case "unsent":
                return f"never left the process: {self.command(venue.uplink[index])}"
            case "gap" | "crash" | "halt":
                return _EVENTS[kind]
            case "cycle" | "early":
                return None
            case _:
                raise ValueError(f"a step must be of a known kind, was {kind!r}")

    def command(self, command: Command) -> str:
        match command:
            case Place() | Modify():
                return f"{type(command).__name__.lower()} {self.name(command.cloid)} " + (
                    self.sized(command.qty, command.price)
                )
            case Cancel():
                return f"cancel {self.name(command.cloid)}"
            case QueryOrder():
                return f"what is {self.name(command.cloid)}?"
            case QueryOpen():
                return "what is open?"

    def sized(self, qty: int, price: int) -> str:
        instrument = self.setting.instrument
        return f"{instrument.qty_text(qty)} at {instrument.price_text(price)}"

    def name(self, cloid: Cloid | None) -> str:
        return self.names.get(cloid or "", "an order")

    def report(self, report: Report) -> str:
        kind = type(report).__struct_config__.tag
        if isinstance(report, Snapshot):
            rows = [
                f"{self.name(row.cloid)} (oid {row.oid}) {self.sized(row.qty, row.price)}"
                for row in report.open
            ]
            listed = ", ".join(rows) or "nothing"
            return f"snapshot of {report.at / SECOND:.6f} s, open: {listed}"
        parts = [str(kind).replace("_", " "), self.name(getattr(report, "cloid", None))]
        oid = getattr(report, "oid", None)
        if oid is not None:
            parts.append(f"(oid {oid})")
        if isinstance(report, Fill):
            parts.append(self.sized(report.qty, report.price))
        for field in ("status", "reason", "alive"):
            value = getattr(report, field, None)
            if value:
                parts.append(f"{field} {value}")
        return " ".join(parts)

    def after(self, records: tuple[Record, ...]) -> str:
        """Say what the order manager sent, and how its orders stand; empty if told nothing."""
        if not records:
            return ""
        sent: list[Command] = []
        for record in records:
            sent += record.plan.commands if isinstance(record, Cycled) else record.reaction.queries
        parts = [self.command(command) for command in sent]
        words = f"sends {', '.join(parts)}; " if parts else ""
        manager = self.world.manager
        states = [
            f"{self.name(order.cloid)} {order.state.value} {self.sized(order.leaves, order.price)}"
            for order in manager.open_orders.values()
        ]
        position = self.setting.instrument.qty_text(manager.position)
        return f"{words}{', '.join(states) or 'nothing open'}, position {position}"


_EVENTS: Final = {
    "gap": "the stream breaks and comes back; what was on it is lost",
    "crash": "the process dies and restarts on its journal",
    "halt": "the kill switch: all that rests is to go",
}
_VERDICTS: Final = {
    Verdict.GRANT: "takes",
    Verdict.REFUSE: "refuses, changing nothing,",
    Verdict.REFUSE_KILL: "refuses, and kills the order of,",
    Verdict.REFUSE_UNKNOWN: "refuses, saying nothing of what rests,",
}
