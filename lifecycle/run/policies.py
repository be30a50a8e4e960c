"""The policies that runs can compare, by name: how each changes a configuration.

A policy is nothing but the order manager's own tables. The market, the venue, the bot and the
times are those of the run, so that two policies differ in what they do and in nothing else.

Between the two ends, `legacy` and `stable`, stands each layer switched by itself. A layer that is
on has its table as configured, one that is off has the legacy policy's. `phase-1` to `phase-6`
switch them on in the order in which a live bot is rolled out; `only-…` and `without-…` say what
each contributes alone, and what is lost without it.

What goes with a layer that has no table of its own: whether the place of a replacement leaves
together with its cancel (`orders.place_with_cancel`), and whether a fill has a cycle of its own
(`orders.refill_s`), go with modify-first. Bands say when an order is changed, modify-first says
how; and as long as every change is a cancel and a place, waiting for the proof that the predecessor
is gone would leave its side empty for a cycle. What is no layer, `[risk]` and the rest of
`[orders]`, stays as configured; only `legacy` knows no risk.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final, TypeAlias

from msgspec import structs

from exchange.paper.quota import Quota
from lifecycle.config import LEGACY
from lifecycle.run.config import RunConfig

Policy: TypeAlias = Callable[[RunConfig], RunConfig]

LAYERS: Final = ("smoothing", "churn", "grid", "bands", "modify", "quota")
"""The tables of the six layers, in the order of the roll-out.

Each phase makes the next one safe to judge: quiet inputs and honest counters come before anything
that changes what is sent; prices settle before bands are laid around them; the quota is saved last,
when what is left to save is known.
"""


def legacy(config: RunConfig) -> RunConfig:
    """Return the configuration with the recorded bot's tables in it.

    Risk is its own as well: it knew of none.
    """
    return structs.replace(layered(config, ()), risk=LEGACY.risk)


def stable(config: RunConfig) -> RunConfig:
    """Return the configuration as it is, with what the venue grants where it says nothing else."""
    venue, quota = config.venue, config.quota
    if venue.request_cap is None or quota.cap is not None:
        return config
    granted = Quota(request_cap=venue.request_cap, cancel_cap=venue.cancel_cap).cancels_granted
    quota = structs.replace(
        quota,
        cap=venue.request_cap,
        used=venue.requests_used,
        cancel_cap=granted,
        # As at Hyperliquid, so at the paper venue.
        earns=1.0,
    )
    return structs.replace(config, quota=quota)


def layered(config: RunConfig, layers: Collection[str]) -> RunConfig:
    """Return the configuration with these of `LAYERS` as it says, the others as in legacy."""
    known = stable(config)
    tables: dict[str, object] = {
        layer: getattr(LEGACY, layer) for layer in LAYERS if layer not in layers
    }
    if "modify" not in layers:
        tables["orders"] = structs.replace(
            config.orders,
            place_with_cancel=LEGACY.orders.place_with_cancel,
            refill_s=LEGACY.orders.refill_s,
        )
    return structs.replace(known, **tables)


def _named() -> dict[str, Policy]:
    policies: dict[str, Policy] = {"legacy": legacy, "stable": stable}
    for phase in range(1, len(LAYERS) + 1):
        policies[f"phase-{phase}"] = partial(layered, layers=LAYERS[:phase])
    for layer in LAYERS:
        policies[f"only-{layer}"] = partial(layered, layers=(layer,))
    for layer in LAYERS:
        others = tuple(other for other in LAYERS if other != layer)
        policies[f"without-{layer}"] = partial(layered, layers=others)
    return policies


POLICIES: Final[Mapping[str, Policy]] = _named()
"""Every policy; a policy is asked for by its name."""

BOTH: Final = ("legacy", "stable")
"""Before and after: what is compared where nothing else is asked for."""

PHASES: Final = tuple(name for name in POLICIES if name.startswith("phase-"))
ALONE: Final = tuple(f"only-{layer}" for layer in LAYERS)
WITHOUT: Final = tuple(f"without-{layer}" for layer in LAYERS)

ABLATION: Final = ("legacy", *PHASES, *ALONE, *WITHOUT, "stable")
"""What it takes to say what each layer contributes: cumulative, alone, and missing."""
