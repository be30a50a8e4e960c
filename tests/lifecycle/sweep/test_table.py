"""The table: what its columns are, and that it comes back as it was."""

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from lifecycle.run.config import RunConfig
from lifecycle.sweep.columns import COLUMNS, NUMBERS
from lifecycle.sweep.kept import Kept
from lifecycle.sweep.plan import Plan, Source, Varied, settings_of
from lifecycle.sweep.play import Ended
from tests.summaries import RUN

tables = pytest.importorskip("lifecycle.sweep.table", reason="pyarrow is absent")
parquet = pytest.importorskip("pyarrow.parquet")

LATCH = Varied(("bands", "latch_bps"), (3.0, None))


def written(folder: Path, *varied: Varied, **changes: Any) -> Path:
    """Write a table in which every run came to the same, but for these changes."""
    settings = list(settings_of(RunConfig(), ["stable"], varied))
    plan = Plan([one.key for one in varied], settings, [Source("generated")], [1], "c")
    keys = [run.key for run in plan.runs()]
    kept = Kept(folder / "x.runs", keys)
    kept.add([Ended(key, summary=structs.replace(RUN, **changes)) for key in keys])
    kept.close()
    tables.write(folder / "x", plan, kept)
    return folder / "x"


def test_a_row_has_settings_seed_market_measures_and_error(tmp_path: Path) -> None:
    path = written(tmp_path, LATCH)

    found = parquet.read_table(path)

    assert found.column_names == [
        "run", "market", "policy", "bands.latch_bps", "seed", *(one.name for one in COLUMNS),
        "error",
    ]  # fmt: skip
    row = found.to_pylist()[0]
    assert (row["market"], row["policy"], row["bands.latch_bps"], row["seed"]) == (
        "generated", "stable", 3.0, 1,
    )  # fmt: skip
    assert (row["calls_per_minute"], row["fills"], row["presence"]) == (3.5, 2, 0.9)
    assert row["error"] is None


def test_a_table_comes_back_with_its_settings(tmp_path: Path) -> None:
    found = tables.read(written(tmp_path, LATCH))

    assert found.settings == ("policy", "bands.latch_bps")
    assert found.columns["bands.latch_bps"] == [3.0, None]
    assert len(found) == 2


def test_every_float_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    path = written(tmp_path, staleness_rms_bps=0.1 + 0.2, markout_5s_bps=-1e-300)

    columns = tables.read(path).columns

    assert columns["staleness_rms_bps"] == [0.1 + 0.2]
    assert columns["markout_5s_bps"] == [-1e-300]


def test_cancels_over_no_fill_are_infinite_not_absent(tmp_path: Path) -> None:
    assert tables.read(written(tmp_path, cancel_fill=None)).columns["cancel_fill"] == [math.inf]


@pytest.mark.parametrize(
    ("varied", "shown"),
    [
        (Varied(("quoter", "levels"), (1, 2)), [1, 2]),
        (Varied(("grid", "enabled"), (True, False)), [True, False]),
        (Varied(("venue", "latency"), ("fast", "slow")), ["fast", "slow"]),
        (Varied(("risk", "exposure_cap"), (None, Decimal("1.50"))), [None, "1.50"]),
        (Varied(("bands", "level_factors"), ((1.0, 2.0), (1.5,))), ["[1.0, 2.0]", "[1.5]"]),
        (Varied(("bands", "stale_bps"), (None,)), [None]),
    ],
    ids=lambda value: value.key if isinstance(value, Varied) else "",
)
def test_a_setting_of_any_kind_has_its_column(
    tmp_path: Path, varied: Varied, shown: list[Any]
) -> None:
    assert tables.read(written(tmp_path, varied)).columns[varied.key] == shown


def test_every_number_can_be_asked_for(tmp_path: Path) -> None:
    columns = tables.read(written(tmp_path)).columns

    assert all(isinstance(columns[name][0], int | float) for name in NUMBERS)


def test_what_is_no_table_of_a_sweep_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    parquet.write_table(parquet.read_table(written(tmp_path)).select(["seed"]), other)
    (tmp_path / "text").write_text("PAR")

    with pytest.raises(tables.TableError, match="must be a table of lifecycle sweep"):
        tables.read(other)
    with pytest.raises(tables.TableError, match="must be a Parquet file, was none"):
        tables.read(tmp_path / "text")
