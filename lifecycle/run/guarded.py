"""Which guards a configuration must have before it may trade with money."""

from exchange.instrument import Instrument
from lifecycle.config import Config
from lifecycle.run.config import RunConfig

MUST: tuple[tuple[str, str], ...] = (
    ("risk", "exposure_cap"),
    ("risk", "order_qty_max"),
    ("risk", "collar_bps"),
    ("risk", "requests_per_minute"),
    ("timing", "market_stale_s"),
)


def missing_guards(config: Config) -> list[str]:
    """Return the keys that must be set and are not."""
    return [f"{table}.{key}" for table, key in MUST if getattr(getattr(config, table), key) is None]


def idle_guards(config: RunConfig, instrument: Instrument) -> list[str]:
    """Return what in the configuration keeps the bot from quoting at all, a line each.

    Raises ValueError where a quantity is not a whole number of the instrument's lots.
    """
    found: list[str] = []
    size = instrument.qty(config.quoter.size, "quoter.size")
    for key in ("order_qty_max", "exposure_cap"):
        most = getattr(config.risk, key)
        if most is not None and size > instrument.qty(most, f"risk.{key}"):
            found.append(
                f"quoter.size {config.quoter.size} is above risk.{key} {most}: "
                "no quote would be sent"
            )
    return found
