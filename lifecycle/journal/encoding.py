"""Records as bytes: MessagePack, with cycles written as what has changed since the last.

Nearly all of a journal is cycles. A cycle leaves out its targets and its decisions where they are
those of the cycle before; targets and decisions are rows without names, for speed: what an append
costs grows with the bytes. Finer differences would save bytes, and cost more than these do.
Everything else is written as it is, by field names.

An encoder and its decoder each keep the last cycle and go through the records in the same order.
An encoder that starts in mid-journal writes its first cycle in full, which any decoder reads.
"""

from decimal import Decimal
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from exchange.commands import Command
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import Nanos, Price
from exchange.venue import Capabilities
from lifecycle.config import Config
from lifecycle.journal.base import Header
from spec.trace import (
    Cycled,
    Decision,
    Halted,
    Plan,
    Record,
    Reported,
    Restarted,
    Targets,
    Ticked,
    Unanswered,
)

_T = TypeVar("_T")


class _Cycle(Struct, array_like=True, tag=0, gc=False):
    """A cycle as it is written; None is as in the last one."""

    now: Nanos
    market: Market
    targets: Targets | None
    snapped: Targets | bool | None
    """`Plan.targets`; False: the plan has none."""
    step: Price
    position: int
    commands: tuple[Command, ...]
    decisions: tuple[Decision, ...] | None


class _Plain(Struct, array_like=True, tag=1, gc=False):
    """Any other record."""

    record: Reported | Unanswered | Ticked | Restarted | Halted


_DECODER: Final = msgspec.msgpack.Decoder(_Cycle | _Plain)


class RecordEncoder:
    """Turns the records of one journal into bytes, in their order."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._targets: Targets | None = None
        self._snapped: Targets | None = None
        self._decisions: tuple[Decision, ...] | None = None

    def encode(self, record: Record) -> bytes:
        """Return the bytes of the next record."""
        if not isinstance(record, Cycled):
            return self._encode(_Plain(record))
        plan = record.plan
        targets = None
        if record.targets != self._targets:
            targets = self._targets = record.targets
        snapped: Targets | bool | None = None
        if plan.targets is None:
            snapped = False
        elif plan.targets != self._snapped:
            snapped = self._snapped = plan.targets
        rows = None
        if plan.decisions != self._decisions:
            self._decisions = plan.decisions
            rows = plan.decisions
        return self._encode(
            _Cycle(
                record.now,
                record.market,
                targets,
                snapped,
                plan.step,
                plan.position,
                plan.commands,
                rows,
            )
        )


class RecordDecoder:
    """Turns the bytes of one journal back into records, from the first on."""

    def __init__(self) -> None:
        self._targets: Targets | None = None
        self._snapped: Targets | None = None
        self._decisions: tuple[Decision, ...] | None = None

    def decode(self, body: bytes) -> Record:
        """Return the next record; raises ValueError where these are not the bytes of one."""
        read = _DECODER.decode(body)
        if isinstance(read, _Plain):
            return read.record
        if read.targets is not None:
            self._targets = read.targets
        if isinstance(read.snapped, Targets):
            self._snapped = read.snapped
        if read.decisions is not None:
            self._decisions = read.decisions
        snapped = None if read.snapped is False else _known(self._snapped)
        decisions = _known(self._decisions)
        plan = Plan(read.commands, decisions, read.position, snapped, read.step)
        return Cycled(read.now, _known(self._targets), read.market, plan)


def _known(value: _T | None) -> _T:
    """Return what the last cycle said; raises ValueError where there was none."""
    if value is None:
        raise ValueError("a cycle must follow one that was written in full")
    return value


class _Instrument(Struct, forbid_unknown_fields=True):
    """An instrument's own fields, without what it works out from them."""

    symbol: str
    price_unit: Decimal
    lot: Decimal
    min_notional: Decimal
    significant_figures: int


class _Header(Struct):
    """A header as it is written."""

    schema: int
    version: str
    created: str
    session: str
    instrument: _Instrument
    capabilities: Capabilities
    config: Config
    note: str


def encode_header(header: Header) -> bytes:
    """Return a header as JSON, which people can read where they look into the file."""
    instrument, config = header.instrument, header.config
    written = _Header(
        schema=header.schema,
        version=header.version,
        created=header.created,
        session=header.session,
        instrument=_Instrument(
            instrument.symbol,
            instrument.price_unit,
            instrument.lot,
            instrument.min_notional,
            instrument.significant_figures,
        ),
        capabilities=header.capabilities,
        # Of a run's configuration only what the manager knows; the rest is no part of a journal.
        config=Config(**{name: getattr(config, name) for name in Config.__struct_fields__}),
        note=header.note,
    )
    return msgspec.json.encode(written)


def decode_header(body: bytes) -> Header:
    """Return a header from its JSON; raises ValueError where it is none."""
    read = msgspec.json.decode(body, type=_Header)
    instrument = read.instrument
    return Header(
        schema=read.schema,
        version=read.version,
        created=read.created,
        session=read.session,
        instrument=Instrument(
            instrument.symbol,
            price_unit=instrument.price_unit,
            lot=instrument.lot,
            min_notional=instrument.min_notional,
            significant_figures=instrument.significant_figures,
        ),
        capabilities=read.capabilities,
        config=read.config,
        note=read.note,
    )
