"""What was spent lately is part of a state where it can make a change wait, and nowhere else."""

from msgspec.structs import replace

from lifecycle.check.canon import digest
from lifecycle.check.world import Budgets, World, near_timers
from lifecycle.config import Config, QuotaConfig
from lifecycle.core.budget import Spending
from tools.mutants.settings import setting


def world(quota: QuotaConfig) -> World:
    """Return a world in which one order has been placed."""
    plain = setting("move", "replace", Budgets())
    found = World(replace(plain, config=replace(plain.config, quota=quota)))
    found.take(("cycle", 0, ""))
    return found


def digests(quota: QuotaConfig) -> tuple[int, int]:
    """Return what stands for a state, before and after a change was spent besides."""
    one = world(quota)
    before = digest(one)
    one.canonical = None
    budget = one.manager._desk.budget
    budget.enter(Spending.CHANGE, one.now)
    return before, digest(one)


def test_without_a_cap_a_state_has_no_window() -> None:
    one = world(QuotaConfig())

    assert one.manager._desk.budget.buckets == []


def test_states_that_differ_in_their_window_differ() -> None:
    before, after = digests(QuotaConfig(cap=1_000))

    assert before != after


def test_a_window_that_holds_nothing_back_makes_no_states() -> None:
    before, after = digests(QuotaConfig(cap=1_000, enabled=False))

    assert before == after


def test_an_explored_window_is_a_period_and_grants_at_the_same_rate() -> None:
    near = near_timers(Config(quota=QuotaConfig(window_s=600.0, horizon_h=24.0))).quota

    assert (near.window_s, near.horizon_h) == (6.0, 0.24)


def test_a_window_that_is_shorter_than_a_period_stays() -> None:
    quota = QuotaConfig(window_s=2.0, horizon_h=1.0)

    assert near_timers(Config(quota=quota)).quota == quota
