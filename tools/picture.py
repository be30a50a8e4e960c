"""Draw the picture in the README: `python -m tools.picture` writes `docs/run.svg`.

It shows the last live view of the default run, and the table that the run ends with.
"""

import io
from pathlib import Path

from rich.console import Console

from lifecycle.run.config import QuoterConfig, RunConfig
from lifecycle.run.session import Session, load_market
from lifecycle.views.before_after import before_after
from lifecycle.views.live import live
from lifecycle.views.theme import THEME

WIDTH = 108
HEIGHT = 26
LEVELS = 3
PICTURE = Path(__file__).parent.parent / "docs" / "run.svg"


def draw(path: Path) -> None:
    """Run both policies on the built-in market and write what they show."""
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
    console.save_svg(str(path), title="lifecycle run --levels 3")


if __name__ == "__main__":
    draw(PICTURE)
