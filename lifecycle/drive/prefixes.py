"""By which prefixes a journal's cloids are known: one for each start."""

from exchange.words import Cloid
from lifecycle.journal.reading import Recording
from spec.trace import Restarted


def prefixes_of(recording: Recording) -> frozenset[Cloid]:
    """Return the prefixes of every cloid in a journal; reads all of it."""
    started = {one.session for one in recording.records() if isinstance(one, Restarted)}
    return frozenset({recording.header.session, *started} - {""})
