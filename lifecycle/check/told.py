"""Writes a story as a scenario file (the reader is `lifecycle.conform.reading`).

One record becomes one step; what happened at the venue meanwhile, unheard, becomes comments. The
promises that need the venue's own truth become expectations: a surplus place must not be sent, and
the record must come to what the venue has, or to what is wanted.
"""

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from exchange.commands import Place
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
from exchange.units import SECOND, Nanos, Price, Qty
from exchange.words import Alive, Cloid, Side
from lifecycle.check.truth import difference
from lifecycle.rules import rules_of
from spec.trace import Cycled, Halted, Reported, Restarted, Target, Ticked, Unanswered

if TYPE_CHECKING:
    from lifecycle.check.story import Story
    from lifecycle.check.world import Setting

Told: TypeAlias = Cycled | Reported | Unanswered | Ticked | Restarted
"""Records that a scenario has a word for."""
NOT_REPLAYED: Final = (
    "# Played as a scenario, this story does not break the promise: a scenario cannot say when a\n"
    "# report was true, only when it was heard, nor which request it answers, nor that all is to\n"
    "# stop. The story that the explorer printed stands.\n\n"
)


def scenario(story: "Story", source: str) -> str:
    """Return the text of the scenario file; `source` says where the story comes from."""
    return _Writer(story, source).text()


