"""The naive bot before and after its one changed line: `python -m tools.naive [--market FILE]`.

Runs examples/naive_hyperliquid.py twice at the served paper venue, each time in a market that
starts anew: with the official SDK alone, and with `ManagedExchange` around it. Prints what the
venue counted side by side, and audits the journal. Exits with 1 where the managed bot made more
than six calls a minute, held an id that was not valid, broke a promise, or filled less.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from lifecycle.audit.audited import audit_journal
from lifecycle.journal.reading import read_journal

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLE: Final = ROOT / "examples" / "naive_hyperliquid.py"
CALLS_MAX: Final = 6.0
SAMPLE_S: Final = 2.0
"""Of the market, between two looks at whether both sides are quoted."""


class Came(Struct, frozen=True):
    """What came of one run."""

    calls: float
    """A minute, as the venue counts them against the account."""
    orders: int
    """That came on the book, each a place or the new leg of a modify."""
    fills: int
    present: float
    """Share of the looks at which both sides were quoted."""
    strange: int
    refused: int
    cycles: int


@contextmanager
def serving(market: str | None, speed: float) -> Iterator[str]:
    """Serve a market in another process; yields its URL."""
    command = [sys.executable, "-m", "lifecycle", "serve", "--port", "0", "--admin"]
    command += ["--speed", str(speed), "--coin", "ETH"]
    command += [] if market is None else ["--market", market]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None, "it was asked for"
        yield server.stdout.readline().rsplit(": ", 1)[1].strip()
    finally:
        server.terminate()
        server.communicate()


def truth(url: str) -> Any:
    """Return what is so at the venue."""
    with urllib.request.urlopen(f"{url}/admin/truth") as answer:  # noqa: S310 - our own
        return json.load(answer)


def trade(given: argparse.Namespace, journal: Path | None) -> Came:
    """Run the bot once."""
    with serving(given.market, given.speed) as url:
        command = [sys.executable, str(EXAMPLE), "--url", url, "--minutes", str(given.minutes)]
        command += ["--speed", str(given.speed), "--kappa", str(given.kappa)]
        if journal is not None:
            command += ["--managed", "--journal", str(journal)]
        # The example may be run from a checkout that was never installed.
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        bot = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment
        )
        looks = present = 0
        while bot.poll() is None:
            for account in truth(url)["accounts"].values():
                looks += 1
                present += len({row["side"] for row in account["open"]}) == 2
            time.sleep(SAMPLE_S / given.speed)
        assert bot.stdout is not None, "it was asked for"
        said = json.loads(bot.stdout.read())
        account = truth(url)["accounts"][said["user"].lower()]
    return Came(
        calls=account["rate_limit"]["nRequestsUsed"] / given.minutes,
        orders=len(account["orders"]),
        fills=len(account["fills"]),
        present=present / max(1, looks),
        strange=said["strange_ids"],
        refused=said["refused"],
        cycles=said["cycles"],
    )


def table(before: Came, after: Came, broken: int) -> str:
    """Write both side by side."""
    rows = [
        ("", "SDK alone", "managed"),
        ("cycles", f"{before.cycles}", f"{after.cycles}"),
        ("calls a minute", f"{before.calls:.1f}", f"{after.calls:.1f}"),
        ("orders on the book", f"{before.orders}", f"{after.orders}"),
        ("fills", f"{before.fills}", f"{after.fills}"),
        ("both sides quoted", f"{before.present:.1%}", f"{after.present:.1%}"),
        ("ids that it does not hold", f"{before.strange}", f"{after.strange}"),
        ("orders refused", f"{before.refused}", f"{after.refused}"),
        ("promises broken", "-", f"{broken}"),
    ]
    return "\n".join(f"{name:<26}{was:>12}{now:>12}" for name, was, now in rows)


def audited(journal: Path) -> int:
    """Return how many promises a journal breaks, and print the first."""
    reading = read_journal(journal)
    found = audit_journal(journal.name, reading.header, reading.records(), replay=True)
    for one in found.violations[:10]:
        print(f"{one.invariant} at record {one.record}: {one.what}", file=sys.stderr)
    if found.difference is not None:
        print(f"decided otherwise: {found.difference}", file=sys.stderr)
    return found.total + (found.difference is not None)


def main() -> int:
    """Run both, print the table, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--market", help="a recorded market; without it one is generated")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--kappa", type=float, default=2400.0, help="of the bot's quotes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = trade(given, None)
        after = trade(given, Path(folder, "bot.db"))
        broken = audited(Path(folder, "bot-ETH.db"))
    print(table(before, after, broken))
    held = after.calls <= CALLS_MAX and after.fills >= before.fills
    return 0 if held and after.strange == 0 and broken == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
