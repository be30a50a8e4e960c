"""What a seed draws for its run."""

import pytest

from exchange.paper.faults import PLANS
from exchange.paper.generator import GENERATED
from lifecycle.core.settings import Settings
from lifecycle.soak.plan import AMENDS, REPLACES, Where, draw

SEEDS = range(200)


def test_the_same_seed_draws_the_same_run() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_a_plan_by_name_changes_only_what_goes_wrong() -> None:
    mixed, lossy = draw(7), draw(7, "lost_ack")

    assert lossy.faults.kinds == PLANS["lost_ack"].kinds
    assert lossy.config == mixed.config
    assert lossy.crashes == mixed.crashes


def test_an_unknown_plan_is_refused() -> None:
    with pytest.raises(ValueError, match=r"plan must be one of mix, calm, .*, was nothing"):
        draw(1, "nothing")


def test_every_run_has_a_phase_in_which_all_is_healed() -> None:
    for drawn in map(draw, SEEDS):
        assert drawn.faults.until == drawn.heal_at
        assert drawn.heal_at <= drawn.calm_at < drawn.end_at
        assert 0.55 < drawn.heal_at / drawn.end_at < 0.85
        assert all(crash.at < drawn.heal_at for crash in drawn.crashes)


def test_every_configuration_has_a_meaning() -> None:
    for drawn in map(draw, SEEDS):
        Settings(drawn.config, GENERATED)


def test_the_draws_reach_every_corner() -> None:
    runs = [draw(seed) for seed in SEEDS]

    assert {crash.where for run in runs for crash in run.crashes} == set(Where)
    assert {run.capabilities for run in runs} == {REPLACES, AMENDS}
    assert {run.whims.levels for run in runs} == {1, 2, 3}
    assert {run.config.orders.foreign for run in runs} == {"leave", "adopt", "cancel"}
    assert {run.config.grid.enabled for run in runs} == {False, True}
    assert {run.on_disk for run in runs} == {False, True}
    assert any(run.halt_at is not None for run in runs)
    assert any(crash.lost > 0 for run in runs for crash in run.crashes)