class _Writer:
    def __init__(self, story: "Story", source: str) -> None:
        self.story = story
        self.source = source
        self.setting = story.setting
        self.out: list[str] = []

    def text(self) -> str:
        story = self.story
        broken = story.finding.broken
        self.put("id", _text(f"counterexample-{broken.invariant}"))
        self.put("title", _text(f"{broken.invariant} is broken: {broken.sentence}"))
        self.put("source", _text(self.source))
        amends = self.setting.capabilities.modify_keeps_oid
        self.put("venue", _text("amend" if amends else "cancel-replace"))
        self.out += ["", "[config]", *config_lines(self.setting)]
        surplus = self.surplus() if broken.invariant == "single" else None
        for line in story.lines:
            if not line.records:
                self.out += ["", f"# {line.at / SECOND:.6f} s: {line.what}"]
            for record in line.records:
                if isinstance(record, Halted):
                    # Scenarios have no word for it: played, the story goes on as if it were not.
                    self.out += ["", f"# {record.now / SECOND:.6f} s: halted, {record.why}"]
                    continue
                self.step(record)
                if surplus is not None and record is surplus:
                    self.forbid(surplus)
                    return self.ended()
        if broken.invariant == "agreement":
            self.truth()
        elif broken.invariant == "convergence":
            if difference(story.end) is None:
                self.rest()
            else:
                self.truth()
        return self.ended()

    def ended(self) -> str:
        return "\n".join([*self.out, f"# Broken: {self.story.finding.broken.what}.", ""])

    def put(self, key: str, value: str) -> None:
        self.out.append(f"{key} = {value}")

    # Steps.

    def step(self, record: Told) -> None:
        self.out += ["", "[[step]]"]
        self.put("at", _seconds(record.now))
        match record:
            case Cycled(_, targets, market):
                bids, asks = self.ladder(targets.bids), self.ladder(targets.asks)
                self.put("cycle", f"{{ bids = {bids}, asks = {asks} }}")
                book = {"bid": market.bid, "ask": market.ask}
                sides = [
                    f"{side} = {self.price(price)}"
                    for side, price in book.items()
                    if price is not None
                ]
                self.put("market", f"{{ {', '.join(sides)} }}")
                return
            case Reported(_, report):
                self.put("report", self.report(report))
            case Unanswered(_, command):
                kind = type(command).__name__.lower()
                named = f"order = {self.name(command.cloid)}, command = {_text(kind)}"
                self.put("report", f'{{ kind = "unanswered", {named} }}')
            case Ticked():
                self.put("tick", "true")
            case Restarted():
                self.put("crash", "true")
            case _ as unreachable:
                assert_never(unreachable)
        diverged = len(record.reaction.divergences)
        if diverged and not self.distrusts(record):
            # Whether it is one is not what the story is about.
            self.put("diverged", f"[0, {diverged}]")

    def distrusts(self, record: Told) -> bool:
        """Say whether the story is about this record's being a divergence."""
        if self.story.finding.broken.invariant != "trust":
            return False
        return record is [one for line in self.story.lines for one in line.records][-1]

    def ladder(self, targets: tuple[Target, ...]) -> str:
        rows = [f"[{self.price(target.price)}, {self.qty(target.qty)}]" for target in targets]
        return f"[{', '.join(rows)}]"

    def report(self, report: Report) -> str:
        fields = self.fields(report)
        return f"{{ {', '.join(f'{key} = {value}' for key, value in fields.items())} }}"

    def fields(self, report: Report) -> dict[str, str]:
        found = {"kind": _text(str(type(report).__struct_config__.tag))}
        match report:
            case Accepted(_, cloid, oid):
                found |= {"order": self.name(cloid), "oid": _text(oid)}
            case Rejected(_, cloid, reason):
                found |= {"order": self.name(cloid), "reason": _text(reason)}
            case Fill():
                found |= self.fill(report)
            case Modified(_, cloid, oid, qty, price):
                found |= {"order": self.name(cloid), "oid": _text(oid)}
                found |= {"qty": self.qty(qty), "price": self.price(price)}
            case ModifyRejected(_, cloid, reason, alive):
                word = _text("unknown") if alive is Alive.UNKNOWN else alive.value
                found |= {"order": self.name(cloid), "reason": _text(reason), "alive": word}
            case Cancelled(_, cloid, gone, why):
                found["order"] = self.name(cloid)
                if gone is not None:
                    found["oid"] = _text(gone)
                found["reason"] = _text(why.value)
            case CancelRejected(_, cloid, reason):
                found |= {"order": self.name(cloid), "reason": _text(reason)}
            case Snapshot(at, rows, fills):
                listed = ", ".join(self.row(row) for row in rows)
                found |= {"open": f"[{listed}]", "fills": self.fills(fills)}
                found["taken_at"] = _seconds(at)
            case OrderStatus(_, cloid, status, filled):
                found |= {"order": self.name(cloid), "status": _text(status.value)}
                if filled is not None:
                    found["filled"] = self.qty(filled)
            case Limited() | Disconnected() | Reconnected():
                pass
            case _ as unreachable:
                assert_never(unreachable)
        return found

    def fill(self, fill: Fill) -> dict[str, str]:
        return {
            "order": self.name(fill.cloid),
            "oid": _text(fill.oid),
            "qty": self.qty(fill.qty),
            "price": self.price(fill.price),
            "trade_id": _text(fill.trade_id),
        }

    def fills(self, fills: tuple[Fill, ...]) -> str:
        tables = [
            "{ " + ", ".join(f"{key} = {value}" for key, value in self.fill(one).items()) + " }"
            for one in fills
        ]
        return f"[{', '.join(tables)}]"

    def row(self, row: OpenOrder) -> str:
        side = "buy" if row.side is Side.BUY else "sell"
        return (
            f'{{ oid = {_text(row.oid)}, order = {self.name(row.cloid)}, side = "{side}", '
            f"price = {self.price(row.price)}, qty = {self.qty(row.qty)} }}"
        )

    # What the venue's truth asks for.

    def surplus(self) -> Cycled | None:
        """Return the cycle that sent the youngest place of what rests."""
        places = [
            (place, record)
            for line in self.story.lines
            for record in line.records
            if isinstance(record, Cycled)
            for place in record.plan.commands
            if isinstance(place, Place)
        ]
        resting = {one.cloid for one in self.story.end.venue.resting()}
        found = [record for place, record in places if place.cloid in resting]
        return found[-1] if found else None

    def forbid(self, cycle: Cycled) -> None:
        """Expect that a cycle sends one place less than it did."""
        sent = sum(1 for command in cycle.plan.commands if isinstance(command, Place))
        self.put("sent_max", f"{{ place = {sent - 1} }}")

    def truth(self) -> None:
        """Expect that the record is what the venue has."""
        world = self.story.end
        resting = {one.cloid: one for one in world.venue.resting()}
        live = Counter(one.side for one in resting.values())
        self.last(live[Side.BUY], live[Side.SELL])
        self.put("position", self.qty(world.venue.position))
        for cloid, name in self.story.names.items():
            one = resting.get(cloid)
            if one is None:
                self.put(f"order.{name}", f"{{ leaves = {self.qty(0)} }}")
            else:
                stands = f"leaves = {self.qty(one.leaves)}, price = {self.price(one.price)}"
                self.put(f"order.{name}", f"{{ {stands} }}")

    def rest(self) -> None:
        """Expect that what is wanted rests."""
        world = self.story.end
        targets = world.wanted
        self.last(len(targets.bids), len(targets.asks))
        for side, wanted in ((Side.BUY, targets.bids), (Side.SELL, targets.asks)):
            orders = [one for one in world.manager.open_orders.values() if one.side is side]
            orders.sort(key=lambda order: -order.side * order.price)
            for order, target in zip(orders, wanted, strict=False):
                name = self.story.names[order.cloid]
                self.put(f"order.{name}", f"{{ price = {self.price(target.price)} }}")

    def last(self, bids: int, asks: int) -> None:
        """Begin a last step, in which nothing happens, with so many orders alive."""
        self.out += ["", "[[step]]"]
        self.put("at", _seconds(self.story.end.now))
        self.put("tick", "true")
        self.put("live", f"{{ bids = {bids}, asks = {asks} }}")

    # Values.

    def name(self, cloid: Cloid | None) -> str:
        assert cloid is not None, "the venue of the explorer names every order"
        return _text(self.story.names[cloid])

    def price(self, price: Price) -> str:
        return _text(self.setting.instrument.price_text(price))

    def qty(self, qty: Qty) -> str:
        return _text(self.setting.instrument.qty_text(qty))


