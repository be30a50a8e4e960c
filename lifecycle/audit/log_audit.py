"""Holding another bot's log to the promises that it can be held to."""

from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from exchange.instrument import Instrument
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities
from lifecycle.audit.applicable import Needs, excused, judged
from lifecycle.audit.audited import Audit, Audited, Tell, audited, run
from lifecycle.audit.imported import Importer, finest
from lifecycle.audit.log_lines import Format, LogFile
from lifecycle.audit.mapping import Dialect, LogError
from lifecycle.audit.window import EVERYTHING, Window
from spec.rules import Rules

TIMEOUT: Final[Nanos] = 5 * SECOND


class Given(Struct, frozen=True, kw_only=True):
    """What is known beside the log."""

    instrument: Instrument | None = None
    """None: its units are the finest steps in the log."""
    levels: int | None = None
    """Quotes a side that are wanted at most."""
    position: Decimal = Decimal(0)
    """What was held before the log begins, in base quantity."""
    exposure_cap: Decimal | None = None
    order_max: Decimal | None = None
    request_cap: int | None = None
    requests_per_minute: int | None = None
    amends: bool = False
    """A modify changes an order in place, keeps its oid, and its size is the total."""
    timeout: Nanos = TIMEOUT

    def needs(self) -> set[Needs]:
        """Return what this lets be judged beside what the log alone does."""
        said = {
            Needs.LEVELS: self.levels is not None,
            Needs.EXPOSURE_CAP: self.exposure_cap is not None,
            Needs.REQUEST_CAP: self.request_cap is not None,
            Needs.GUARDS: self.order_max is not None or self.requests_per_minute is not None,
        }
        return {need for need, is_given in said.items() if is_given}


def audit_log(
    path: Path,
    form: Format,
    dialect: Dialect,
    given: Given,
    *,
    window: Window = EVERYTHING,
    tell: Tell | None = None,
) -> Audited:
    """Audit a log; raises LogError at the first line that cannot be used."""
    log = LogFile(path, form, dialect)
    lines = list(log.lines())
    if not lines:
        raise LogError(f"{path.name}: a log must have events, had none")
    instrument = given.instrument or finest(lines, path.name.partition(".")[0])
    rules = _rules(given, instrument)
    importer = Importer(
        log, instrument, timeout=given.timeout, levels=given.levels, amends=given.amends
    )
    position = _signed_lots(given.position, instrument)
    audit = Audit(rules, invariants=judged(given.needs()), window=window, position=position)
    run(audit, importer.records(lines), tell)
    notes = []
    if given.instrument is None:
        notes.append("the units are the finest steps in the log: any price and size is valid")
    if importer.out_of_order:
        notes.append(f"{importer.out_of_order} lines were out of order, and sorted by time")
    if importer.strangers:
        notes.append(f"{importer.strangers} lines tell of orders that the log never placed")
    if importer.ignored:
        notes.append(f"{importer.ignored} lines say nothing of an order")
    columns = ", ".join(f"{ours}={theirs}" for ours, theirs in log.columns.items())
    about = (
        ("format", f"{form}, {len(lines)} lines, time in {log.unit}"),
        ("columns", columns),
        ("instrument", f"{instrument.symbol}, {instrument.price_unit} × {instrument.lot}"),
    )
    found = audited(audit, path.name, about=about)
    return structs.replace(
        found, notes=tuple(notes), numbered="line", excused=excused(given.needs())
    )


def _rules(given: Given, instrument: Instrument) -> Rules:
    try:
        return Rules(
            instrument=instrument,
            capabilities=Capabilities(modify_keeps_oid=given.amends, qty_is_total=given.amends),
            exposure_cap=_lots(instrument, given.exposure_cap, "--exposure-cap"),
            qty_max=_lots(instrument, given.order_max, "--order-max"),
            rate_max=given.requests_per_minute,
            quota_cap=given.request_cap,
            cancel_cap=given.request_cap,
            timeout=given.timeout,
            post_only=False,
        )
    except ValueError as error:
        raise LogError(str(error)) from None


def _lots(instrument: Instrument, size: Decimal | None, option: str) -> int | None:
    return None if size is None else instrument.qty(size, option)


def _signed_lots(position: Decimal, instrument: Instrument) -> int:
    try:
        lots = instrument.qty(abs(position))
    except ValueError as error:
        raise LogError(f"--position: {error}") from None
    return lots if position >= 0 else -lots
