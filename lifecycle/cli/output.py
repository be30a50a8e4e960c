"""What a run leaves behind: JSON for machines, lines on stderr while nobody watches a screen."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from lifecycle.cli.errors import BadInput
from lifecycle.run.frame import Summary
from lifecycle.views.goals import GOALS

STDOUT: Final = "-"


def document(summaries: Sequence[Summary]) -> str:
    """Write the summaries and how the last of them stands to the goals.

    The same run gives the same bytes: keys are sorted, and no number depends on a clock.
    """
    last = summaries[-1]
    content: dict[str, Any] = {
        "summaries": {summary.policy: msgspec.to_builtins(summary) for summary in summaries},
        "goals": {
            "policy": last.policy,
            "held": {goal.key: goal.holds(last) for goal in GOALS},
        },
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)


def check_target(option: str, target: str | Path | None) -> None:
    """Look, before the work, whether `option` may be written to `target`; raises BadInput.

    A journal is the only record of a run: no slip of the finger writes over it, nor over another
    file that the same command reads or writes.
    """
    if target is None or str(target) == STDOUT:
        return
    path = Path(target)
    if not path.parent.is_dir():
        raise BadInput(f"{option} {target} must be in a directory that exists, create it first")
    for other, file in _other_files(option):
        if Path(file).resolve() == path.resolve():
            raise BadInput(
                f"{option} must be a file of its own, was {target} as {other}, choose another file"
            )
    if path.is_file() and _is_journal(path):
        raise BadInput(f"{option} {target} must not be a journal, was one, choose another file")


def _is_journal(path: Path) -> bool:
    """Say whether a file begins as journals do; raises OSError."""
    from lifecycle.journal.reading import MAGIC

    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _other_files(option: str) -> Iterator[tuple[str, str | Path]]:
    """Yield the files that the command line names beside those of `option`, each with its name."""
    context = click.get_current_context()
    for known in context.command.params:
        name = known.opts[0] if isinstance(known, click.Option) else known.human_readable_name
        given = context.params.get(known.name or "")
        is_file = isinstance(known.type, click.Path) or "FILE" in (known.metavar or "")
        if name == option:
            continue
        for value in given if isinstance(given, tuple) else (given,):
            if isinstance(value, Path) or (is_file and isinstance(value, str)):
                yield name, value


def write(text: str, target: str) -> None:
    """Write `text` to the file `target`, or to stdout for `-`; raises OSError."""
    if target == STDOUT:
        click.echo(text)
    else:
        Path(target).write_text(text + "\n", encoding="utf-8")


def progress(line: str) -> None:
    """Say a line on stderr."""
    click.echo(line, err=True)


def started(policy: str, market: str, seconds: float) -> str:
    """Return the line with which a policy's run begins."""
    return f"{policy}: {market}, {seconds / 60:.1f} min"


def ended(summary: Summary) -> str:
    """Return the line with which a policy's run ends."""
    return (
        f"{summary.policy}: {summary.seconds / 60:.1f} min run, {summary.placed} placed, "
        f"{summary.modified} modified, {summary.cancelled} cancelled, {summary.fills} fills"
    )
