"""`lifecycle verify`: what it says of a core that holds, of one that does not, and of bad input."""

import json
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.check import budgets
from lifecycle.check import explore as explore_module
from lifecycle.check.budgets import explorations, possible_races
from lifecycle.check.races import RACES
from lifecycle.check.verdict import PROMISES, Verified
from lifecycle.cli import main
from lifecycle.cli.commands import verify as verify_module
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD, INTERRUPTED
from lifecycle.config import Config, ModifyConfig, QuotaConfig, RiskConfig
from lifecycle.conform.reading import VENUES
from lifecycle.core import order as order_module
from lifecycle.core.settings import Settings
from lifecycle.core.tables import PHASE
from lifecycle.rules import rules_of
from spec.invariants.all import INVARIANTS
from spec.rules import drift_bps
from spec.states import Phase, PhaseEvent


def verify(*args: object) -> Result:
    return CliRunner().invoke(main, ["verify", *map(str, args)], catch_exceptions=False)


def close_at_the_first_fill(patch: pytest.MonkeyPatch) -> None:
    """Seed a bug: a part is taken for the whole."""
    rows = [list(row) for row in PHASE]
    rows[Phase.RESTING][PhaseEvent.FILLED_IN_PART] = Phase.FILLED
    patch.setattr(order_module, "PHASE", tuple(tuple(row) for row in rows))


@pytest.fixture(scope="module")
def held() -> Result:
    """One whole verification with the small budget."""
    return verify("--venue", "amend")


def test_the_small_budget_holds_and_says_of_each_promise_that_it_does(held: Result) -> None:
    assert held.exit_code == HELD
    rows = [line for line in held.stdout.splitlines() if line.endswith("held")]
    told = {line.split()[0] for line in rows}
    assert set(PROMISES) <= told
    assert re.search(r"every promise held in each of [0-9,]+ states$", held.stdout.strip())


def test_nothing_is_written_where_nothing_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "found"

    result = verify("--venue", "amend", "--scenario", folder, "--json", tmp_path / "v.json")

    assert result.exit_code == HELD
    assert not folder.exists()
    verdict = json.loads((tmp_path / "v.json").read_text())
    assert verdict["holds"]
    assert set(verdict["promises"]) == set(PROMISES)
    assert set(verdict["races"]) == set(RACES)
    assert verdict["states"] == sum(one["states"] for one in verdict["explorations"])


def test_a_race_of_legs_cannot_happen_where_a_modify_keeps_its_oid(held: Result) -> None:
    rows = [line for line in held.stdout.splitlines() if line.endswith("cannot happen here")]

    assert any("the replacement fills before" in row for row in rows)


def test_two_jobs_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = next(one for one in budgets._ROWS["small"] if one.budgets.fills)
    monkeypatch.setitem(budgets._ROWS, "small", [row])
    monkeypatch.setattr(explore_module, "SHARE_MIN", 5)
    found = {}
    for jobs in (1, 2):
        file = tmp_path / f"{jobs}.json"
        assert verify("--venue", "amend", "--jobs", jobs, "--json", file).exit_code == HELD
        found[jobs] = json.loads(file.read_text())
        for one in found[jobs]["explorations"]:
            del one["seconds"]

    assert found[2] == found[1]
    assert found[1]["states"] > 100


@pytest.mark.python_core
def test_a_broken_promise_is_told_written_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_at_the_first_fill(monkeypatch)

    result = verify("--venue", "amend", "--scenario", tmp_path, "--json", "-")
    verdict = json.loads(result.stdout)

    assert result.exit_code == CHECK_FAILED
    assert verdict["verdict"].startswith("broken: ")
    broken = {name: one for name, one in verdict["promises"].items() if one["broken"]}
    assert "S4" in broken
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.toml" for name in broken}
    assert broken["S4"]["scenario_replays"]
    assert broken["S4"]["story"][-1].startswith("broken: S4, ")


@pytest.mark.python_core
def test_what_was_written_fails_in_conform_while_the_bug_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_at_the_first_fill(monkeypatch)
    verify("--venue", "amend", "--scenario", tmp_path)

    result = CliRunner().invoke(main, ["conform", str(tmp_path / "S4.toml")])
    monkeypatch.undo()
    cured = CliRunner().invoke(main, ["conform", str(tmp_path / "S4.toml")])

    assert result.exit_code == CHECK_FAILED
    assert "S4 must hold" in result.stdout
    assert cured.exit_code == HELD


def test_a_space_that_is_too_large_is_exit_1_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(budgets.FUSES, "small", 20)

    result = verify("--venue", "amend")

    assert result.exit_code == CHECK_FAILED
    assert "the space must have at most 20 states" in " ".join(result.stdout.split())
    assert "every promise held" not in result.stdout