def config_lines(setting: "Setting") -> list[str]:
    """Return a scenario's `[config]` that comes as near to a setting as scenarios can say."""
    config, instrument = setting.config, setting.instrument
    bands, modify, quota = config.bands, config.modify, config.quota
    rules = rules_of(config, instrument, setting.capabilities)
    latch = float(rules.latch(setting.choices[0], 0))
    reach = modify.max_bps if modify.enabled else 0.0
    stale = bands.stale_bps
    if stale is None and bands.stale_factor != 2:
        stale = latch * bands.stale_factor
    found: dict[str, object] = {
        "latch_bps": latch,
        "stale_bps": stale,
        "size_latch": bands.size,
        "min_modify_interval_ms": modify.min_interval_ms,
        "max_modify_bps": reach,
        "cycle_s": config.timing.cycle_s,
        "request_timeout_s": config.timing.request_timeout_s,
        "exposure_cap": config.risk.exposure_cap,
        "tick": instrument.price_unit,
        "lot": instrument.lot,
        "min_notional": instrument.min_notional,
    }
    lines = [f"{key} = {_value(value)}" for key, value in found.items() if value is not None]
    ledgers = {"cap": quota.cap, "used": quota.used, "cancel_cap": quota.cancel_cap}
    given = [f"{key} = {value}" for key, value in ledgers.items() if value is not None]
    if quota.cap is not None:
        lines.append(f"quota = {{ {', '.join(given)} }}")
    return lines


def _value(value: object) -> str:
    return _text(f"{value:f}") if isinstance(value, Decimal) else repr(value)


def _seconds(at: Nanos) -> str:
    """Write a time in seconds, exact in nanoseconds."""
    return _text(f"{Decimal(at) / SECOND:f}")


def _text(value: str) -> str:
    # A JSON string is a TOML string, as long as it has no surrogates.
    return json.dumps(value, ensure_ascii=False)
