"""`lifecycle explain`: the orders of a journal, or the life of one with its numbers."""

import json
import time
from typing import Any, Final

import click
import msgspec

from lifecycle.cli import output
from lifecycle.cli.errors import HELD, BadInput
from lifecycle.cli.journals import JOURNAL, Source, open_journal, part_named

TELL_S: Final = 5.0
"""Between two words about how far it is."""

EPILOG: Final = """\b
Examples:
  lifecycle explain bot.journal                  every order, a line each
  lifecycle explain bot.journal 000000a3         one of them, from place to end
  lifecycle explain bot.journal a3 --all         each cycle a row of its own
  lifecycle explain 'postgresql://fleet@db/bots?run=ID' a3
                                                 from a fleet's journal
  lifecycle explain bot.journal a3 --json - | jq '.rows[] | .words'
  lifecycle explain bots.journal --symbol ETH    of a portfolio

\b
How to read it:
  A cycle that keeps an order says how far it has drifted and what band it has:
  base × level × quota × queue × adverse. Inside the band it costs no call and
  keeps its place in the queue; beyond the stale band it is acted on whatever the
  quota says. Cycles alike are one row, with their count.

\b
Exit codes:
  0  told
  2  usage, a file that cannot be used, or one that this version decides otherwise
"""


@click.command("explain", epilog=EPILOG)
@click.argument("source", metavar="JOURNAL", type=JOURNAL)
@click.argument("cloid", metavar="[CLOID]", required=False)
@click.option("--symbol", help="Which instrument of a portfolio's journal.")
@click.option("--all", "everything", is_flag=True, help="Each cycle and each look in its own row.")
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write what is told to a file; - for stdout and nothing else there.",
)
def command(
    source: Source,
    cloid: str | None,
    symbol: str | None,
    everything: bool,
    json_target: str | None,
) -> int:
    """Tell the life of an order from a journal: what happened, and why it was kept or changed.

    The journal is lived again by a real order manager, so the numbers are those that it decided
    by. CLOID may be the beginning or the end of one; without it all orders are listed.
    """
    output.check_target("--json", json_target)
    from lifecycle.explain.life import tell_life
    from lifecycle.explain.story import find, tell_orders
    from lifecycle.journal import JournalError

    tell = _Progress()
    try:
        recording = open_journal(source)
        part = part_named(recording, symbol)
        header, lot = part.header, part.header.instrument.lot
        told: Any
        if cloid is None:
            told = tell_orders(recording.name, header, part.records(), tell, manager=part.manager)
        else:
            name = find(part.own(), cloid)
            told = tell_life(
                recording.name, header, part.records(), name, fold=not everything, tell=tell,
                manager=part.manager,
            )  # fmt: skip
    except JournalError as error:
        raise BadInput(str(error)) from error
    except ValueError as error:
        where = f"{source} --symbol {symbol}" if symbol else source
        raise BadInput(f"{error}; `lifecycle explain {where}` lists them") from error
    if recording.damage is not None:
        output.progress(f"{recording.name} is {recording.damage}; told up to there")
    if json_target is not None:
        output.write(document(told), json_target)
    if json_target != output.STDOUT:
        from rich.console import Console

        from lifecycle.explain.story import Orders
        from lifecycle.views.explain import life, orders
        from lifecycle.views.theme import THEME

        console = Console(highlight=False, theme=THEME)
        is_list = isinstance(told, Orders)
        width = console.width
        console.print(orders(told, lot, width) if is_list else life(told, width))
    return HELD


def document(told: Any) -> str:
    """Write what was told as JSON; the same journal gives the same bytes."""
    return json.dumps(msgspec.to_builtins(told), indent=2, sort_keys=True, ensure_ascii=False)


class _Progress:
    """Says on stderr how far a long reading is."""

    def __init__(self) -> None:
        self._next = time.monotonic() + TELL_S

    def __call__(self, records: int, span: int) -> None:
        """Say it, if it was not said just now."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + TELL_S
            output.progress(f"{records:,} records, {span / 3.6e12:.1f} h")
