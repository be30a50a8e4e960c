"""`lifecycle init`: the file explains every key, and read back it is the default."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from lifecycle.cli import main
from lifecycle.cli.configuration import ConfigError, check, read_config
from lifecycle.cli.errors import BAD_INPUT, HELD
from lifecycle.cli.rules import KEYS
from lifecycle.cli.settings import Setting, tables
from lifecycle.run.config import RunConfig

SETTINGS = [setting for table in tables() for setting in table.settings]
WITH_DEFAULT = re.compile(r"^#(?=[a-z_]+ = [^ #])", re.MULTILINE)
"""The mark before a key that has a value; behind the mark of a remark stands a space."""

GUARDS = ("exposure_cap", "order_qty_max", "collar_bps", "requests_per_minute", "rejects_in_row")


def lifecycle(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


@pytest.fixture(scope="module")
def written() -> str:
    result = lifecycle("init", "--stdout")
    assert result.exit_code == HELD
    return result.stdout


def test_the_written_file_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"

    result = lifecycle("init", str(file))

    assert result.exit_code == HELD
    assert read_config(file) == RunConfig()
    assert f"lifecycle run --config {file}" in result.stdout


def test_every_key_set_to_what_the_file_says_is_the_default(tmp_path: Path, written: str) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(WITH_DEFAULT.sub("", written), encoding="utf-8")

    config = read_config(file)

    assert config == RunConfig()
    shown = [line for line in file.read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    assert len(shown) == sum(setting.default is not None for setting in SETTINGS)


def test_every_key_stands_in_the_file_once(written: str) -> None:
    keys, table = [], ""
    for line in written.splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        elif found := re.match(r"#([a-z_]+) =", line):
            keys.append(f"{table}.{found.group(1)}")

    assert sorted(keys) == sorted(KEYS)


def test_hard_limits_come_first(written: str) -> None:
    keys = re.findall(r"^#([a-z_]+) =", written, re.MULTILINE)

    assert tuple(keys[: len(GUARDS)]) == GUARDS


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: f"{s.table}.{s.key}")
def test_every_key_has_a_reason(setting: Setting) -> None:
    assert setting.reason.endswith(".")


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_text("mine")

    result = lifecycle("init", str(file))

    assert result.exit_code == BAD_INPUT
    assert result.stderr.startswith(f"lifecycle: {file} must not exist yet")
    assert result.stderr.count("\n") == 1
    assert file.read_text() == "mine"


def test_without_a_name_it_is_bot_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = lifecycle("init")

    assert result.exit_code == HELD
    assert [path.name for path in tmp_path.iterdir()] == ["bot.toml"]


def test_to_stdout_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    lifecycle("init", "--stdout")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_absent_is_one_line(tmp_path: Path) -> None:
    result = lifecycle("init", str(tmp_path / "none" / "bot.toml"))

    assert result.exit_code == BAD_INPUT
    assert result.stderr.count("\n") == 1


# The reference says in words which keys go together; here those words are held to the checks.
TOGETHER = [
    ("bands", {"latch_bps_max": 1.0, "latch_bps_min": 2.0}, "bands.latch_bps_max"),
    ("bands", {"stale_bps": 1.0, "latch_bps": 2.0}, "bands.stale_bps"),
    ("quota", {"widest_below": 0.4, "wide_below": 0.3}, "quota.widest_below"),
    ("quota", {"normal_floor": 0.3, "low_floor": 0.2}, "quota.normal_floor"),
    ("quota", {"cancel_share": 0.3}, "quota.cancel_share"),
]


@pytest.mark.parametrize(("table", "values", "key"), TOGETHER, ids=[key for _, _, key in TOGETHER])
def test_keys_that_go_together_do(table: str, values: dict[str, float], key: str) -> None:
    default = RunConfig()
    wrong = structs.replace(default, **{table: structs.replace(getattr(default, table), **values)})

    with pytest.raises(ConfigError, match=re.escape(key)):
        check(wrong)
