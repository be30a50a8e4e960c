"""What outlives one test: a real PostgreSQL, and journals that were left open as a crash does.

Those who need the first skip where none is installed.
"""

from collections.abc import Iterator

import pytest

from lifecycle.journal.address import Address
from tests.lifecycle.drive.portfolios import OPENED
from tools.postgres import Server, programs


@pytest.fixture(autouse=True)
def _close_portfolios() -> Iterator[None]:
    """Close what a test has opened: from Python 3.13 on a database left open is a warning."""
    yield
    while OPENED:
        OPENED.pop().journal.close()


@pytest.fixture(scope="session")
def running() -> Iterator[Server]:
    """Return the server of this test run, which a test may have stopped or frozen."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server is installed here: there is no initdb beside a pg_ctl")
    with Server(found) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """Return a server that runs."""
    running.thaw()
    running.start()
    return running


@pytest.fixture
def fleet(server: Server) -> Address:
    """Return the address of a database in which there is no fleet's journal yet."""
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS lifecycle CASCADE")
    return Address.parse(server.url())
