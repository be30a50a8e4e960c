"""`lifecycle audit`: all promises, held against a recorded run or another bot's log."""

import json
import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from lifecycle.cli import options, output
from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput
from lifecycle.cli.journals import JOURNAL, Source, open_journal

if TYPE_CHECKING:
    from exchange.instrument import Instrument
    from lifecycle.audit.audited import Audited, Read
    from lifecycle.audit.log_audit import Given
    from lifecycle.audit.mapping import Dialect
    from lifecycle.audit.window import Window

TELL_S: Final = 5.0
"""Between two words about how far it is."""
FORMATS: Final = ("journal", "csv", "jsonl")
ENDINGS: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
LOG_ONLY: Final = (
    "mapping", "columns", "events", "time_unit", "instrument", "levels", "position",
    "exposure_cap", "order_max", "request_cap", "requests_per_minute", "amends", "timeout",
)  # fmt: skip
"""Options that a journal's header answers."""

EPILOG: Final = """\b
Examples:
  lifecycle audit bot.journal                      also while it is written
  lifecycle audit 'postgresql://fleet@db/bots?run=ID'
                                                   a run of the fleet's journal
  lifecycle audit bot.journal --from 2h --until 2h30m
  lifecycle audit bot.journal --replay             does this version decide the same?
  lifecycle audit bot.journal --json - | jq '.violations[] | .what'
  lifecycle audit other.csv --levels 3 --instrument price_unit=0.1,lot=0.001
  lifecycle audit other.jsonl --column time=sent_at --event order_sent=place

\b
Another bot's log has one line an event, CSV with a header or JSON lines:
  time,event,cloid,oid,side,price,qty,trade_id
  0.000,place,a1,,buy,4390.1,0.10,
  0.120,ack,a1,771,,,,
  6.000,cancel,a1,771,,,,
Columns and words that bots use are known, others are said by --column, --event
or a mapping file; docs/audit.md has them all. Which promises a log can be held
to, and why not to the others, stands in the output.

\b
Exit codes:
  0  every promise that was judged held
  1  a promise is broken, the journal is damaged, or --replay differs
  2  usage, or a file that cannot be used
"""


@click.command("audit", epilog=EPILOG)
@click.argument("source", metavar="JOURNAL|LOG", type=JOURNAL)
@click.option("--from", "since", metavar="TIME", help="Count only what breaks from here on.")
@click.option("--until", metavar="TIME", help="Read no further. 90, 1h30m, 1:02:03 or ISO.")
@click.option("--replay", is_flag=True, help="Have this version decide again, and compare.")
@click.option(
    "--show",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Violations to list; JSON has up to 10,000.",
)
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write what was found to a file; - for stdout and nothing else there.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="What the file is; default by its ending, journal for any other.",
)
@click.option(
    "--map",
    "mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with the tables [columns], [events], [sides].",
)
@click.option(
    "--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Where a log says it."
)
@click.option("--event", "events", multiple=True, metavar="WORD=KIND", help="What a word means.")
@click.option(
    "--time-unit",
    type=click.Choice(["s", "ms", "us", "ns", "iso"]),
    help="Of a log's times; default by the column's name or by size.",
)
@click.option(
    "--instrument",
    metavar="KEY=VALUE,…",
    help="price_unit, lot, min_notional, significant_figures, symbol; default the finest steps.",
)
@click.option("--levels", type=click.IntRange(min=1), help="Quotes a side at most: judges S4.")
@click.option("--position", metavar="QTY", help="Held before the log begins; a sell is negative.")
@click.option("--exposure-cap", metavar="QTY", help="The worst case a side: judges S6.")
@click.option("--order-max", metavar="QTY", help="The most of one order: judges S25.")
@click.option("--request-cap", type=click.IntRange(min=0), help="The venue's quota: judges S11.")
@click.option("--requests-per-minute", type=click.IntRange(min=1), help="Likewise: judges S25.")
@click.option("--amends", is_flag=True, help="A modify keeps its oid, and its size is the total.")
@click.option(
    "--timeout",
    type=options.positive,
    metavar="SECONDS",
    help="After how long a request without an answer is in doubt; default 5.",
)
def command(
    source: Source,
    since: str | None,
    until: str | None,
    replay: bool,
    show: int,
    json_target: str | None,
    form: str | None,
    **given: Any,
) -> int:
    """Hold a recorded run to every promise, by the rules of its journal's header.

    Or the log of another bot, which is held to those that can be judged from what was sent and
    what the venue said.
    """
    output.check_target("--json", json_target)
    window = _window(since, until)
    form = form or _form_of(source)
    if form != "journal" and not isinstance(source, Path):
        raise BadInput(f"--format {form} must be of a file, was given with {source}")
    if form == "journal":
        used = [name for name in LOG_ONLY if given[name]]
        if used:
            option = {"mapping": "map", "columns": "column", "events": "event"}.get(used[0])
            option = option or used[0].replace("_", "-")
            raise BadInput(
                f"--{option} must go with a log, was given with a journal, "
                "whose header says it: say --format csv or jsonl if it is a log"
            )
        found = _audit_journal(source, window, replay=replay)
    elif replay:
        raise BadInput("--replay must go with a journal: a log has no decisions to compare")
    else:
        assert isinstance(source, Path), "it was asked for above"
        found = _audit_log(source, form, given, window)
    _check_window(found)
    if json_target is not None:
        output.write(document(found), json_target)
    if json_target != output.STDOUT:
        _print(found, show)
    return HELD if found.holds else CHECK_FAILED


