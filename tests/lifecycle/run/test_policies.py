"""What a policy changes of a configuration, and what it leaves."""

from decimal import Decimal

from msgspec import structs

from lifecycle.config import LEGACY, QuotaConfig, RiskConfig, TimingConfig
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig, VenueConfig
from lifecycle.run.policies import POLICIES

OWN = RunConfig(
    market=MarketConfig(seed=7),
    venue=VenueConfig(latency="slow"),
    quoter=QuoterConfig(levels=3),
    timing=TimingConfig(cycle_s=2.0),
    risk=RiskConfig(exposure_cap=Decimal(1)),
)


def test_legacy_puts_its_own_tables_in_the_place_of_ours() -> None:
    config = POLICIES["legacy"](OWN)

    for table in ("bands", "modify", "quota", "risk", "orders"):
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

    config = POLICIES["stable"](structs.replace(OWN, venue=venue))

    assert config.quota == QuotaConfig(cap=100, used=10, cancel_cap=150)


def test_a_quota_that_was_configured_stays() -> None:
    own = structs.replace(OWN, venue=VenueConfig(request_cap=100), quota=QuotaConfig(cap=5))

    assert POLICIES["stable"](own).quota == QuotaConfig(cap=5)
