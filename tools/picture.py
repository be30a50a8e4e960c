"""Draw the picture in the README, which shows the last live view of the default run and its table.

    python -m tools.picture          write `docs/run.svg`
    python -m tools.picture --check  compare what it says, and exit with 1 where it differs

The run is the same every time. Only the words of the picture are compared: how they are drawn is
up to the version of rich.
"""

import html
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from lifecycle.run.config import QuoterConfig, RunConfig
from lifecycle.run.session import Session, load_market
from lifecycle.views.before_after import before_after
from lifecycle.views.live import live
from lifecycle.views.theme import THEME

WIDTH: Final = 108
HEIGHT: Final = 26
LEVELS: Final = 3
ROOT: Final = Path(__file__).resolve().parent.parent
PICTURE_PATH: Final = "docs/run.svg"

_TEXT: Final = re.compile(r"<text[^>]*>([^<]*)</text>")


def picture() -> str:
    """Run both policies on the built-in market and return what they show, as SVG."""
    config = RunConfig(quoter=QuoterConfig(levels=LEVELS))
    market = load_market(config.market, config.venue)
    sessions = [Session(config, policy, market) for policy in ("legacy", "stable")]
    for session in sessions:
        while session.step():
            pass
    before, after = (session.summary() for session in sessions)
    console = Console(
        record=True, width=WIDTH, theme=THEME, file=io.StringIO(), force_terminal=True
    )
    console.print(live(sessions[1].frame(), WIDTH, HEIGHT))
    console.print(before_after(before, after, WIDTH))
    return console.export_svg(title="lifecycle run --levels 3")


def words(svg: str) -> list[str]:
    """Return what a picture says, word by word."""
    return html.unescape(" ".join(_TEXT.findall(svg))).split()


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write or check the picture below `root`; return the exit code."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m tools.picture [--check]", file=sys.stderr)
        return 2
    path = root / PICTURE_PATH
    drawn = picture()
    if not arguments:
        path.write_text(drawn, encoding="utf-8")
    elif words(path.read_text(encoding="utf-8")) != words(drawn):
        print(
            f"{PICTURE_PATH} must show what a run shows, does not; run `python -m tools.picture`",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
