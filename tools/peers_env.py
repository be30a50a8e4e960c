"""Run the tests of a drop-in against the real package that it stands in for, apart from ours.

    python -m tools.peers_env nautilus          make its environment if there is none, and test
    python -m tools.peers_env ccxt --fresh      make it anew first
    python -m tools.peers_env all               each in turn

Peers pin versions of their own, so that each gets a virtual environment outside of the checkout:
below `--folder`, by default where caches are kept. What an environment was made of stands in it; it
is made anew when that changes here. Without a network the making fails, and says so.

hummingbot is built from its source, with a C++ compiler. On Python 3.11 it cannot be had with all
that it names as required: pandas-ta, which none of its modules that are used here imports, has no
release for that Python, and pip then tries ever older releases of hummingbot itself. So it is
installed without its requirements, and those that are needed are named here.
"""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Final, NamedTuple

import click

ROOT: Final = Path(__file__).resolve().parents[1]
OURS: Final = ("msgspec>=0.19", "click>=8.1", "rich>=13.7", "numpy>=1.26", "hypothesis", "pytest")
CACHES: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
TESTS: Final = "tests/lifecycle/dropin"
PAGES: Final = "tests/docs/test_code_blocks.py::test_the_python"
ALL: Final = "all"


class Peer(NamedTuple):
    """A package that a drop-in stands in for."""

    packages: tuple[str, ...]
    """What to install besides ours."""
    tests: tuple[str, ...]
    """What to run."""
    page: str | None = None
    """The test of the page's Python, where nobody else can run it."""
    built: str | None = None
    """What to install after that, by itself: built here, and without its requirements."""


# fmt: off
PEERS: Final[dict[str, Peer]] = {
    "bitmex": Peer(
        # With a newer websocket-client the sample is told of everything with one argument too many.
        ("bitmex-market-maker==1.6.1", "websocket-client<0.58", "aiohttp>=3.11,<4"),
        ("test_bitmex.py", "test_bitmex_package.py"),
    ),
    "ccxt": Peer(
        ("ccxt>=4.5,<5", "httpx", "websockets>=15,<18", "coincurve>=20,<22", "eth-account"),
        ("test_ccxt_dialects.py", "test_ccxt_stubbed.py", "test_ccxt_venue.py"),
        page=f"{PAGES}_for_a_served_venue_runs[docs/dropin-ccxt.md]",
    ),
    "hummingbot": Peer(
        (
            "setuptools", "wheel", "cython>=3,<4", "numpy>=2.2.6",
            "aiohttp>=3.8.5", "aiomqtt>=2", "aioprocessing>=2.0.1", "async-timeout>=4.0.2,<5",
            "base58>=2.1.1", "bidict>=0.22.1", "cachetools>=5.3.1", "cryptography>=41.0.2",
            "eth-account>=0.13", "msgpack", "pandas>=2.3.2", "prompt_toolkit>=3.0.39",
            "protobuf>=4.23.3", "psutil>=5.9.5", "pydantic>=2", "pyperclip>=1.8.2", "PyYAML",
            "requests>=2.31", "ruamel.yaml>=0.2.5", "scipy>=1.11.1", "six>=1.16",
            "sqlalchemy>=1.4.49", "tabulate", "ujson>=5.7",
        ),
        ("test_hummingbot.py", "test_hummingbot_package.py"),
        page=f"{PAGES}_of_a_page_runs[docs/dropin-hummingbot.md]",
        built="hummingbot==20260922",
    ),
    "nautilus": Peer(
        ("nautilus_trader>=1.221,<2",),
        ("test_nautilus.py",),
        page=f"{PAGES}_of_a_page_runs[docs/dropin-nautilus.md]",
    ),
}
# fmt: on


def environment(name: str, folder: Path, *, fresh: bool) -> Path:
    """Return the interpreter of a peer's environment, made if needed.

    Raises subprocess.CalledProcessError where it cannot be made.
    """
    peer, home = PEERS[name], folder / name
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    done, recipe = home / "made-of", "\n".join((*OURS, *peer.packages, peer.built or ""))
    if not fresh and done.exists() and done.read_text(encoding="utf-8") == recipe:
        return python
    click.echo(f"{name}: making its environment in {home}", err=True)
    started = time.monotonic()
    venv.create(home, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, *OURS, *peer.packages], check=True)
    if peer.built is not None:
        click.echo(f"{name}: building {peer.built}, some minutes", err=True)
        alone = [*install, "--no-deps", "--no-build-isolation", peer.built]
        # hummingbot's own word for building quickly; who else is built here leaves it alone.
        quick = os.environ | {"WITHOUT_CYTHON_OPTIMIZATIONS": "1"}
        subprocess.run(alone, check=True, env=quick)
    done.write_text(recipe, encoding="utf-8")
    click.echo(f"{name}: made in {time.monotonic() - started:.0f} s", err=True)
    return python


def test(name: str, folder: Path, *, fresh: bool) -> int:
    """Run the tests of a peer; return pytest's exit code."""
    python = environment(name, folder, fresh=fresh)
    peer = PEERS[name]
    tests = [f"{TESTS}/{file}" for file in peer.tests] + ([peer.page] if peer.page else [])
    # What peers warn of is their affair.
    quietly = ("-q", "-p", "no:cacheprovider", "-W", "ignore")
    command = [str(python), "-m", "pytest", *quietly, *tests]
    paths = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=paths, check=False).returncode


@click.command()
@click.argument("peer", type=click.Choice([*sorted(PEERS), ALL]))
@click.option("--folder", type=click.Path(path_type=Path), default=CACHES / "order-lifecycle-peers")
@click.option("--fresh", is_flag=True, help="Make the environment anew.")
def main(peer: str, folder: Path, *, fresh: bool) -> None:
    """Test the drop-in for PEER against the real package; `all` takes each in turn."""
    failed = []
    for name in sorted(PEERS) if peer == ALL else [peer]:
        try:
            if test(name, folder, fresh=fresh) != 0:
                failed.append(f"{name} (its tests)")
        except subprocess.CalledProcessError as error:
            failed.append(f"{name} (its environment: {error})")
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        sys.exit(1)
    if peer == ALL:
        click.echo(f"held: {', '.join(sorted(PEERS))}")


if __name__ == "__main__":
    main()
