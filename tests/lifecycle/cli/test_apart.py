"""What is said apart: nobody waits for it, and whoever asks again hears that it failed."""

import threading

import pytest

from lifecycle.cli.apart import WAITING_MAX, Apart


def test_things_are_done_in_turn_and_all_of_them_before_it_is_closed() -> None:
    apart, done = Apart(), list[int]()
    for number in range(100):
        apart.do(lambda number=number: done.append(number))  # type: ignore[misc]

    assert apart.close(10)
    assert done == list(range(100))


def test_nobody_waits_for_what_is_stuck() -> None:
    apart, freed, begun = Apart(), threading.Event(), threading.Event()

    def stick() -> None:
        begun.set()
        freed.wait(60)

    apart.do(stick)
    assert begun.wait(10)
    for _ in range(2 * WAITING_MAX):
        apart.do(lambda: None)

    assert apart.is_busy
    assert not apart.close(0.01)
    freed.set()
    assert apart.close(10)


def test_who_asks_after_a_failure_hears_of_it() -> None:
    apart = Apart()

    def fail() -> None:
        raise BrokenPipeError("gone")

    apart.do(fail)
    assert apart.close(10)

    assert not apart.is_busy
    with pytest.raises(BrokenPipeError, match="gone"):
        apart.do(lambda: None)
