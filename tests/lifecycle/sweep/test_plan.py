"""Which runs a sweep has: their order, what a worker is given, and what a key tells apart."""

from msgspec import structs

from lifecycle.config import BandsConfig, TimingConfig
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.sweep.plan import AT_A_TIME, Plan, Source, Varied, settings_of

CONFIG = RunConfig(market=MarketConfig(minutes=1.5), timing=TimingConfig(cycle_s=3.0))
LATCH = Varied(("bands", "latch_bps"), (3.0, None))
LEVELS = Varied(("quoter", "levels"), (1, 2, 3))
GENERATED = Source("generated")


def planned(
    varied: list[Varied],
    *,
    config: RunConfig = CONFIG,
    policies: tuple[str, ...] = ("stable",),
    sources: tuple[Source, ...] = (GENERATED,),
    seeds: tuple[int, ...] = (1,),
    code: str = "c",
) -> Plan:
    settings = list(settings_of(config, policies, varied))
    return Plan([one.key for one in varied], settings, sources, seeds, code)


def keys(plan: Plan) -> set[str]:
    return {run.key for run in plan.runs()}


def test_every_combination_is_a_setting_and_the_last_key_varies_fastest() -> None:
    settings = list(settings_of(CONFIG, ["stable"], [LATCH, LEVELS]))

    assert [one.values for one in settings] == [
        (3.0, 1), (3.0, 2), (3.0, 3), (None, 1), (None, 2), (None, 3),
    ]  # fmt: skip
    assert settings[1].config == structs.replace(
        CONFIG,
        bands=BandsConfig(latch_bps=3.0),
        quoter=structs.replace(CONFIG.quoter, levels=2),
    )


def test_two_keys_of_one_table_are_both_set() -> None:
    other = Varied(("bands", "size"), (0.1,))

    [first, _] = settings_of(CONFIG, ["stable"], [LATCH, other])

    assert (first.config.bands.latch_bps, first.config.bands.size) == (3.0, 0.1)


def test_without_anything_varied_there_is_one_setting_a_policy() -> None:
    settings = list(settings_of(CONFIG, ["stable", "legacy"], []))

    assert [(one.policy, one.values) for one in settings] == [("stable", ()), ("legacy", ())]


def test_rows_are_by_market_then_setting_then_seed() -> None:
    file = Source("eth.csv", "/eth.csv", "d")
    plan = planned([LATCH], sources=(file, GENERATED), seeds=(4, 5))

    rows = [(run.source.name, run.setting.values[0], run.seed) for run in plan.runs()]

    assert len(plan) == len(rows) == 8
    assert rows[:5] == [
        ("eth.csv", 3.0, 4),
        ("eth.csv", 3.0, 5),
        ("eth.csv", None, 4),
        ("eth.csv", None, 5),
        ("generated", 3.0, 4),
    ]


def test_what_is_played_is_the_configuration_with_market_and_seed() -> None:
    file = Source("eth.csv", "/eth.csv", "d")

    [run] = planned([Varied(LEVELS.path, (2,))], sources=(file,), seeds=(7,)).runs()

    assert run.job.entrant.policy == "stable"
    assert run.job.config.market == MarketConfig(file="/eth.csv", seed=7, minutes=1.5)
    assert run.job.config.quoter.levels == 2


def test_a_worker_is_given_settings_of_one_generated_market_at_once() -> None:
    many = Varied(LEVELS.path, tuple(range(1, AT_A_TIME + 2)))

    blocks = list(planned([many], seeds=(1, 2)).blocks(lambda _: False))

    assert [len(block.jobs) for block in blocks] == [AT_A_TIME, 1, AT_A_TIME, 1]
    assert [{job.seed for _, job in block.jobs} for block in blocks] == [{1}, {1}, {2}, {2}]


def test_a_worker_is_given_one_run_on_a_recording_at_once() -> None:
    plan = planned([LEVELS], sources=(Source("eth.csv", "/eth.csv", "d"),))

    assert [len(block.jobs) for block in plan.blocks(lambda _: False)] == [1, 1, 1]


def test_what_is_over_is_not_given_out_again() -> None:
    plan = planned([LEVELS], seeds=(1, 2))
    over = {run.key for run in plan.runs() if run.seed == 1}

    blocks = list(plan.blocks(over.__contains__))

    assert {job.seed for block in blocks for _, job in block.jobs} == {2}
    assert {key for block in blocks for key, _ in block.jobs} == keys(plan) - over


def test_a_key_stays_where_only_the_rest_of_the_sweep_changes() -> None:
    small = planned([Varied(LEVELS.path, (2,))], seeds=(2,))
    large = planned([LEVELS, LATCH], seeds=(1, 2, 3), policies=("legacy", "stable"))

    # The latch's default, spelled out, is the same configuration.
    assert keys(small) < keys(large)


def test_where_a_market_lies_does_not_matter_but_what_it_holds_does() -> None:
    here, there = Source("a.csv", "/here/a.csv", "same"), Source("b", "/there/b.csv", "same")

    assert keys(planned([], sources=(here,))) == keys(planned([], sources=(there,)))
    assert keys(planned([], sources=(here,))) != keys(
        planned([], sources=(structs.replace(here, digest="other"),))
    )


def test_a_key_differs_with_everything_that_a_run_is_a_function_of() -> None:
    longer = structs.replace(CONFIG, market=MarketConfig(minutes=2.0))
    plans = [
        planned([]),
        planned([], code="other"),
        planned([], policies=("legacy",)),
        planned([], seeds=(2,)),
        planned([], config=longer),
        planned([], sources=(Source("x", "/x", "d"),)),
        planned([Varied(LEVELS.path, (2,))]),
    ]

    assert len(set().union(*map(keys, plans))) == len(plans)


def test_a_block_falls_apart_into_its_runs() -> None:
    [block] = planned([LEVELS]).blocks(lambda _: False)

    singles = block.singles()

    assert [one.jobs for one in singles] == [(job,) for job in block.jobs]
    assert {(one.code, one.source) for one in singles} == {("c", GENERATED)}
