"""`lifecycle init`: a configuration in which every key stands with its default and its reason."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from lifecycle.cli.errors import BadInput
from lifecycle.cli.settings import Setting, Table, tables

WIDTH: Final = 92

EPILOG: Final = """\b
Examples:
  lifecycle init                       writes bot.toml
  lifecycle init eth.toml
  lifecycle init --stdout | less
  lifecycle run --config bot.toml      try it
  lifecycle verify --config bot.toml   have it proved
"""

HEAD: Final = """\
# The configuration of an order manager and of what is around it.
#
# Every key stands here with its default, behind a `#`; take that away to set it. A key
# that is left out has its default, so a file of three lines is a good file. A key that is
# misspelt is an error.
# No value after the `=`: there is none unless you give one. Where a text below says None, a file
# cannot say that; leave the key out where that is its default, else give a number never reached.
#
# Set at least the two limits that only you can know: risk.exposure_cap and risk.order_qty_max.
#
# lifecycle run --config THIS      on paper, first
# lifecycle verify --config THIS   these bands, limits and times, proved
"""


@click.command("init", epilog=EPILOG)
@click.argument(
    "file", type=click.Path(dir_okay=False, path_type=Path), default="bot.toml", metavar="[FILE]"
)
@click.option("--stdout", "to_stdout", is_flag=True, help="Print it, and write no file.")
def command(file: Path, to_stdout: bool) -> None:
    """Write a configuration file that explains itself: FILE, or bot.toml.

    Every key is there with its default, commented out, its rule and its reason; hard limits come
    first. A file that exists is left alone.
    """
    if to_stdout:
        click.echo(document(), nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(document())
    except FileExistsError:
        raise BadInput(
            f"{file} must not exist yet, is left as it was: name another file, or use --stdout"
        ) from None
    click.echo(f"wrote {file}; set its limits, then: lifecycle run --config {file}")


def document() -> str:
    """Return the whole file."""
    return "\n".join([HEAD, *("\n".join(_lines(table)) + "\n" for table in tables())])


def _lines(table: Table) -> Iterator[str]:
    yield from _comment(table.reason)
    yield f"[{table.name}]"
    for setting in table.settings:
        yield ""
        yield from _comment(setting.reason)
        yield f"{f'#{setting.key} = {setting.toml}':<32}  # {_what(setting)}"


def _what(setting: Setting) -> str:
    return f"{setting.kind}, {setting.rule}" if setting.rule else setting.kind


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"# {line}"
