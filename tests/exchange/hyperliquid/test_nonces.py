"""Nonces: never twice, whatever the clock and the process do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.hyperliquid.nonces import (
    AHEAD_MS_MAX,
    STEP_MS,
    NonceError,
    Nonces,
    Settlement,
    settlement,
    settling_noop,
)
from exchange.hyperliquid.signing import Key, recover_request
from exchange.hyperliquid.wire import ExchangeReply, Noop, done, refused

NOW: Final = 1_700_000_000_000
SECRET: Final = "0123456789" * 6 + "0123"


class Clock:
    """A wall clock that stands where it is put."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nonces"


@pytest.fixture
def held(path: Path) -> Iterator[Nonces]:
    with Nonces(path, Clock()) as nonces:
        yield nonces


def test_the_first_nonce_is_the_clocks_time(held: Nonces) -> None:
    assert [held.next() for _ in range(3)] == [NOW, NOW + 1, NOW + 2]


def test_a_nonce_follows_the_clock_and_never_goes_back(path: Path) -> None:
    clock = Clock()
    with Nonces(path, clock) as nonces:
        first = nonces.next()
        clock.now = NOW + 50
        later = nonces.next()
        clock.now = NOW - 3_600_000
        set_back = nonces.next()

    assert (first, later, set_back) == (NOW, NOW + 50, NOW + 51)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-7_200_000, 7_200_000), st.integers(1, 30)), max_size=12))
def test_no_nonce_comes_twice_over_restarts_with_any_clock(
    tmp_path_factory: pytest.TempPathFactory, starts: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("nonces") / "nonces"
    given_out: list[int] = []
    for offset, count in starts:
        with Nonces(path, Clock(NOW + offset)) as nonces:
            given_out += [nonces.next() for _ in range(count)]

    assert given_out == sorted(set(given_out))


def test_a_restart_is_ahead_of_the_clock_by_no_more_than_the_step(path: Path) -> None:
    clock = Clock()
    with Nonces(path, clock) as nonces:
        nonces.next()
    with Nonces(path, clock) as nonces:
        again = nonces.next()

    assert NOW < again <= NOW + STEP_MS + 1


KILLED: Final = """
import os, signal, sys
from exchange.hyperliquid.nonces import Nonces
nonces = Nonces(sys.argv[1], lambda: int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    last = nonces.next()
sys.stdout.write(str(last))
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_no_nonce_to_be_given_twice(path: Path) -> None:
    last = 0
    for clock, count in ((NOW, 1), (NOW, 2 * STEP_MS), (NOW - 60_000, 7)):
        ran = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(clock), str(count)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode < 0, ran.stderr
        newest = int(ran.stdout)
        assert newest - count >= last
        last = newest
    with Nonces(path, Clock(NOW - 90_000)) as nonces:
        assert nonces.next() > last


def test_two_threads_get_different_nonces(held: Nonces) -> None:
    given_out: list[int] = []
    threads = [
        Thread(target=lambda: given_out.extend([held.next() for _ in range(500)])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(given_out)) == len(given_out) == 2000


def test_a_file_serves_one_process(held: Nonces, path: Path) -> None:
    held.next()

    with pytest.raises(NonceError, match="must be a file for one process, was in use"):
        Nonces(path, Clock())
    assert held.next() == NOW + 1


def test_a_closed_file_serves_the_next(path: Path) -> None:
    first = Nonces(path, Clock())
    first.close()

    with Nonces(path, Clock()) as second:
        assert second.next() == NOW


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.write_text("no nonces here, but something that somebody may miss " * 40)
    before = path.read_bytes()

    with pytest.raises(NonceError, match="must hold nonces, did not"):
        Nonces(path, Clock())
    assert path.read_bytes() == before


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NonceError, match="must be a file in a folder"):
        Nonces(tmp_path / "missing" / "nonces", Clock())


def test_a_nonce_that_the_venue_would_not_take_is_not_given(path: Path) -> None:
    clock = Clock(NOW + AHEAD_MS_MAX + 60_000)
    with Nonces(path, clock) as nonces:
        nonces.next()
        clock.now = NOW
        with pytest.raises(NonceError, match="a nonce must be within a day of the clock"):
            nonces.next()
        clock.now = NOW + 120_000
        assert nonces.next() == NOW + AHEAD_MS_MAX + 60_001


def test_a_file_that_takes_no_ceiling_any_more_is_said_and_nonces_go_on(path: Path) -> None:
    clock = Clock()
    with Nonces(path, clock) as nonces:
        first = nonces.next()
        nonces._database.execute("PRAGMA query_only = ON")
        clock.now = NOW + 2 * STEP_MS

        second, third = nonces.next(), nonces.next()

        assert first < second < third
        assert nonces.unkept.startswith(f"{path} must be writable, was not")


def test_the_noop_that_settles_a_request_has_its_nonce() -> None:
    key, vault = Key(SECRET), "0x" + "1" * 40

    noop = settling_noop(key, NOW, vault=vault, mainnet=False)

    assert (noop.action, noop.nonce, noop.vault_address) == (Noop(), NOW, vault)
    assert recover_request(noop, mainnet=False) == key.address


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (done(), Settlement.NEVER),
        (refused(f"Invalid nonce: duplicate nonce {NOW}"), Settlement.ARRIVED),
        # It may have been used and forgotten.
        (refused(f"Invalid nonce: nonce too low {NOW} < {NOW + 1}"), Settlement.UNKNOWN),
        (refused("Too many cumulative requests sent (2 > 1)"), Settlement.UNKNOWN),
        (refused("Something new"), Settlement.UNKNOWN),
        (ExchangeReply("hm", "Something new"), Settlement.UNKNOWN),
    ],
)
def test_the_noops_answer_settles_the_request_or_does_not(
    reply: ExchangeReply, expected: Settlement
) -> None:
    assert settlement(reply) is expected