def document(found: "Audited") -> str:
    """Write an audit as JSON; the same audit gives the same bytes."""
    first = found.read.first_at
    content = msgspec.to_builtins(found)
    content["held"] = found.holds
    content["judged"] = found.judged
    content["about"] = dict(found.about)
    content["promises"] = [
        {
            "id": name,
            "promise": sentence,
            "judged": name not in found.excused,
            "broken": found.counts.get(name, 0),
            **({"why_not": found.excused[name]} if name in found.excused else {}),
        }
        for name, sentence in found.promises
    ]
    for violation in content["violations"]:
        violation["seconds"] = (violation["at"] - first) / 1e9
    for name in ("counts", "excused"):
        del content[name]
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)


def _form_of(source: Source) -> str:
    if not isinstance(source, Path):
        return "journal"
    return ENDINGS.get(Path(source.name.removesuffix(".gz")).suffix.lower(), "journal")


def _window(since: str | None, until: str | None) -> "Window":
    from lifecycle.audit.window import Window, read_moment

    moments = []
    for name, text in (("--from", since), ("--until", until)):
        try:
            moments.append(None if text is None else read_moment(text))
        except ValueError as error:
            raise BadInput(f"{name} {error}") from error
    return Window(*moments)


def _check_window(found: "Audited") -> None:
    """Refuse a window in which nothing was: that nothing broke there says nothing."""
    from lifecycle.views.moments import moment

    read = found.read
    is_empty = not read.records or (found.since is not None and found.since > read.last_at)
    if found.holds and is_empty and (found.since is not None or found.until is not None):
        raise BadInput(
            "--from and --until must have records between them, had none; what was read ends "
            f"{moment(read.last_at - read.first_at)} after the beginning"
        )


def _audit_journal(source: Source, window: "Window", *, replay: bool) -> "Audited":
    from lifecycle.audit.audited import audit_journal
    from lifecycle.audit.portfolio import audit_portfolio
    from lifecycle.journal import JournalError

    try:
        recording = open_journal(source)
        name, header, tell = recording.name, recording.header, _Progress()
        if header.portfolio:
            found = audit_portfolio(
                name, header, recording.told(), window=window, replay=replay, tell=tell
            )
        else:
            found = audit_journal(
                name, header, recording.records(), window=window, replay=replay, tell=tell
            )
    except JournalError as error:
        raise BadInput(str(error)) from error
    found.damage = recording.damage
    return found


