"""Which promises another bot's log can be held to, and why not to the others.

Such a log says what was asked of the venue and what the venue said. It does not say what was
wanted, what was decided or believed, what the book was like, or what the venue answered to
questions. A promise about these cannot be judged from it, and is not.
"""

import enum
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from spec.invariants.all import INVARIANTS
from spec.invariants.base import Invariant


class Needs(enum.Enum):
    """What must be known for a promise to be judged."""

    LOG = "nothing but the log"
    LEVELS = "--levels"
    EXPOSURE_CAP = "--exposure-cap"
    REQUEST_CAP = "--request-cap"
    GUARDS = "--order-max or --requests-per-minute"
    MORE = "more than a log says"


class Applicable(NamedTuple):
    """Whether one promise can be judged from a log."""

    id: str
    needs: Needs
    why: str
    """What is judged, or what the log lacks."""


_LOG, _MORE = Needs.LOG, Needs.MORE

# fmt: off
APPLICABLE: Final = (
    Applicable("S1",  _LOG,               "commands and answers are there"),
    Applicable("S2",  _LOG,               "commands and ends are there"),
    Applicable("S3",  _MORE,              "it says nothing of what was believed of an order"),
    Applicable("S4",  Needs.LEVELS,       "how many quotes a side are wanted"),
    Applicable("S5",  _MORE,              "it has no decisions, so no order is known as debounced"),
    Applicable("S6",  Needs.EXPOSURE_CAP, "the cap"),
    Applicable("S7",  _MORE,              "it does not say which position the bot believed in"),
    Applicable("S8",  _MORE,              "it says nothing of what was believed of an order"),
    Applicable("S9",  _LOG,               "prices sent and answered are there"),
    Applicable("S10", _LOG,               "but crossing: the book is not there"),
    Applicable("S11", Needs.REQUEST_CAP,  "what the venue grants"),
    Applicable("S12", _LOG,               "refusals and what was sent after them are there"),
    Applicable("S13", _MORE,              "it does not say what was wanted"),
    Applicable("S14", _MORE,              "it does not say what was wanted"),
    Applicable("S15", _LOG,               "where modifies say a side or reduce-only"),
    Applicable("S16", _MORE,              "it says nothing of what was believed of an order"),
    Applicable("S17", _LOG,               "request numbers only where a column has them"),
    Applicable("S18", _LOG,               "if the log begins with nothing resting"),
    Applicable("S19", _MORE,              "it says nothing of what was believed of an order"),
    Applicable("S20", _MORE,              "it says nothing of what was believed of an order"),
    Applicable("S21", _MORE,              "it has no snapshots, which end blindness"),
    Applicable("S22", _MORE,              "it does not say what was wanted"),
    Applicable("S23", _MORE,              "it does not say what was wanted"),
    Applicable("S24", _MORE,              "it has neither a halt nor the book"),
    Applicable("S25", Needs.GUARDS,       "a limit; the collar needs the book, and is left out"),
    Applicable("V1",  _MORE,              "it does not say what was wanted"),
    Applicable("V2",  _MORE,              "it does not say what was wanted"),
    Applicable("V3",  _MORE,              "it has no decisions, so no order is known as debounced"),
    Applicable("V4",  _MORE,              "it has no snapshots, by which doubts would end"),
    Applicable("V5",  _MORE,              "it has no snapshots, by which doubts would end"),
    Applicable("V6",  _MORE,              "its lines are no cycles: a cancel may come next"),
    Applicable("V7",  _MORE,              "it has no questions"),
    Applicable("V8",  _MORE,              "it has neither a halt nor the book"),
    Applicable("V9",  _MORE,              "it has no decisions, and so no reasons"),
)
# fmt: on
"""One row a promise, in the order of the design."""


def judged(given: Collection[Needs]) -> tuple[Invariant, ...]:
    """Return the promises that can be judged with what is given beside the log."""
    ids = {row.id for row in APPLICABLE if row.needs is Needs.LOG or row.needs in given}
    return tuple(one for one in INVARIANTS if one.id in ids)


def excused(given: Collection[Needs]) -> Mapping[str, str]:
    """Return the promises that cannot, and why."""
    ids = {one.id for one in judged(given)}
    return {
        row.id: row.why if row.needs is Needs.MORE else f"needs {row.needs.value}: {row.why}"
        for row in APPLICABLE
        if row.id not in ids
    }