def test_ctrl_c_ends_it_and_proves_nothing() -> None:
    # A shell that runs this in the background has it ignore Ctrl-C, and what it starts as well.
    start = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from lifecycle.cli import main; main()"
    )
    arguments = [sys.executable, "-c", start, "verify", "--budget", "deep"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        # Two lines: the first stands before the first state, the second after many.
        said = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()

    assert said[0].startswith("1/")
    assert process.returncode == INTERRUPTED
    assert "nothing was proved" in out
    assert "held" not in re.sub("nothing was found broken.*", "", out)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[bands]\nlatch = 3\n", "bands.latch must be a key of [bands]"),
        ("[bands\n", "must be TOML"),
        ("[modify]\nmin_interval_ms = -1\n", "modify.min_interval_ms must"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_line_and_exit_2(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(text)

    result = verify("--config", file)

    assert result.exit_code == BAD_INPUT
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_json_goes_where_there_is_a_directory(tmp_path: Path) -> None:
    result = verify("--json", tmp_path / "no" / "v.json")

    assert result.exit_code == BAD_INPUT
    assert "create it first" in result.stderr


def test_the_options_are_the_budgets_and_venues_that_there_are() -> None:
    assert verify_module.BUDGETS == budgets.BUDGETS
    assert set(verify_module.VENUES) == set(VENUES)
    assert [one.id for one in INVARIANTS] == [
        name for name in PROMISES if name[0] in "SV" and name[1:].isdigit()
    ]


def moves(config: Config) -> list[float]:
    """Return the distances in bps by which the one slot of a configuration moves."""
    one = explorations(config, "small", ["cancel-replace"])[0]
    assert one.shape == budgets.ONE_SLOT
    first, *others = [choice.bids[0].price for choice in one.setting.choices if choice.bids]
    return [float(drift_bps(first, other)) for other in others]


@pytest.mark.parametrize(
    ("modify", "distances"),
    [
        pytest.param(ModifyConfig(), [(6, 7)], id="any distance: just stale"),
        pytest.param(ModifyConfig(max_bps=50.0), [(6, 7), (50, 51)], id="and beyond the reach"),
        pytest.param(ModifyConfig(max_bps=4.0), [(3, 4), (6, 7)], id="a reach inside stale"),
        pytest.param(ModifyConfig(max_bps=0.0), [(6, 7)], id="no reach"),
    ],
)
def test_the_slot_moves_just_far_enough_to_cost_a_call(
    modify: ModifyConfig, distances: list[tuple[int, int]]
) -> None:
    found = moves(Config(modify=modify))

    assert len(found) == len(distances)
    for distance, (least, most) in zip(found, distances, strict=True):
        assert least < distance <= most


def test_an_exposure_cap_is_two_and_a_half_orders_whatever_it_is() -> None:
    config = Config(risk=RiskConfig(exposure_cap=Decimal("0.003")))

    found = explorations(config, "small", ["amend"])

    for one in found:
        settings = Settings(one.setting.config, one.setting.instrument)
        assert settings.exposure_cap == budgets.CAP_QTY
        assert one.heal_every == 0


def test_convergence_is_asked_for_where_no_limit_can_bind() -> None:
    roomy = Config(quota=QuotaConfig(cap=10_000))
    low = Config(quota=QuotaConfig(cap=100, used=90))

    assert all(one.heal_every for one in explorations(roomy, "standard", list(VENUES)))
    assert not any(one.heal_every for one in explorations(low, "standard", list(VENUES)))


@pytest.mark.parametrize("budget", budgets.BUDGETS)
def test_every_target_that_is_wanted_next_is_outside_the_latch_of_the_one_before(
    budget: str,
) -> None:
    for one in explorations(Config(), budget, list(VENUES)):
        setting = one.setting
        rules = rules_of(setting.config, setting.instrument, setting.capabilities)
        for targets in setting.choices:
            for level, target in enumerate(targets.bids):
                for other in setting.choices:
                    for bid in other.bids:
                        drift = drift_bps(bid.price, target.price)
                        assert drift == 0 or drift > rules.latch(targets, level)


def test_a_race_that_must_be_seen_and_was_not_fails_the_standard_budget() -> None:
    possible = tuple(possible_races(Config(), list(VENUES)))

    verdict = Verified("standard", 0, (), possible)

    assert not verdict.holds
    assert "these races were not seen" in verdict.sentence()
    assert Verified("small", 0, (), possible).holds


def test_an_exploration_that_ends_at_a_bound_on_its_steps_is_not_called_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(one for one in budgets._ROWS["small"] if one.shape == budgets.LADDER)
    bounded = [row, row._replace(depth=3)]
    monkeypatch.setitem(budgets._ROWS, "small", bounded)
    file = tmp_path / "v.json"

    verify("--venue", "amend", "--json", file)

    told = json.loads(file.read_text())["explorations"]
    assert [one["whole"] for one in told] == [True, False]
    assert told[1]["depth"] == 3
