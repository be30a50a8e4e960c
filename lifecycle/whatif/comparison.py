"""What a journal's run was, what the model makes of it, and what other settings would have done."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from msgspec import Struct

from lifecycle.config import Config
from lifecycle.run.frame import Summary
from lifecycle.whatif.model import Model, named_trips
from lifecycle.whatif.recorded import Recorded
from lifecycle.whatif.scene import Scene
from lifecycle.whatif.script import Script
from lifecycle.whatif.trips import Trips

AS_IT_WAS: Final = "as it was"
SAME: Final = "the same, modelled"
RECORDED: Final = "recorded"
"""The latency that was measured."""

TARGETS_STAY: Final = "targets stay as they were, also those that depended on the position"
UNSEEN: Final = (
    "The model knows the book once a cycle, and trades only where they reached our orders, so "
    f"orders that rest elsewhere fill too seldom in it; {TARGETS_STAY}."
)
QUOTA_SHARED: Final = (
    "Others share the quota: the run as it was has what they left of it and is not held to the "
    "promises here (`lifecycle audit` does that); the model has the quota for itself."
)
WHOLE: Final = f"The model knows the whole market, but nobody in it reacts to us; {TARGETS_STAY}."
AGREED: Final = 0.9
"""Below this share of cycles that saw what a recording has, the recording is doubted."""


class Trial(NamedTuple):
    """Settings to be tried."""

    name: str
    config: Config
    changes: dict[str, Any]
    """What differs from the journal's settings, by dotted key."""


class Column(Struct, frozen=True):
    """One run in numbers."""

    name: str
    changes: dict[str, Any]
    summary: Summary


class Comparison(Struct, frozen=True):
    """Runs of one journal, side by side."""

    journal: str
    market: str
    """Where the model has it from."""
    latency: str
    """Where the model has its latencies from, for people."""
    common: str
    """The settings that all that is tried has, for people."""
    seed: int
    seconds: float
    records: int
    columns: tuple[Column, ...]
    """As it was; the same settings in the model; what was tried."""
    notes: tuple[str, ...]
    """What a reader must know to trust the numbers, and no further."""


Tell = Callable[[str, float], None]
"""Is told which column is being played, and which share of it is over."""


def compared(
    recorded: Recorded,
    script: Script,
    scene: Scene,
    trials: Sequence[Trial],
    *,
    latency: str,
    seed: int,
    common: str = "",
    tell: Tell = lambda _name, _share: None,
) -> Comparison:
    """Play a journal's script with its own settings and with each that is tried.

    `latency` is `recorded` or the name of one of the paper venue's.
    Raises ValueError where settings have no meaning for the journal's instrument.
    """
    trips = script.trips if latency == RECORDED else named_trips(latency)
    played = [Trial(SAME, script.header.config, {}), *trials]
    models = [
        Model(script, scene, trial.config, trips=trips, seed=seed, name=trial.name)
        for trial in played
    ]
    columns = [Column(AS_IT_WAS, {}, recorded.summary(scene.mid_at))]
    for trial, model in zip(played, models, strict=True):
        summary = model.play(partial(tell, trial.name))
        columns.append(Column(trial.name, trial.changes, summary))
    return Comparison(
        journal=recorded.name,
        market=scene.name,
        latency=_told(latency, trips),
        common=common,
        seed=seed,
        seconds=columns[0].summary.seconds,
        records=script.records,
        columns=tuple(columns),
        notes=tuple(_notes(recorded, scene)),
    )


def _told(latency: str, trips: Trips) -> str:
    if latency != RECORDED:
        return f"latency {latency}"
    if trips.measured:
        return f"latency of {trips.measured} round trips"
    return "latency fast, as none was measured"


def _notes(recorded: Recorded, scene: Scene) -> list[str]:
    notes = [WHOLE if scene.is_whole else UNSEEN]
    if recorded.is_shared:
        notes.append(QUOTA_SHARED)
    if scene.agreement < AGREED:
        notes.append(
            f"Only {100 * scene.agreement:.0f} % of the cycles saw the touch that {scene.name} has "
            "at that time: it may be another market."
        )
    return notes
