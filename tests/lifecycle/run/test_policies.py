"""What a policy changes of a configuration, and what it leaves."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from lifecycle.config import (
    LEGACY,
    BandsConfig,
    ChurnConfig,
    GridConfig,
    ModifyConfig,
    OrdersConfig,
    QuotaConfig,
    RiskConfig,
    SmoothingConfig,
    TimingConfig,
)
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig, VenueConfig
from lifecycle.run.policies import ABLATION, BOTH, LAYERS, PHASES, POLICIES

OWN = RunConfig(
    market=MarketConfig(seed=7),
    venue=VenueConfig(latency="slow"),
    quoter=QuoterConfig(levels=3),
    timing=TimingConfig(cycle_s=2.0),
    risk=RiskConfig(exposure_cap=Decimal(1)),
    # Every layer's table differs from both the default and the legacy one.
    smoothing=SmoothingConfig(kappa_alpha=0.5),
    grid=GridConfig(min_ticks=3),
    bands=BandsConfig(size=0.3),
    modify=ModifyConfig(min_interval_ms=700),
    quota=QuotaConfig(horizon_h=3.0),
    churn=ChurnConfig(window=50),
)


def on(config: RunConfig) -> set[str]:
    """Return the layers whose table is the configured one; every other must be legacy's."""
    layers = {layer for layer in LAYERS if getattr(config, layer) == getattr(OWN, layer)}
    for layer in set(LAYERS) - layers:
        assert getattr(config, layer) == getattr(LEGACY, layer)
    return layers


def test_legacy_puts_its_own_tables_in_the_place_of_ours() -> None:
    config = POLICIES["legacy"](OWN)

    for table in (*LAYERS, "risk", "orders"):
        assert getattr(config, table) == getattr(LEGACY, table)


def test_no_policy_changes_the_market_the_venue_the_bot_or_the_times() -> None:
    for policy in POLICIES.values():
        config = policy(OWN)

        for table in ("market", "venue", "quoter", "timing"):
            assert getattr(config, table) == getattr(OWN, table)


def test_stable_is_the_configuration_as_it_is() -> None:
    assert POLICIES["stable"](OWN) == OWN


def test_stable_knows_what_the_venue_grants() -> None:
    venue = VenueConfig(request_cap=100, requests_used=10, cancel_cap=150)

    config = POLICIES["stable"](structs.replace(OWN, venue=venue, quota=QuotaConfig()))

    assert config.quota == QuotaConfig(cap=100, used=10, cancel_cap=150, earns=1.0)


def test_a_quota_that_was_configured_stays() -> None:
    own = structs.replace(OWN, venue=VenueConfig(request_cap=100), quota=QuotaConfig(cap=5))

    assert POLICIES["stable"](own).quota == QuotaConfig(cap=5)


@pytest.mark.parametrize("phase", range(1, 7))
def test_a_phase_switches_on_one_layer_more_in_the_order_of_the_roll_out(phase: int) -> None:
    order = ("smoothing", "churn", "grid", "bands", "modify", "quota")

    assert on(POLICIES[f"phase-{phase}"](OWN)) == set(order[:phase])


def test_the_last_phase_is_the_configuration_as_it_is() -> None:
    own = structs.replace(OWN, venue=VenueConfig(request_cap=100))

    assert POLICIES[PHASES[-1]](own) == POLICIES["stable"](own)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_alone_and_all_but_it(layer: str) -> None:
    assert on(POLICIES[f"only-{layer}"](OWN)) == {layer}
    assert on(POLICIES[f"without-{layer}"](OWN)) == set(LAYERS) - {layer}


def test_the_place_leaves_with_its_cancel_until_modify_first_is_on() -> None:
    own = structs.replace(OWN, orders=OrdersConfig(post_only=False))
    for name in set(POLICIES) - {"legacy", "stable"}:
        config = POLICIES[name](own)

        assert config.orders.place_with_cancel is ("modify" not in on(config))
        assert not config.orders.post_only


def test_a_limit_on_risk_holds_in_every_policy_but_legacy() -> None:
    for name, policy in POLICIES.items():
        assert (policy(OWN).risk == OWN.risk) is (name != "legacy")


def test_the_ablation_is_every_policy_once_from_before_to_after() -> None:
    assert sorted(ABLATION) == sorted(POLICIES)
    assert (ABLATION[0], ABLATION[-1]) == BOTH


def test_the_page_on_rolling_out_lists_the_phases_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rollout.md").read_text(encoding="utf-8")

    rows = [line for line in page.splitlines() if line.startswith("| `phase-")]
    for row, phase, layer in zip(rows[: len(PHASES)], PHASES, LAYERS, strict=True):
        assert row.startswith(f"| `{phase}` | `[{layer}]` |")
