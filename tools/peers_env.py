"""Run the tests of a drop-in against the real package that it stands in for, apart from ours.

    python -m tools.peers_env nautilus          make its environment if there is none, and test
    python -m tools.peers_env ccxt --fresh      make it anew first

Peers pin versions of their own, so that each gets a virtual environment outside of the checkout:
below `--folder`, by default where caches are kept. Without a network the making fails, and says so.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).resolve().parents[1]
OURS: Final = ("msgspec>=0.19", "click>=8.1", "rich>=13.7", "numpy>=1.26", "hypothesis", "pytest")
CACHES: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
TESTS: Final = "tests/lifecycle/dropin"

PEERS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "ccxt": (
        ("ccxt>=4.5,<5", "httpx", "websockets", "coincurve>=20,<22", "eth-account"),
        ("test_ccxt_dialects.py", "test_ccxt_stubbed.py", "test_ccxt_venue.py"),
    ),
    "nautilus": (("nautilus_trader>=1.221,<2",), ("test_nautilus.py",)),
    "hummingbot": (("hummingbot",), ("test_hummingbot.py",)),
}
"""What to install, and what to run."""


def environment(peer: str, folder: Path, *, fresh: bool) -> Path:
    """Return the interpreter of a peer's environment, made if needed.

    Raises subprocess.CalledProcessError where it cannot be made.
    """
    home = folder / peer
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = home / "complete"
    if done.exists() and not fresh:
        return python
    venv.create(home, clear=True, with_pip=True)
    packages = (*OURS, *PEERS[peer][0])
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    done.touch()
    return python


@click.command()
@click.argument("peer", type=click.Choice(sorted(PEERS)))
@click.option("--folder", type=click.Path(path_type=Path), default=CACHES / "order-lifecycle-peers")
@click.option("--fresh", is_flag=True, help="Make the environment anew.")
def main(peer: str, folder: Path, *, fresh: bool) -> None:
    """Test the drop-in for PEER against the real package."""
    python = environment(peer, folder, fresh=fresh)
    tests = [f"{TESTS}/{name}" for name in PEERS[peer][1]]
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    paths = os.environ | {"PYTHONPATH": str(ROOT)}
    sys.exit(subprocess.run(command, cwd=ROOT, env=paths, check=False).returncode)


if __name__ == "__main__":
    main()
