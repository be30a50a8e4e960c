"""Reading a scenario file: strict, and an error names the file and the step.

An unknown key, kind or name, a missing field, a wrong type or a decreasing time is an error of the
file, not a failed scenario.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from exchange.instrument import Instrument
from exchange.units import NANOS_MAX, SECOND, Nanos
from exchange.venue import Capabilities
from exchange.words import Alive, CancelReason, Side, Status
from lifecycle.conform.scenario import (
    AcceptedSaid,
    CancelledSaid,
    CancelRejectedSaid,
    CrashStimulus,
    CycleStimulus,
    DisconnectedSaid,
    Expectations,
    FillRow,
    LimitedSaid,
    ModifiedSaid,
    ModifyRejectedSaid,
    Named,
    OpenRow,
    OrderExpectation,
    ReconnectedSaid,
    RejectedSaid,
    ReportStimulus,
    Said,
    Scenario,
    SnapshotSaid,
    StatusSaid,
    Step,
    Stimulus,
    TickStimulus,
    UnansweredSaid,
)
from lifecycle.conform.settings import scenario_config
from spec.states import Request, State, request_word
from spec.trace import Reason, Target, Targets

VENUES: Final = {
    "cancel-replace": Capabilities(),
    "amend": Capabilities(
        modify_keeps_oid=True,
        modify_keeps_queue_on_size_down=True,
        qty_is_total=True,
        refused_modify_may_kill=False,
    ),
}
COMMANDS: Final = ("place", "modify", "cancel")
COUNTED: Final = (*COMMANDS, "query")
_NAME: Final = re.compile(r"[ab][1-9][0-9]*")
_STIMULI: Final = ("cycle", "report", "reports", "tick", "crash")
_EXPECTED: Final = (
    "sent", "sent_max", "sent_min", "order", "position", "exposure", "live", "diverged", "reason",
)  # fmt: skip
_STATES: Final = frozenset(state.value for state in State)
_REQUESTS: Final = frozenset(request_word(request) for request in Request)
_REASONS: Final = frozenset(reason.value for reason in Reason)


class ScenarioError(ValueError):
    """A scenario file that cannot be played; the message names the file and the step."""


Table = Mapping[str, Any]


def read_scenario(path: Path) -> Scenario:
    """Read one file; raises ScenarioError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return _Reader(path, table).scenario()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: must be TOML: {error}") from None
    except OSError as error:
        raise ScenarioError(f"{path}: must be readable: {error.strerror}") from None


def scenario_paths(paths: Iterable[Path]) -> list[Path]:
    """Return the scenario files that files and folders name, folders in order of their numbers."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*.toml"), key=_by_number)
            if not inside:
                raise ScenarioError(f"{path}: must hold scenarios (*.toml), has none")
            found += inside
        else:
            found.append(path)
    return found


def _by_number(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return a key that sorts 9 before 10, wherever in a name the numbers are."""
    parts = re.findall(r"([0-9]*)([^0-9]*)", str(path))
    return [(int(digits or 0), text) for digits, text in parts], str(path)


