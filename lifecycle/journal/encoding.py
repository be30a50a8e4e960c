"""Records as bytes: MessagePack, with cycles written as what has changed since the last.

Nearly all of a journal is cycles. A cycle leaves out its targets and its decisions where they are
those of the cycle before; targets and decisions are rows without names, for speed: what an append
costs grows with the bytes. Finer differences would save bytes, and cost more than these do.
Everything else is written as it is, by field names.

An encoder and its decoder each keep the last cycle and go through the records in the same order.
An encoder that starts in mid-journal writes its first cycle in full, which any decoder reads.

In the journal of a portfolio each record begins with the number of its instrument, in two bytes,
and what is left out is as in the last cycle of that one.
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


_NUMBER_BYTES: Final = 2
INSTRUMENTS_MAX: Final = 1 << 8 * _NUMBER_BYTES
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


class PortfolioEncoder:
    """Turns the records of a portfolio's journal into bytes, in their order."""

    def __init__(self, instruments: int) -> None:
        """Begin; raises ValueError for more instruments than can be numbered."""
        if instruments > INSTRUMENTS_MAX:
            raise ValueError(
                f"a portfolio's journal must be of {INSTRUMENTS_MAX:,} instruments at the most, "
                f"was of {instruments:,}"
            )
        self._encode = [RecordEncoder().encode for _ in range(instruments)]

    def encode(self, number: int, record: Record) -> bytes:
        """Return the bytes of the next record of an instrument, by its number."""
        return number.to_bytes(_NUMBER_BYTES, "big") + self._encode[number](record)


class PortfolioDecoder:
    """Turns the bytes of a portfolio's journal back into records, from the first on."""

    def __init__(self, instruments: int) -> None:
        self._decode = [RecordDecoder().decode for _ in range(instruments)]

    def decode(self, body: bytes) -> tuple[int, Record]:
        """Return the next record and its instrument's number.

        Raises ValueError or IndexError where these are not the bytes of one.
        """
        number = int.from_bytes(body[:_NUMBER_BYTES], "big")
        return number, self._decode[number](body[_NUMBER_BYTES:])


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


class _Header(Struct, omit_defaults=True):
    """A header as it is written."""

    schema: int
    version: str
    created: str
    session: str
    instrument: _Instrument
    capabilities: Capabilities
    config: Config
    note: str
    portfolio: tuple[_Instrument, ...] = ()


def encode_header(header: Header) -> bytes:
    """Return a header as JSON, which people can read where they look into the file."""
    config = header.config
    written = _Header(
        schema=header.schema,
        version=header.version,
        created=header.created,
        session=header.session,
        instrument=_written(header.instrument),
        capabilities=header.capabilities,
        # Of a run's configuration only what the manager knows; the rest is no part of a journal.
        config=Config(**{name: getattr(config, name) for name in Config.__struct_fields__}),
        note=header.note,
        portfolio=tuple(map(_written, header.portfolio)),
    )
    return msgspec.json.encode(written)


def decode_header(body: bytes) -> Header:
    """Return a header from its JSON; raises ValueError where it is none."""
    read = msgspec.json.decode(body, type=_Header)
    return Header(
        schema=read.schema,
        version=read.version,
        created=read.created,
        session=read.session,
        instrument=_instrument(read.instrument),
        capabilities=read.capabilities,
        config=read.config,
        note=read.note,
        portfolio=tuple(map(_instrument, read.portfolio)),
    )


def _written(instrument: Instrument) -> _Instrument:
    return _Instrument(
        instrument.symbol,
        instrument.price_unit,
        instrument.lot,
        instrument.min_notional,
        instrument.significant_figures,
    )


def _instrument(read: _Instrument) -> Instrument:
    return Instrument(
        read.symbol,
        price_unit=read.price_unit,
        lot=read.lot,
        min_notional=read.min_notional,
        significant_figures=read.significant_figures,
    )
