"""Print every figure beside its limit and the peers', as ratios of one run, and write them as JSON.

    python -m tools.bench.all [--rounds N] [--recording FILE] [--json FILE] [--markdown FILE]
                              [--without PART ...]

Peers run in environments of their own (`python -m tools.peers_env`), a script each; one that is not
installed is left out, which is said. The other benches run as they do alone, and are asked for
their numbers. Exits 1 where a limit is missed.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from lifecycle.compiled import core_word
from tools.bench.core import ENGINE, ENGINE_MISSING, SHIFT, Resting, cases, has_engine, ladder
from tools.bench.instruments import MANY, Crowd, reports_per_second, size
from tools.bench.journal import BARE_LOOPED, LIMIT_US, LOOPED
from tools.bench.measure import measure
from tools.bench.replay import BULK, LIMIT_A_SECOND, LIMIT_DAY_S, PLAIN, Played
from tools.peers_env import CACHES

BESIDE: Final = {
    "bitmex": "bitmex_converge.py",
    "hummingbot": "hummingbot_tracker.py",
    "nautilus": "nautilus_order.py",
}
"""The script of each peer."""
SCRIPTS: Final = Path(__file__).parent / "beside"
ROUNDS: Final = 100
IMPORTS: Final = 15
JOURNAL_MINUTES: Final = "120"
SWEEP: Final = (
    *("--vary", "latch_bps=2,3,4,5,6", "--vary", "quoter.levels=1,2", "--vary", "cycle_s=3,6"),
    *("--seeds", "1:50", "--minutes", "2"),
)
"""A thousand runs of two minutes each."""

_T = TypeVar("_T")


class Figure(Struct, frozen=True):
    """One number, and what it is held against."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    least: bool = False
    """The limit is the least that it may be, not the most."""
    peer: str = ""
    theirs: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the limit is kept; true without one."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.least else self.value <= self.limit

    @property
    def ratio(self) -> float | None:
        """How many times the peer's cost is ours."""
        return None if self.theirs is None else self.theirs / self.value


