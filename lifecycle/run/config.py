"""The configuration of a run: the order manager's tables, and those of what is around it.

That is the market, the venue and the bot.
"""

from typing import Literal

from msgspec import Struct

from lifecycle.config import Config


class MarketConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the market comes from."""

    file: str | None = None
    """A recorded market; None generates one."""
    seed: int = 1
    """Of the generated market, and of the venue's latencies."""
    minutes: float | None = None
    """How long to run; None: five minutes generated, or the whole recording."""


class VenueConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The paper venue."""

    latency: Literal["none", "fast", "slow"] = "fast"
    """Order and acknowledgement latency; `slow` is one real bot's measured round trips."""
    feed: Literal["none", "fast", "recorded"] = "fast"
    """Delay of the market data; `recorded` takes the recording's own."""
    request_cap: int | None = None
    """Requests that the venue grants; None: no limit."""
    cancel_cap: int | None = None
    """The cancels' own ledger; None: as the venue's rule has it from `request_cap`."""
    requests_used: int = 0
    """Of `request_cap`, used before we start."""
    cancel_share_ahead: float = 0.5
    """Of the quantity cancelled at a level whose trades do not explain the decrease: which share
    stood ahead of us. 0.5 is neutral where the level is as deep behind us as before us."""


class QuoterConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The example bot: GLFT quotes."""

    gamma: float = 0.1
    """Risk aversion, in the units of 1/kappa: δ = (1/γ)·ln(1 + γ/κ), as a share of the price."""
    levels: int = 1
    """Quotes a side."""
    level_step_bps: float = 4.0
    """Distance between the levels of a side."""
    size: str = "0.1"
    """Of each quote, in base quantity."""
    inventory_max: str = "1.0"
    """Position at which the skew is full and the growing side is no longer quoted."""
    skew_bps: float = 6.0
    """Shift of both sides at full inventory."""
    warmup_s: float = 60.0
    """Market data to gather before the first quote."""


class RunConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that `lifecycle run` can be told."""

    market: MarketConfig = MarketConfig()
    venue: VenueConfig = VenueConfig()
    quoter: QuoterConfig = QuoterConfig()
