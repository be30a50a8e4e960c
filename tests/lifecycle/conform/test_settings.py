"""The layers of a scenario's `[config]`: off, or a table of their own."""

from pathlib import Path

import pytest

from lifecycle.config import GridConfig, SmoothingConfig
from lifecycle.conform.play import play
from lifecycle.conform.reading import read_scenario
from lifecycle.conform.settings import scenario_config

STORY = """
id = "T"
title = "a bid on a lattice of half a unit of money"
source = "here"
venue = "cancel-replace"

[config]
grid = {{ min_ticks = 5 }}

[[step]]
at = 1.0
cycle = {{ bids = [["2000.3", "0.10"]], asks = [] }}
sent = {{ place = 1 }}
order.b1 = {{ price = "{price}" }}
"""


def test_without_a_word_both_layers_are_off() -> None:
    _, config = scenario_config({})

    assert (config.grid.enabled, config.smoothing.enabled) == (False, False)


def test_a_table_switches_its_layer_on_with_what_it_says() -> None:
    _, config = scenario_config({"grid": {"min_ticks": 5}, "smoothing": {"kappa_alpha": 0.5}})

    assert config.grid == GridConfig(min_ticks=5)
    assert config.smoothing == SmoothingConfig(kappa_alpha=0.5)


@pytest.mark.parametrize(
    ("layer", "value", "said"),
    [
        ("grid", True, "grid must be false or a table, was True"),
        ("grid", {"ticks": 5}, "grid: .*ticks"),
        ("smoothing", {"kappa_alpha": "x"}, "smoothing: .*kappa_alpha"),
    ],
)
def test_anything_else_is_refused_by_name(layer: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scenario_config({layer: value})


@pytest.mark.parametrize(("price", "holds"), [("2000.0", True), ("2000.3", False)])
def test_a_scenario_with_a_grid_is_played_on_it(tmp_path: Path, price: str, holds: bool) -> None:
    file = tmp_path / "grid.toml"
    file.write_text(STORY.format(price=price), encoding="utf-8")

    assert (play(read_scenario(file)).failures == ()) is holds
