"""One order manager for many instruments of one account: each has its own record, the quota is one.

The instruments do not meet but in the account: no decision about one looks at another, so a cycle
over all of them costs what their cycles cost, and each is what the checker explores. What they
share is what the venue meters (`lifecycle.core.account`): whoever comes later in a cycle sees what
those before it have spent, and the one that begins changes each time, so that a scarce quota
starves nobody.

Commands leave in batches, cancels of all instruments first, then modifies, then places. Each record
is kept as it is made, because with one ledger it matters in which order the instruments spent.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeAlias

from msgspec import Struct

from exchange.commands import Cancel, Command, Modify, Place
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Disconnected, Limited, Reconnected, Report
from exchange.units import Nanos
from exchange.venue import Capabilities
from exchange.words import Outcome
from lifecycle.config import STABLE, Config
from lifecycle.core.account import Account
from lifecycle.core.inputs import check_made_of, check_now, check_session
from lifecycle.core.manager import CANCEL_REPLACE, OrderManager
from lifecycle.core.settings import Settings
from lifecycle.core.traced import TracedManager
from spec.trace import Plan, Reaction, Record, Targets

_RANKS: Final[dict[type, int]] = {Cancel: 0, Modify: 1, Place: 2}
_QUERIES: Final = 3

Keep: TypeAlias = Callable[[str, Record], None]
"""Takes the symbol of an instrument and what its order manager was told and made of it."""


class Quote(Struct, frozen=True, gc=False):
    """What is wanted of one instrument, by the market seen."""

    targets: Targets
    market: Market


class Sent(Struct, frozen=True, gc=False):
    """One command, and the instrument that it is for."""

    symbol: str
    command: Command


class Cycle(Struct, frozen=True):
    """What one cycle over many instruments decided."""

    plans: dict[str, Plan]
    batches: tuple[tuple[Sent, ...], ...]
    """To be sent in this order, each as one request of the venue; none is empty."""


class Portfolio:
    """The order managers of an account, by the symbol of their instrument."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        config: Config = STABLE,
        capabilities: Capabilities = CANCEL_REPLACE,
        session: str = "0",
    ) -> None:
        """Start with nothing resting; `session` begins every cloid, as an order manager's does.

        Raises ValueError where a symbol comes twice, or where the configuration has no meaning
        for an instrument.
        """
        check_session(session)
        each: object = instruments
        if not isinstance(each, Iterable):
            raise TypeError(f"instruments must be a list of Instruments, was {each!r}")
        self._capabilities = capabilities
        self._first = 0
        self.managers: dict[str, OrderManager] = {}
        """By symbol; not to be changed."""
        self.sessions: dict[str, str] = {}
        """The prefix of the cloids of each; not to be changed."""
        account: Account | None = None
        for number, instrument in enumerate(instruments):
            check_made_of(instrument, capabilities, session)
            if capabilities.batch_max < 1:
                raise ValueError(f"batch_max must be at least 1, was {capabilities.batch_max}")
            symbol = instrument.symbol
            if symbol in self.managers:
                raise ValueError(f"symbols must differ, was {symbol!r} twice")
            if account is None:
                account = Account(Settings(config, instrument))
            self.sessions[symbol] = session_of(session, number)
            self.managers[symbol] = OrderManager(
                instrument,
                config=config,
                capabilities=capabilities,
                session=self.sessions[symbol],
                account=account,
            )
        self._driven: dict[str, OrderManager | TracedManager] = dict(self.managers)
        """What is told of what happens: the same, or what keeps a record of it."""

    def keep_in(self, keep: Keep) -> None:
        """Have every record go there from now on, before anything of it is handed out to be sent.

        What `keep` raises goes to the caller, and nothing is to be sent then.
        """
        for symbol, manager in self.managers.items():
            self._driven[symbol] = TracedManager(manager, partial(keep, symbol))

    def cycle(self, now: Nanos, quotes: Mapping[str, Quote]) -> Cycle:
        """Decide about every instrument that is quoted; the others are left as they are.

        Raises KeyError for a symbol that there is not, and ValueError or TypeError as
        `OrderManager.cycle` does; nothing has happened to any instrument then.
        """
        told: object = quotes
        if not isinstance(told, Mapping):
            raise TypeError(f"quotes must be Quotes by symbol, was {told!r}")
        for symbol, quote in quotes.items():
            one: object = quote
            if not isinstance(one, Quote):
                raise TypeError(f"quotes must be Quotes by symbol, was {one!r} for {symbol}")
            manager = self.managers.get(symbol)
            if manager is None:
                raise _unknown(symbol)
            manager.check(now, quote.targets, quote.market)
        symbols = list(quotes)
        count = len(symbols)
        first = self._first % count if count else 0
        self._first += 1
        plans: dict[str, Plan] = {}
        ranked: tuple[list[Sent], ...] = ([], [], [], [])
        for symbol in (*symbols[first:], *symbols[:first]):
            quote = quotes[symbol]
            plan = plans[symbol] = self._driven[symbol].cycle(now, quote.targets, quote.market)
            for command in plan.commands:
                ranked[_RANKS.get(type(command), _QUERIES)].append(Sent(symbol, command))
        return Cycle(plans, self._batches(ranked))

    def receive(self, symbol: str, report: Report, now: Nanos) -> Reaction:
        """Learn what the venue says happened to one instrument's orders.

        What is said of the whole account goes to `receive_all`. Raises KeyError and ValueError.
        """
        manager = self._driven.get(symbol)
        if manager is None:
            raise _unknown(symbol)
        return manager.receive(report, now)

    def receive_all(
        self, report: Disconnected | Reconnected | Limited, now: Nanos
    ) -> dict[str, Reaction]:
        """Learn what concerns every instrument; returns the reactions of those that have one."""
        return self._reactions(
            (symbol, manager.receive(report, now)) for symbol, manager in self._driven.items()
        )

    def unanswered(
        self, symbol: str, command: Place | Modify | Cancel, outcome: Outcome, now: Nanos
    ) -> Reaction:
        """Learn that a request will get no answer, as `OrderManager.unanswered` does."""
        manager = self._driven.get(symbol)
        if manager is None:
            raise _unknown(symbol)
        return manager.unanswered(command, outcome, now)

    def tick(self, now: Nanos) -> dict[str, Reaction]:
        """Let time pass: run the timers that are due; returns the reactions that ask something."""
        check_now(now)
        return self._reactions(
            (symbol, self._driven[symbol].tick(now))
            for symbol, manager in self.managers.items()
            if manager.next_timer <= now
        )

    def restarted(self, now: Nanos, start: str = "") -> dict[str, Reaction]:
        """Learn that the process has started, perhaps on the journal of one that died.

        As `OrderManager.restarted`, of every instrument; returns what each asks. `start` goes
        behind the prefix of each one's cloids from now on.
        """
        check_session(start)
        return {
            symbol: manager.restarted(now, self.sessions[symbol] + start if start else "")
            for symbol, manager in self._driven.items()
        }

    def halt(self, now: Nanos, why: str = "told to") -> None:
        """Want nothing any more, of no instrument: every cycle from now on withdraws."""
        for manager in self._driven.values():
            if isinstance(manager, TracedManager):
                manager.halt(now, why)
            else:
                manager.halt(now)

    @property
    def nothing_rests(self) -> bool:
        """Whether it is proven of every instrument that nothing of ours rests."""
        return all(manager.nothing_rests for manager in self.managers.values())

    @property
    def open_orders(self) -> int:
        """How many orders are possibly live, over all instruments."""
        return sum(len(manager.open_orders) for manager in self.managers.values())

    @property
    def next_timer(self) -> Nanos:
        """When `tick` has something to do at the earliest; ValueError without any."""
        return min(manager.next_timer for manager in self.managers.values())

    @staticmethod
    def _reactions(found: Iterable[tuple[str, Reaction]]) -> dict[str, Reaction]:
        return {
            symbol: reaction
            for symbol, reaction in found
            if reaction.queries or reaction.divergences
        }

    def _batches(self, ranked: Iterable[list[Sent]]) -> tuple[tuple[Sent, ...], ...]:
        most = self._capabilities.batch_max
        return tuple(
            tuple(alike[start : start + most])
            for alike in ranked
            for start in range(0, len(alike), most)
        )


def _unknown(symbol: str) -> KeyError:
    return KeyError(f"symbol must be one of the portfolio's instruments, was {symbol!r}")


def session_of(session: str, number: int) -> str:
    """Return the prefix of the cloids of an instrument, by its number in the portfolio."""
    return f"{session}{number:04x}"
