"""What the instruments of one account share at the venue: its request quota.

A venue meters the account, whatever is traded. So the ledger and the budget of what it grants are
one, and each instrument enters in them what it spends and what its fills earn.
"""

from lifecycle.core.budget import Budget
from lifecycle.core.ledger import Ledger
from lifecycle.core.settings import Settings


class Account:
    """One ledger and one budget."""

    __slots__ = ("budget", "ledger")

    def __init__(self, settings: Settings) -> None:
        """Start with what was used before; the quota of `settings` is that of the account."""
        self.ledger = Ledger(settings)
        self.budget = Budget(settings)
