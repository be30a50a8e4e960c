"""The policies that a run can compare, by name: how each changes a configuration.

A policy is nothing but the order manager's own tables. The market, the venue, the bot and the
times are those of the run, so that two policies differ in what they do and in nothing else.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import structs

from lifecycle.config import LEGACY
from lifecycle.run.config import RunConfig


def legacy(config: RunConfig) -> RunConfig:
    """Return the configuration with the recorded bot's tables in it.

    Quota and risk are its own as well: it knew of neither.
    """
    return structs.replace(
        config,
        bands=LEGACY.bands,
        modify=LEGACY.modify,
        quota=LEGACY.quota,
        risk=LEGACY.risk,
        orders=LEGACY.orders,
    )


def stable(config: RunConfig) -> RunConfig:
    """Return the configuration as it is, with what the venue grants where it says nothing else."""
    venue, quota = config.venue, config.quota
    if venue.request_cap is None or quota.cap is not None:
        return config
    quota = structs.replace(
        quota, cap=venue.request_cap, used=venue.requests_used, cancel_cap=venue.cancel_cap
    )
    return structs.replace(config, quota=quota)


POLICIES: Final[Mapping[str, Callable[[RunConfig], RunConfig]]] = {
    "legacy": legacy,
    "stable": stable,
}
"""Every policy, in the order in which they are compared."""
