"""All invariants, in the order of the design."""

from typing import Final

from spec.invariants.base import Invariant
from spec.invariants.guards import GUARDED
from spec.invariants.liveness import LIVENESS
from spec.invariants.quoting import QUOTING
from spec.invariants.requests import REQUESTS


def _number(invariant: Invariant) -> tuple[str, int]:
    return invariant.id[0], int(invariant.id[1:])


INVARIANTS: Final[tuple[Invariant, ...]] = tuple(
    sorted((*REQUESTS, *QUOTING, *GUARDED, *LIVENESS), key=_number)
)