def of_peers(folder: Path, tell: Callable[[str], None]) -> dict[str, float]:
    """Return what the peers take, in µs by name, as far as they are installed."""
    found: dict[str, float] = {}
    for peer, script in BESIDE.items():
        python = folder / peer / "bin" / "python"
        if not python.exists():
            tell(f"{peer}: not installed, left out (python -m tools.peers_env {peer})")
            continue
        done = subprocess.run(
            [str(python), str(SCRIPTS / script)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            tell(f"{peer}: failed, left out: {said}")
            continue
        found |= json.loads(done.stdout.splitlines()[-1])
    return found


def of_core(rounds: int, peers: dict[str, float]) -> list[Figure]:
    """Measure reports and cycles."""
    measured = {one.name: one for one in measure(cases(), rounds)}
    engine = measured.get(ENGINE)
    beside = {
        "receive, fill": "LimitOrder.apply, fill",
        "receive, accepted": "ClientOrderTracker, accepted",
        "cycle, 2x10 unchanged": "converge_orders, 2x10 unchanged",
        "cycle, 2x10 all moved": "converge_orders, 2x10 all moved",
        "cycle, 2x200 unchanged": "converge_orders, 2x200 unchanged",
        "cycle, 2x200 all moved": "converge_orders, 2x200 all moved",
    }
    found = []
    for name, one in measured.items():
        if name in ("dictionary lookup", ENGINE):
            continue
        peer = beside.get(name, "")
        theirs = peers.get(peer)
        if theirs is None and engine is not None and name.startswith("receive"):
            peer, theirs = ENGINE, engine.median_us
        found.append(
            Figure(
                name, one.median_us, "µs", one.limit_us, peer=peer if theirs else "", theirs=theirs
            )
        )
    return found


def of_instruments() -> list[Figure]:
    """Measure many instruments, and an order among ten and among a hundred thousand."""
    few, many, most = size(20), size(MANY * 20), size(100_000)
    with tempfile.TemporaryDirectory() as folder:
        rate = reports_per_second(20_000, Path(folder))
    return [
        Figure(f"{MANY} instruments x 20, unchanged", many.unchanged_ms, "ms", 15.0),
        Figure(f"{MANY} instruments x 20, all moved", many.moved_ms, "ms", 150.0),
        Figure("an order moved, of 20", few.moved_us, "µs"),
        Figure("an order moved, of 100,000", most.moved_us, "µs"),
        Figure("reports with the journal on", rate, "/s", 20_000, least=True),
    ]


def of_memory(peers: dict[str, float]) -> list[Figure]:
    """Measure what a resting order holds, everything but its target included."""
    Crowd(1)
    resting, used = _held(lambda: Resting(200))
    _, wanted = _held(lambda: (ladder(200), ladder(200, SHIFT, 2_000)))
    mine = (used - wanted) / len(resting.manager.open_orders)
    name, limit = "memory of a resting order", 800.0
    beside = [peer for peer in ("LimitOrder, bytes", "InFlightOrder, bytes") if peer in peers]
    if not beside:
        return [Figure(name, mine, "B", limit)]
    return [Figure(name, mine, "B", limit, peer=peer, theirs=peers[peer]) for peer in beside]


def _held(make: Callable[[], _T]) -> tuple[_T, int]:
    """Return what is made, and how many bytes it holds."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    made = make()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return made, used


AS_INSTALLED: Final = "import sys; sys.modules['typing_extensions'] = None; "
"""As after `pip install .`: no dependency of ours brings it, and where it is, msgspec imports it,
which takes longer than msgspec."""


def of_import() -> list[Figure]:
    """Measure what `import lifecycle` takes over bare Python, and msgspec alone."""
    took: dict[str, list[float]] = {
        code: []
        for code in (
            "pass",
            f"{AS_INSTALLED}import msgspec",
            f"{AS_INSTALLED}import lifecycle",
            "import msgspec",
            "import lifecycle",
        )
    }
    for _ in range(IMPORTS):
        for code, times in took.items():
            start = time.perf_counter_ns()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append((time.perf_counter_ns() - start) / 1e6)
    bare, *over = (median(times) for times in took.values())
    msgspec_plain, plain, msgspec_ms, ours = (one - bare for one in over)
    return [
        Figure(
            "import lifecycle, over bare Python", plain, "ms", 80.0,
            peer="import msgspec alone", theirs=msgspec_plain,
        ),
        Figure(
            "the same, with typing_extensions installed", ours, "ms",
            peer="import msgspec alone", theirs=msgspec_ms,
        ),
    ]  # fmt: skip


def of_explorer() -> list[Figure]:
    """Measure the explorer, in a process of its own: its memory is what that grows by."""
    found = asked("explorer")
    return [
        Figure("explorer, states a core", found["states_a_second"], "/s", 60_000, least=True),
        Figure("explorer, memory of a state", found["bytes_a_state"], "B", 400.0),
    ]


def of_journal() -> list[Figure]:
    """Measure what a record costs to append, beside a bare commit of one number."""
    found = asked("journal", "--minutes", JOURNAL_MINUTES)
    cost = {one["name"]: one["median_us"] for one in found["costs"]}
    return [
        Figure(
            "a record appended to the journal", cost[LOOPED], "µs", LIMIT_US,
            peer="a bare SQLite commit, WAL and NORMAL", theirs=cost[BARE_LOOPED],
        )
    ]  # fmt: skip


def of_sweep(tell: Callable[[str], None]) -> list[Figure]:
    """Measure a thousand runs with one worker and with two, which must write the same bytes."""
    if importlib.util.find_spec("pyarrow") is None or (os.cpu_count() or 1) < 2:
        tell("sweep: needs the extra sweep and two processors, left out")
        return []
    took, written = [], []
    with tempfile.TemporaryDirectory() as folder:
        for workers in ("1", "2"):
            table = Path(folder) / f"{workers}.parquet"
            command = [sys.executable, "-m", "lifecycle", "sweep", str(table), *SWEEP]
            start = time.perf_counter()
            subprocess.run([*command, "--workers", workers], check=True, capture_output=True)
            took.append(time.perf_counter() - start)
            written.append(table.read_bytes())
    assert written[0] == written[1], "a sweep must give the same table with any number of workers"
    alone, both = took
    return [
        Figure("a sweep of 1,000 runs, with two workers", both, "s", peer="one", theirs=alone),
        Figure("the same, times as fast as with one", alone / both, "×", 1.8, least=True),
    ]


def of_replay(recording: Path | None) -> list[Figure]:
    """Measure how fast a generated market is replayed, and a recorded one if it is given."""
    files = [] if recording is None else [str(recording)]
    played = msgspec.convert(asked("replay", *files), list[Played])
    day, *recorded = played
    ratio = day.seconds(PLAIN) / day.seconds(BULK)
    figures = [
        Figure(
            "a generated day, 2x10", day.day_s, "s", LIMIT_DAY_S,
            peer="our own plain loop", theirs=day.day_s * ratio,
        )
    ]  # fmt: skip
    figures += [
        Figure(
            f"replay of {one.market}, 2x10", one.rows_a_second, "rows/s", LIMIT_A_SECOND, least=True
        )
        for one in recorded
    ]
    return figures


def asked(module: str, *arguments: str) -> Any:
    """Run another bench, and return the JSON that it writes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"tools.bench.{module}", *arguments, "--json", str(file)]
        # Its own limits may be missed: that is its exit code, and we look at the numbers.
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        return json.loads(file.read_text(encoding="utf-8"))


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table, which is readable as it is."""
    lines = [
        "| figure | ours | limit | peer | theirs | ratio |",
        "|---|---:|---:|---|---:|---:|",
    ]
    for one in figures:
        limit = "" if one.limit is None else f"{'≥' if one.least else '≤'} {_number(one.limit)}"
        theirs = "" if one.theirs is None else f"{_number(one.theirs)} {one.unit}"
        ratio = "" if one.ratio is None else f"{one.ratio:.1f}×"
        missed = "" if one.is_met else " missed"
        ours = f"{_number(one.value)} {one.unit}"
        lines.append(f"| {one.name} | {ours} | {limit}{missed} | {one.peer} | {theirs} | {ratio} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything, print it, and write it where that was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.all", description="Print every figure beside the peers'."
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of the core ({ROUNDS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="and the table")
    parser.add_argument(
        "--peers", type=Path, default=CACHES / "order-lifecycle-peers", metavar="FOLDER",
        help="where the peers' environments are",
    )  # fmt: skip
    parser.add_argument(
        "--recording", type=Path, metavar="FILE", help="a recorded market to replay as well"
    )
    parts: dict[str, Callable[[], list[Figure]]] = {
        "instruments": of_instruments,
        "memory": lambda: of_memory(peers),
        "import": of_import,
        "explorer": of_explorer,
        "replay": lambda: of_replay(given.recording),
        "journal": of_journal,
        "sweep": lambda: of_sweep(tell),
    }
    parser.add_argument("--without", choices=parts, nargs="+", default=[], help="leave these out")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error(f"--rounds must be positive, was {given.rounds}")
    for target in (given.json, given.markdown):
        if target is not None and not target.parent.is_dir():
            parser.error(f"{target} must be in a directory that exists, create it first")
    if given.recording is not None and not given.recording.is_file():
        parser.error(f"--recording must be a file, was {given.recording}")

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    tell("peers")
    peers = of_peers(given.peers, tell)
    tell("core")
    if not has_engine():
        tell(ENGINE_MISSING)
    figures = of_core(given.rounds, peers)
    for name, part in parts.items():
        if name not in given.without:
            tell(name)
            figures += part()
    head = (
        f"{core_word()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}, medians"
    )
    print(head)
    print(table(figures))
    if given.json is not None:
        given.json.write_bytes(
            msgspec.json.format(msgspec.json.encode({"head": head, "figures": figures})) + b"\n"
        )
    if given.markdown is not None:
        given.markdown.write_text(f"{head}\n\n{table(figures)}\n", encoding="utf-8")
    return 0 if all(one.is_met for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
