"""Faults of the paper venue: what may go wrong between an order manager and its venue, and does.

A plan (`faults.plan`) says how often; the injector (`faults.injector`) draws, by seed, and counts
what really happened. A fault delays, loses, repeats, reorders, refuses or cancels; it never lies:
whatever is said was so at the time that it gives, by the venue's clock. Silence is the only
untruth, and the contract calls it unknown.
"""

from exchange.paper.faults.injector import Faults
from exchange.paper.faults.plan import PLANS, FaultPlan, Kind, mix

__all__ = ["PLANS", "FaultPlan", "Faults", "Kind", "mix"]
