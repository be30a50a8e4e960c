"""What a failed run leaves behind: its journal, and a scenario file.

The run is played once more, which gives the same. The journal is a SQLite file like any run's, for
`lifecycle audit` and `lifecycle explain`. The scenario has the records up to the failure in the
words of `lifecycle conform`, as near as those come: the promises about others' orders and halts
cannot be said there, nor when a report was true. So it is played, and says of itself whether it
breaks the same promise.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from exchange.commands import Place
from exchange.reports import CancelRejected, Snapshot
from exchange.units import SECOND
from exchange.words import Cloid, Side
from lifecycle.check import told
from lifecycle.check.explore import Finding
from lifecycle.check.story import Line, Story, breaks
from lifecycle.check.world import Budgets, Setting, World
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.soak.plan import draw
from lifecycle.soak.run import Failure, Run
from spec.invariants.base import Broken
from spec.trace import Cycled, Halted, Record, Reported, Targets, Unanswered

NOT_REPLAYED: Final = (
    "# Played as a scenario, this run does not break the promise: a scenario cannot say when a\n"
    "# report was true, only when it was heard, nor what others have resting, nor every setting.\n"
    "# The journal beside it stands, and the command above repeats the run.\n\n"
)


class Left(Struct, frozen=True):
    """The files of a failed run."""

    journal: Path
    scenario: Path | None
    """None where what failed is nothing that a trace can break."""
    replays: bool
    """Whether playing the scenario breaks the same promise."""


def leave(seed: int, plan: str, folder: Path) -> Left:
    """Play a failed run again, and write what it leaves into a folder, made where it is missing.

    Files of the same run from before are replaced. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="soak-") as scratch:
        run = Run(draw(seed, plan), Path(scratch))
        failure = run.play().failure
    name = f"soak-{plan}-{seed}"
    journal = folder / f"{name}.journal"
    _write_journal(run, journal)
    if failure is None or not _is_of_a_trace(failure):
        return Left(journal, None, replays=False)
    path = folder / f"{name}.toml"
    source = f"# lifecycle soak --plan {plan} --seeds {seed}:{seed}\n"
    text = told.scenario(_story(run, failure), f"lifecycle soak, plan {plan}, seed {seed}")
    path.write_text(source + text, encoding="utf-8")
    replays = breaks(path, failure.what)
    if not replays:
        path.write_text(source + NOT_REPLAYED + text, encoding="utf-8")
    return Left(journal, path, replays)


def _is_of_a_trace(failure: Failure) -> bool:
    """Say whether an invariant was broken: the other failures need the venue's own truth."""
    return failure.what[0] in "SV" and failure.what[1:].isdecimal()


def _write_journal(run: Run, path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-tail"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    journal = SqliteJournal.create(path, run.header)
    for record in run.records:
        journal.append(record)
    journal.close()


def _story(run: Run, failure: Failure) -> Story:
    drawn = run.drawn
    records = tuple(_sayable(run.records))
    cycles = (record for record in records if isinstance(record, Cycled))
    first = next(cycles, None)
    setting = Setting(
        instrument=run.header.instrument,
        capabilities=drawn.capabilities,
        config=drawn.config,
        choices=(Targets() if first is None else first.wanted,),
        market=run.paper.market(run.paper.now),
        budgets=Budgets(),
    )
    broken = Broken(failure.what, "see the end", failure.at, failure.text, failure.cloid)
    lines = tuple(
        Line(record.now, f"{record.now / SECOND:.3f} s", (record,), "") for record in records
    )
    return Story(setting, Finding(broken, ()), lines, _names(records), World(setting))


def _names(records: Iterable[Record]) -> dict[Cloid, str]:
    """Name the orders as scenarios do: each side by number, in the order of their placing."""
    names: dict[Cloid, str] = {}
    for side, letter in ((Side.BUY, "b"), (Side.SELL, "a")):
        number = 0
        for record in records:
            for place in sorted(_placed(record, side), key=lambda one: -one.side * one.price):
                number += 1
                names[place.cloid] = f"{letter}{number}"
    return names


def _placed(record: Record, side: Side) -> list[Place]:
    if not isinstance(record, Cycled):
        return []
    commands = record.plan.commands
    return [one for one in commands if isinstance(one, Place) and one.side is side]


def _sayable(records: Iterable[Record]) -> Iterator[Record]:
    """Leave out what a scenario has no words for: halts, and orders that we did not place."""
    ours: set[Cloid] = set()
    for record in records:
        match record:
            case Cycled():
                ours |= {one.cloid for side in Side for one in _placed(record, side)}
                # A scenario has no grid: it wants what the grid made of it.
                yield replace(record, targets=record.wanted)
            case Halted():
                pass
            case Reported(_, Snapshot() as snapshot):
                listed = tuple(row for row in snapshot.open if row.cloid in ours)
                fills = tuple(fill for fill in snapshot.fills if fill.cloid in ours)
                # The venue's clock may be ahead of ours.
                at = min(snapshot.at, record.now)
                said = replace(snapshot, at=at, open=listed, fills=fills)
                yield replace(record, report=said)
            case Reported(_, CancelRejected() as refused):
                if refused.cloid in ours:
                    reason = "too_late" if refused.reason == "too_late" else "unknown"
                    yield replace(record, report=replace(refused, reason=reason))
            case Reported(_, report):
                if getattr(report, "cloid", None) in ours or not hasattr(report, "cloid"):
                    yield record
            case Unanswered(_, command):
                if command.cloid in ours:
                    yield record
            case _:
                yield record