class _Reader:
    """One file being read; `where` says how far it has come."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path = path
        self.table = table
        self.where = "header"
        self.now: Nanos = 0
        self.placeable = {"a": 0, "b": 0}
        """How many orders of each side may have been placed so far: none bears a higher name."""
        self.instrument = Instrument("scenario")

    def fail(self, text: str) -> ScenarioError:
        return ScenarioError(f"{self.path}: {self.where}: {text}")

    def scenario(self) -> Scenario:
        header = self.fields(
            self.table, ("id", "title", "source", "venue", "step"), ("config",), "scenario"
        )
        texts = [self.text(header[key], key) for key in ("id", "title", "source", "venue")]
        if texts[3] not in VENUES:
            raise self.fail(f"venue must be one of {', '.join(VENUES)}, was {texts[3]!r}")
        try:
            self.instrument, config = scenario_config(header.get("config", {}))
        except ValueError as error:
            raise self.fail(f"config: {error}") from None
        if not isinstance(header["step"], list) or not header["step"]:
            raise self.fail("step must be an array of tables, [[step]]")
        steps = []
        for number, table in enumerate(header["step"], 1):
            self.where = f"step {number}"
            steps.append(self.step(table))
        return Scenario(
            str(self.path), texts[0], texts[1], texts[2],
            self.instrument, VENUES[texts[3]], config, tuple(steps),
        )  # fmt: skip

    # Values.

    def fields(
        self, table: object, required: Iterable[str], optional: Iterable[str], what: str
    ) -> dict[str, Any]:
        """Return a table's fields; raises where one is missing or not known."""
        if not isinstance(table, dict):
            raise self.fail(f"{what} must be a table, was {table!r}")
        for key in required:
            if key not in table:
                raise self.fail(f"{what} must have {key!r}")
        known = {*required, *optional}
        for key in table:
            if key not in known:
                raise self.fail(f"{what} has no {key!r}; it takes {', '.join(sorted(known))}")
        return dict(table)

    def text(self, value: object, what: str) -> str:
        if not isinstance(value, str) or not value:
            raise self.fail(f"{what} must be a text, was {value!r}")
        return value

    def word(self, value: object, words: Iterable[str], what: str) -> str:
        known = sorted(words)
        if not isinstance(value, str) or value not in known:
            raise self.fail(f"{what} must be one of {', '.join(known)}, was {value!r}")
        return value

    def count(self, value: object, what: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.fail(f"{what} must be a whole number, was {value!r}")
        return value

    def number(self, value: object, parse: Callable[[Decimal], int], what: str) -> int:
        """Parse a number given as text, or as a TOML number, exactly."""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.fail(f"{what} must be a number, was {value!r}")
        try:
            return parse(Decimal(str(value)))
        except InvalidOperation:
            raise self.fail(f"{what} must be a number, was {value!r}") from None
        except ValueError as error:
            raise self.fail(f"{what}: {error}") from None

    def price(self, value: object, what: str = "price") -> int:
        return self.number(value, self.instrument.price, what)

    def qty(self, value: object, what: str = "qty") -> int:
        qty = self.number(value, self.instrument.qty, what)
        if qty < 0:
            raise self.fail(f"{what} must not be negative, was {value!r}")
        return qty

    def time(self, value: object, what: str) -> Nanos:
        def whole(seconds: Decimal) -> int:
            nanos = seconds * SECOND
            if not nanos.is_finite() or nanos != nanos.to_integral_value() or nanos < 0:
                raise ValueError("must be seconds, exact in nanoseconds, not negative")
            if nanos > NANOS_MAX:
                raise ValueError(f"must be at most {NANOS_MAX // SECOND} seconds")
            return int(nanos)

        return self.number(value, whole, what)

    def name(self, value: object) -> str:
        text = self.text(value, "order")
        if not _NAME.fullmatch(text) or int(text[1:]) > self.placeable[text[0]]:
            raise self.fail(f"order must name a place of this story (b1, a1, …), was {text!r}")
        return text

    # Steps.

    def step(self, table: object) -> Step:
        step = self.fields(table, ("at",), (*_STIMULI, "market", *_EXPECTED), "step")
        at = self.time(step["at"], "at")
        if at < self.now:
            raise self.fail(f"at must not decrease, was {step['at']}")
        self.now = at
        given = [key for key in _STIMULI if key in step]
        if len(given) != 1:
            raise self.fail(
                f"a step must have exactly one of {', '.join(_STIMULI)}, had {len(given)}"
            )
        if "market" in step and "cycle" not in step:
            raise self.fail("market must stand beside a cycle")
        stimulus = self.stimulus(given[0], step)
        return Step(at, stimulus, self.expectations(step))

    def stimulus(self, kind: str, step: Table) -> Stimulus:
        value = step[kind]
        if kind == "cycle":
            return self.cycle(value, step.get("market"))
        if kind == "report":
            return ReportStimulus((self.said(value),))
        if kind == "reports":
            if not isinstance(value, list) or not value:
                raise self.fail("reports must be an array of reports")
            return ReportStimulus(tuple(self.said(one) for one in value))
        if value is not True:
            raise self.fail(f"{kind} must be true, was {value!r}")
        return TickStimulus() if kind == "tick" else CrashStimulus()

    def cycle(self, value: object, market: object) -> CycleStimulus:
        table = self.fields(value, (), ("bids", "asks", "market"), "cycle")
        if market is not None and "market" in table:
            raise self.fail("market must be given once")
        market = table.get("market", market)
        bids = self.targets(table.get("bids", []), "bids")
        asks = self.targets(table.get("asks", []), "asks")
        self.placeable["b"] += len(bids)
        self.placeable["a"] += len(asks)
        # The default touch: one tick behind our best, so that nothing crosses.
        bid = bids[0].price - self.instrument.tick(bids[0].price) if bids else None
        ask = asks[0].price + self.instrument.tick(asks[0].price) if asks else None
        if market is not None:
            book = self.fields(market, (), ("bid", "ask"), "market")
            bid = self.price(book["bid"], "bid") if "bid" in book else None
            ask = self.price(book["ask"], "ask") if "ask" in book else None
        return CycleStimulus(Targets(bids, asks), bid, ask)

    def targets(self, value: object, what: str) -> tuple[Target, ...]:
        if not isinstance(value, list):
            raise self.fail(f"{what} must be an array of [price, qty], was {value!r}")
        found = []
        for pair in value:
            if not isinstance(pair, list) or len(pair) != 2:
                raise self.fail(f"{what} must be an array of [price, qty], had {pair!r}")
            found.append(Target(self.price(pair[0]), self.qty(pair[1])))
        return tuple(found)

    # Reports.

    def said(self, value: object) -> Said:
        if not isinstance(value, dict) or "kind" not in value:
            raise self.fail(f"a report must be a table with a kind, was {value!r}")
        kind = self.word(value["kind"], _KINDS, "kind")
        required, optional, make = _KINDS[kind]
        naming = ("order", "cloid", "oid") if "order" in required else ()
        wanted = [key for key in required if key != "order"]
        table = self.fields(value, ("kind", *wanted), (*naming, *optional), kind)
        return make(self, table)

    def named(self, table: Table) -> Named:
        """Return how a report names its order; by its place, its cloid, or its oid alone."""
        if "order" in table and "cloid" in table:
            raise self.fail("an order must be named once, by order or by cloid")
        oid = self.text(table["oid"], "oid") if "oid" in table else None
        if "order" in table:
            return Named(name=self.name(table["order"]), oid=oid)
        if "cloid" in table:
            return Named(cloid=self.text(table["cloid"], "cloid"), oid=oid)
        if oid is None:
            raise self.fail("a report must name its order, by order, cloid or oid")
        return Named(oid=oid)

    def fill(self, value: object) -> FillRow:
        table = self.fields(
            value, ("oid", "qty", "price", "trade_id"), ("order", "cloid", "kind"), "fill"
        )
        qty = self.qty(table["qty"])
        if qty == 0:
            raise self.fail("qty must be positive in a fill, was 0")
        return FillRow(
            self.named(table), self.text(table["oid"], "oid"), qty,
            self.price(table["price"]), self.text(table["trade_id"], "trade_id"),
        )  # fmt: skip

    def snapshot(self, table: Table) -> SnapshotSaid:
        rows, fills = table["open"], table.get("fills", [])
        if not isinstance(rows, list) or not isinstance(fills, list):
            raise self.fail("open and fills must be arrays of tables")
        taken_at = self.time(table["taken_at"], "taken_at") if "taken_at" in table else self.now
        if taken_at > self.now:
            raise self.fail("taken_at must not be later than at")
        return SnapshotSaid(
            tuple(self.open_row(row) for row in rows),
            tuple(self.fill(fill) for fill in fills),
            taken_at,
        )

    def open_row(self, value: object) -> OpenRow:
        table = self.fields(value, ("oid", "side", "price", "qty"), ("order", "cloid"), "open")
        side = self.word(table["side"], ("buy", "sell"), "side")
        return OpenRow(
            self.named(table), self.text(table["oid"], "oid"),
            Side.BUY if side == "buy" else Side.SELL,
            self.price(table["price"]), self.qty(table["qty"]),
        )  # fmt: skip

    def alive(self, value: object) -> Alive:
        if isinstance(value, bool):
            return Alive.YES if value else Alive.NO
        self.word(value, ("unknown",), "alive, if not true or false,")
        return Alive.UNKNOWN

    # Expectations.

    def expectations(self, step: Table) -> Expectations:
        exposure = self.fields(step.get("exposure", {}), (), ("long", "short"), "exposure")
        live = self.fields(step.get("live", {}), (), ("bids", "asks"), "live")
        diverged = step.get("diverged", 0)
        counts = diverged if isinstance(diverged, list) else [diverged]
        return Expectations(
            sent=self.counts(step, "sent"),
            sent_max=self.counts(step, "sent_max"),
            sent_min=self.counts(step, "sent_min"),
            orders=self.orders(step.get("order", {})),
            position=(
                self.number(step["position"], self.instrument.qty, "position")
                if "position" in step
                else None
            ),
            long=self.qty(exposure["long"], "long") if "long" in exposure else None,
            short=self.qty(exposure["short"], "short") if "short" in exposure else None,
            live_bids=self.count(live["bids"], "bids") if "bids" in live else None,
            live_asks=self.count(live["asks"], "asks") if "asks" in live else None,
            diverged=tuple(self.count(count, "diverged") for count in counts),
            reasons=self.reasons(step.get("reason", {})),
        )

    def counts(self, step: Table, key: str) -> dict[str, int] | None:
        if key not in step:
            return None
        table = self.fields(step[key], (), COUNTED, key)
        return {kind: self.count(value, kind) for kind, value in table.items()}

    def orders(self, value: object) -> dict[str, OrderExpectation]:
        if not isinstance(value, dict):
            raise self.fail(f"order must be a table by name, was {value!r}")
        return {self.name(name): self.order(table) for name, table in value.items()}

    def order(self, value: object) -> OrderExpectation:
        table = self.fields(value, (), ("state", "filled", "leaves", "price", "request"), "order")
        states = None
        if "state" in table:
            given = table["state"] if isinstance(table["state"], list) else [table["state"]]
            states = tuple(self.word(state, _STATES, "state") for state in given)
        return OrderExpectation(
            state=states,
            filled=self.qty(table["filled"], "filled") if "filled" in table else None,
            leaves=self.qty(table["leaves"], "leaves") if "leaves" in table else None,
            price=self.price(table["price"]) if "price" in table else None,
            request=(
                self.word(table["request"], _REQUESTS, "request") if "request" in table else None
            ),
        )

    def reasons(self, value: object) -> dict[str, str]:
        if not isinstance(value, dict):
            raise self.fail(f"reason must be a table by name, was {value!r}")
        return {
            self.name(name): self.word(reason, _REASONS, "reason") for name, reason in value.items()
        }


_Make = Callable[[_Reader, Table], Said]

_KINDS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], _Make]]] = {
    # kind: (required fields, optional fields, how to read them). `order` may be named otherwise.
    "accepted": (("order", "oid"), (), lambda r, t: AcceptedSaid(r.named(t), t["oid"])),
    "rejected": (
        ("order",), ("reason",),
        lambda r, t: RejectedSaid(r.named(t), str(t.get("reason", ""))),
    ),
    "fill": (("order", "oid", "qty", "price", "trade_id"), (), lambda r, t: r.fill(t)),
    "modified": (
        ("order", "oid", "qty", "price"), (),
        lambda r, t: ModifiedSaid(r.named(t), t["oid"], r.qty(t["qty"]), r.price(t["price"])),
    ),
    "modify_rejected": (
        ("order", "alive"), ("reason",),
        lambda r, t: ModifyRejectedSaid(r.named(t), str(t.get("reason", "")), r.alive(t["alive"])),
    ),
    "cancelled": (
        ("order", "reason"), (),
        lambda r, t: CancelledSaid(
            r.named(t), t.get("oid"),
            CancelReason(r.word(t["reason"], [why.value for why in CancelReason], "reason")),
        ),
    ),
    "cancel_rejected": (
        ("order", "reason"), (),
        lambda r, t: CancelRejectedSaid(
            r.named(t), r.word(t["reason"], ("too_late", "unknown"), "reason")
        ),
    ),
    "unanswered": (
        ("order", "command"), (),
        lambda r, t: UnansweredSaid(r.named(t), r.word(t["command"], COMMANDS, "command")),
    ),
    "limited": ((), (), lambda _r, _t: LimitedSaid()),
    "disconnected": ((), (), lambda _r, _t: DisconnectedSaid()),
    "reconnected": ((), (), lambda _r, _t: ReconnectedSaid()),
    "snapshot": (("open",), ("fills", "taken_at"), lambda r, t: r.snapshot(t)),
    "order_status": (
        ("order", "status"), ("filled",),
        lambda r, t: StatusSaid(
            r.named(t), Status(r.word(t["status"], [status.value for status in Status], "status")),
            r.qty(t["filled"], "filled") if "filled" in t else None,
        ),
    ),
}  # fmt: skip
