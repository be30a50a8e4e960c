"""A venue with faults is a refinement of the venue model as well, as far as that has the steps.

What such a venue says, heard or not, is a path of the model; what is heard is a part of what was
said, if often late, twice and in another order. The model loses requests and reports too, and
requests are late there; it neither repeats reports nor takes one stream's out of their order, nor
has it the cancellation of orders for the venue's own reasons, so plans are explained without that.
"""

from random import Random
from typing import Final

import pytest
from msgspec.structs import replace

from exchange.commands import QueryOpen, QueryOrder
from exchange.paper.faults import PLANS, FaultPlan, Faults, Kind, mix
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.reports import Disconnected, Limited, OrderStatus, Reconnected, Report, Snapshot
from exchange.units import SECOND
from exchange.venue import NoAnswer
from tests.exchange.explain import Run, streams, unexplained
from tests.exchange.play import INSTRUMENT
from tests.exchange.test_refinement import VENUES, Trader, market

LOSSLESS: Final = (Kind.LATE_REQUEST, Kind.LATE_ACK, Kind.DUPLICATE, Kind.REORDER, Kind.STALE_LOOK)
TRANSPORT: Final = (NoAnswer, Disconnected, Reconnected, Limited)
"""What our own side says, not the venue."""


class FaultyTrader(Trader):
    """Sends whatever it may to a venue that fails."""

    def __init__(self, plan: FaultPlan, seed: int, name: str) -> None:
        super().__init__(seed, VENUES[name])
        self.said: list[Report] = []
        self.venue = PaperVenue(
            INSTRUMENT,
            market(Random(f"market {seed}")),
            latency=LATENCIES["fast"],
            capabilities=VENUES[name],
            seed=seed,
            faults=Faults(plan, seed, hear=self.said.append),
        )

    def told(self) -> Run:
        """Trade to the end; return what the venue executed and said, in the order of effects."""
        self.run()
        answers, pushed, looks = streams(self.said)
        executed = {getattr(report, "request", 0) for report in answers}
        commands = tuple(
            command
            for command in self.commands
            if isinstance(command, QueryOrder | QueryOpen) or command.request in executed
        )
        said = sorted([*answers, *pushed, *looks], key=lambda report: report.at)
        return Run(commands, tuple(said))

    @property
    def heard(self) -> list[Report]:
        """Return what the venue said that was heard, each as often as it was."""
        return [report for report in self.reports if not isinstance(report, TRANSPORT)]


def plans() -> dict[str, FaultPlan]:
    """Return all that the model can explain."""
    found = {**PLANS, **{f"mix {seed}": mix(seed) for seed in range(12)}}
    return {
        name: replace(plan, unasked=0.0, halt_cancels=0.0)
        for name, plan in found.items()
        if plan.kinds not in ((Kind.UNASKED,), (Kind.HALT_CANCELS,))
    }


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("name", plans())
def test_what_a_failing_venue_says_is_a_path_of_the_model(name: str, venue: str) -> None:
    trader = FaultyTrader(plans()[name], 2, venue)

    told = trader.told()

    assert unexplained(told, amends=venue == "amend") is None
    assert set(trader.heard) <= set(told.reports)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_what_is_only_late_or_repeated_is_heard(kind: Kind) -> None:
    trader = FaultyTrader(PLANS[kind], 3, "replace")

    told = trader.told()

    assert set(trader.heard) == set(told.reports)
    assert (len(trader.heard) > len(told.reports)) is (kind is Kind.DUPLICATE)


def test_a_look_is_never_newer_than_its_hearing() -> None:
    trader = FaultyTrader(PLANS["stale_look"], 4, "replace")
    trader.told()

    looks = [report for report in trader.reports if isinstance(report, Snapshot | OrderStatus)]
    times = [report.at for report in looks]
    assert times != sorted(times)
    assert max(times) < 31 * SECOND
