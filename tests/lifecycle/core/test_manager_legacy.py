"""The recorded behaviour's faults, each a configuration of the same code."""

from exchange.units import SECOND
from lifecycle.config import LEGACY, Config, ModifyConfig, OrdersConfig
from spec.trace import Reason
from tests.story import BANDS, Story

TOGETHER = OrdersConfig(place_with_cancel=True)


def test_the_legacy_policy_cancels_and_places_in_one_cycle() -> None:
    story = Story(LEGACY)
    story.rest([(20_000, 10)], [(20_100, 10)])
    story.wait(6)

    story.cycle([(20_001, 10)], [(20_101, 10)])

    assert story.kinds() == ["cancel", "cancel", "place", "place"]


def test_placing_with_the_cancel_leaves_both_possibly_live() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(enabled=False), orders=TOGETHER)

    story = Story(config).tell("rest move")

    assert story.kinds() == ["cancel", "place"]
    assert len(story.manager.open_orders) == 2
    assert story.reasons() == [Reason.REPLACE, Reason.UNCOVERED]


def test_a_replacement_that_may_not_be_placed_is_cancelled_all_the_same() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(enabled=False), orders=TOGETHER)
    story = Story(config)
    story.rest([(20_000, 10)])
    story.wait(6)

    story.cycle([(20_050, 10)], ask=20_040)

    assert story.kinds() == ["cancel"]
    assert story.reasons() == [Reason.REPLACE, Reason.WOULD_CROSS]


def test_placing_with_the_cancel_takes_a_withdrawn_order_for_gone() -> None:
    story = Story(Config(bands=BANDS, orders=TOGETHER))
    story.rest([(20_000, 10)])
    story.cycle()
    assert story.kinds() == ["cancel"]

    story.cycle([(20_050, 10)])

    assert story.kinds() == ["place"]


def test_a_global_interval_holds_back_the_modify_of_another_order() -> None:
    config = Config(bands=BANDS, modify=ModifyConfig(scope="global", min_interval_ms=2_000))
    story = Story(config)
    story.rest([(20_000, 10)], [(20_100, 10)])
    story.wait(6)

    story.cycle([(20_010, 10)], [(20_110, 10)])

    assert story.kinds() == ["modify"]
    assert story.reasons() == [Reason.MODIFY, Reason.DEBOUNCED]


def test_a_gated_modify_is_dropped_and_leaves_no_hold() -> None:
    config = Config(
        bands=BANDS,
        modify=ModifyConfig(scope="global", min_interval_ms=2_000, gated="drop"),
    )
    story = Story(config).tell("rest move moved")

    story.cycle([(20_100, 10)])
    assert story.reasons() == [Reason.GATED]
    assert story.told() == "resting idle 0 10@20050 102"
    story.now += 2 * SECOND
    story.cycle([(20_100, 10)])

    assert story.kinds() == ["modify"]
