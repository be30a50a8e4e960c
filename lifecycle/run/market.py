"""The market that a run happens in: recorded and read once, or generated again for each policy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from exchange.instrument import Instrument
from exchange.market import Row
from exchange.paper.generator import GENERATED, GeneratorConfig
from exchange.paper.tape import CutTape, GeneratedTape, RecordedTape, Tape
from exchange.recording import MarketError, Recording, open_recording
from exchange.units import SECOND, Nanos, seconds
from lifecycle.run.config import MarketConfig, VenueConfig

FIGURES: Final = 5
"""Hyperliquid's prices have at most five significant figures, or are whole."""

GENERATED_MINUTES: Final = 5.0
"""How long a generated market lasts where nothing is said."""


@dataclass(frozen=True, slots=True)
class LoadedMarket:
    """A market that any number of runs may replay, each from its start."""

    name: str
    instrument: Instrument
    start: Nanos
    """Exchange time of the start; recordings keep the times that they were recorded at."""
    end: Nanos
    """Exchange time after which there are no rows, nor anything else."""
    source: Callable[[], Iterable[Row]]
    """Makes the rows, from the first on; may go on beyond the end."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.end - self.start) / SECOND

    def rows(self) -> Iterator[Row]:
        """Iterate over the rows in the order of exchange time, up to the end."""
        end = self.end
        return takewhile(lambda row: row[0] <= end, self.source())

    def tape(self) -> Iterable[Row]:
        """Return the same for a venue, which plays it in bulk where it can."""
        source = self.source()
        return CutTape(source, self.end) if isinstance(source, Tape) else self.rows()


def with_figures(recording: Recording) -> Instrument:
    """Return a recording's instrument, with Hyperliquid's rule of figures where all prices obey it.

    The file does not say which venue it is of. Where every price fits the rule, quoting by it is
    valid whether the venue has it or not; where one does not, the venue cannot have it.
    """
    plain = recording.instrument
    strict = plain.replaced(significant_figures=FIGURES)
    return strict if all(strict.is_valid_price(price) for price in recording.prices) else plain


def load_market(config: MarketConfig, venue: VenueConfig) -> LoadedMarket:
    """Read the recording, or prepare the generated market.

    Raises:
        MarketError: the file breaks the format, holds no rows, or lacks what the venue needs.
        OSError: there is no such file, or it cannot be read.

    """
    if config.file is None:
        if venue.feed == "recorded":
            raise MarketError("feed must not be recorded where the market is generated")
        minutes = GENERATED_MINUTES if config.minutes is None else config.minutes
        seed = config.seed
        return LoadedMarket(
            name=f"generated, seed {seed}",
            instrument=GENERATED,
            start=0,
            end=seconds(60 * minutes),
            source=lambda: GeneratedTape(GeneratorConfig(), seed),
        )
    path = Path(config.file)
    recording = open_recording(path)
    if len(recording) == 0:
        raise MarketError(f"{path.name}: a market must have rows, was empty")
    end = recording.end
    if config.minutes is not None:
        end = min(end, recording.start + seconds(60 * config.minutes))
    source = recording if recording.columns is None else RecordedTape(recording)
    return LoadedMarket(
        name=path.name,
        instrument=with_figures(recording),
        start=recording.start,
        end=end,
        source=lambda: source,
    )