def _audit_log(path: Path, form: str, given: dict[str, Any], window: "Window") -> "Audited":
    from lifecycle.audit.log_audit import audit_log
    from lifecycle.audit.mapping import LogError

    try:
        dialect = _dialect(given)
        known = _given(given)
        return audit_log(
            path,
            "csv" if form == "csv" else "jsonl",
            dialect,
            known,
            window=window,
            tell=_Progress(),
        )
    except LogError as error:
        raise BadInput(str(error)) from error


def _dialect(given: dict[str, Any]) -> "Dialect":
    from lifecycle.audit.mapping import Dialect, Kind, checked, read_dialect

    columns = dict(_pair("--column", text) for text in given["columns"])
    events = {}
    for text in given["events"]:
        word, kind = _pair("--event", text)
        if kind not in set(Kind):
            kinds = ", ".join(Kind)
            raise BadInput(f"--event {text} must end in one of {kinds}, was {kind!r}")
        events[word] = Kind(kind)
    said = checked(Dialect(columns, events, {}, given["time_unit"]))
    return said if given["mapping"] is None else said.over(read_dialect(given["mapping"]))


def _given(given: dict[str, Any]) -> "Given":
    from lifecycle.audit.log_audit import TIMEOUT, Given

    timeout = given["timeout"]
    return Given(
        instrument=None if given["instrument"] is None else _instrument(given["instrument"]),
        levels=given["levels"],
        position=_decimal("--position", given["position"]) or Decimal(0),
        exposure_cap=_decimal("--exposure-cap", given["exposure_cap"], least=Decimal(0)),
        order_max=_decimal("--order-max", given["order_max"], least=Decimal(0)),
        request_cap=given["request_cap"],
        requests_per_minute=given["requests_per_minute"],
        amends=given["amends"],
        timeout=TIMEOUT if timeout is None else round(timeout * 1e9),
    )


def _instrument(text: str) -> "Instrument":
    from exchange.instrument import Instrument

    said = dict(_pair("--instrument", part.strip()) for part in text.split(","))
    known = {"symbol", "price_unit", "lot", "min_notional", "significant_figures"}
    for name in said:
        if name not in known:
            raise BadInput(f"--instrument must have {', '.join(sorted(known))}, was {name!r}")
    for name in ("price_unit", "lot"):
        if name not in said:
            raise BadInput(f"--instrument must say {name}, as in price_unit=0.1,lot=0.001")
    values: dict[str, Any] = {"symbol": said.pop("symbol", "the log's")}
    figures = said.pop("significant_figures", "0")
    if not figures.isdecimal():
        raise BadInput(f"--instrument significant_figures must be a whole number, was {figures!r}")
    values["min_notional"] = Decimal(0)
    values |= {name: _decimal(f"--instrument {name}", value) for name, value in said.items()}
    try:
        return Instrument(**values, significant_figures=int(figures))
    except ValueError as error:
        raise BadInput(f"--instrument {error}") from error


def _decimal(name: str, text: str | None, least: Decimal | None = None) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        raise BadInput(f"{name} must be a number, was {text!r}")
    if least is not None and value < least:
        raise BadInput(f"{name} must not be negative, was {text}")
    return value


def _pair(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise BadInput(f"{option} must be NAME=VALUE, was {text!r}")
    return name.strip(), value.strip()


class _Progress:
    """Says on stderr how far a long reading is."""

    def __init__(self) -> None:
        self._next = time.monotonic() + TELL_S

    def __call__(self, read: "Read") -> None:
        """Say it, if it was not said just now."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + TELL_S
        hours = read.span / 3.6e12
        output.progress(
            f"{read.records:,} records, {hours:.1f} h, {read.violations:,} violations so far"
        )


def _print(found: "Audited", show: int) -> None:
    from rich.console import Console

    from lifecycle.views.audit import audit
    from lifecycle.views.theme import THEME

    console = Console(highlight=False, theme=THEME)
    console.print(audit(found, console.width, show))
