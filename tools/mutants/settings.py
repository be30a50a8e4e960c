"""The small worlds in which seeded bugs are looked for.

One bid at a time: it is moved, or no longer wanted, or wanted smaller under an exposure cap. Both
kinds of venue, the one that replaces an order by a modify and the one that amends it.
"""

from decimal import Decimal
from typing import Final

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.venue import Capabilities
from lifecycle.check.world import Budgets, Setting, near_timers
from lifecycle.config import BandsConfig, Config, RiskConfig
from lifecycle.core.desk import FOREVER
from spec.trace import Target, Targets

INSTRUMENT: Final = Instrument("SEEDED", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
CAPABILITIES: Final = {
    "replace": Capabilities(),
    "amend": Capabilities(
        modify_keeps_oid=True,
        modify_keeps_queue_on_size_down=True,
        qty_is_total=True,
        refused_modify_may_kill=False,
    ),
}
_FIRST: Final = Targets((Target(20_000, 10),))
CHOICES: Final = {
    "move": (_FIRST, Targets((Target(20_100, 10),))),
    "stop": (_FIRST, Targets()),
    "shrink": (_FIRST, Targets((Target(20_100, 5),))),
}
CAPS: Final = {"shrink": Decimal("0.15")}
"""Exposure caps, in base quantity; the other stories have none."""


def setting(story: str, venue: str, budgets: Budgets) -> Setting:
    """Return the world of a story (a key of `CHOICES`) on a venue (a key of `CAPABILITIES`)."""
    risk = RiskConfig(exposure_cap=CAPS.get(story), collar_bps=None)
    config = Config(bands=BandsConfig(latch_bps=3.0), risk=risk)
    return Setting(
        instrument=INSTRUMENT,
        capabilities=CAPABILITIES[venue],
        config=near_timers(config),
        choices=CHOICES[story],
        market=Market(FOREVER, None, None),
        budgets=budgets,
    )
