"""The exchange without its wire: accounts, signers, blocks.

Requests arrive after their way out and wait for the next block. A block is one moment: first the
market is played up to it, then what has arrived is executed, in the venue's order: what can only
make, cancels, what may take; each in order of arrival. The answer is on its way back after that.

Time is the caller's, as at the paper venue. The same seed, market, requests and times of blocks
give the same answers.

Source: Hyperliquid documentation, "Order book" and "Nonces and API wallets".
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Final, NamedTuple

from exchange.hyperliquid.served.account import NO_HASH, Account, Counters, Moment, News
from exchange.hyperliquid.served.actions import Desk, is_cancel, items, rank
from exchange.hyperliquid.served.limits import BATCH_MAX, EXPIRED_COST, FREE_REQUESTS, Ledger
from exchange.hyperliquid.served.nonces import Nonces
from exchange.hyperliquid.served.orders import px, sz
from exchange.hyperliquid.served.tape import Tape, still
from exchange.hyperliquid.served.universe import NOBODY, Asset, Universe
from exchange.hyperliquid.served.view import View
from exchange.hyperliquid.signing import recover_request
from exchange.hyperliquid.wire import (
    Cancel,
    CancelByCloid,
    ExchangeReply,
    ExchangeRequest,
    refused,
)
from exchange.hyperliquid.wire_info import UserFill, UserRole
from exchange.hyperliquid.wire_socket import WireTrade
from exchange.instrument import Instrument
from exchange.market import Row
from exchange.paper.latency import LATENCIES, Latency
from exchange.units import MILLISECOND, Nanos

STILL_NOTIONAL: Final = 20_000
"""What each level of a book that stands still is worth, roughly."""
STILL_LEVELS: Final = 20
BLOCK_MIN: Final = 70 * MILLISECOND
BLOCK_SPAN: Final = 30 * MILLISECOND
"""Blocks last the minimum plus a uniform share of the span."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the served venue treats its clients."""

    accounts: tuple[str, ...] = ()
    """The addresses that have an account; empty: each signer gets one when it is first seen."""
    agents: dict[str, str] = field(default_factory=dict)
    """Who signs for which account besides its owner."""
    vaults: dict[str, str] = field(default_factory=dict)
    """Which account trades for which sub-account or vault: the latter's address comes first."""
    deposit: Decimal = Decimal(1_000_000)
    """What each account begins with."""
    requests: int = FREE_REQUESTS
    """Requests that an account may send before it has traded."""
    schedule_volume: Decimal = Decimal(0)
    latency: Latency = LATENCIES["fast"]
    seed: int = 0


@dataclass(slots=True, eq=False)
class Ticket:
    """A request on its way, and what became of it."""

    request: ExchangeRequest
    arrives: Nanos
    back: Nanos
    """How long the answer takes."""
    reply: ExchangeReply | None = None
    answers_at: Nanos = 0


class Block(NamedTuple):
    """What has happened in a block."""

    executed: list[Ticket]
    trades: dict[str, list[WireTrade]]
    """By coin."""
    news: list[tuple[Account, News]]


class World:
    """The exchange."""

    def __init__(
        self,
        live: Instrument,
        coin: str,
        rows: Iterable[Row],
        start: Nanos,
        terms: Terms,
        wall_ms: Callable[[Nanos], int],
        speed: float = 1.0,
    ) -> None:
        """Open on a market; `wall_ms` gives the wall-clock time of a market time.

        Raises ValueError where the market's units are not such as Hyperliquid's are.
        """
        self.universe: Final = Universe(live, coin)
        self.terms: Final = terms
        self.tapes: Final[dict[int, Tape]] = {}
        self._live: Final = tuple(asset for asset in self.universe if asset.is_live)
        self._moving: Final = Tape(self.universe.live.instrument, rows, start)
        for asset in self.universe:
            self.tapes[asset.id] = self._moving if asset.is_live else _still(asset, start)
        # The first rows are the book as it was found: nobody opens on an empty one.
        self._moving.advance(start)
        self.accounts: Final[dict[str, Account]] = {}
        self.view: Final = View(self.universe, self.tapes, self.accounts)
        self._desk: Final = Desk(self.universe, self.tapes, terms.schedule_volume, speed)
        self._wall_ms: Final = wall_ms
        self._numbers: Final = Counters()
        self._nonces: Final[dict[str, Nonces]] = {}
        self._random: Final = Random(f"served {terms.seed}")  # noqa: S311 - a simulation
        self._serials: Final = count()
        self._coming: Final[list[tuple[Nanos, int, Ticket]]] = []
        self.now = Moment(start, wall_ms(start))
        self.blocks = 0
        self.refusals: Final[Counter[str]] = Counter()
        """Actions refused as a whole, by the first words."""
        self._agents: Final = {key.lower(): who.lower() for key, who in terms.agents.items()}
        self._vaults: Final = {key.lower(): who.lower() for key, who in terms.vaults.items()}
        for address in (*terms.accounts, *self._agents.values(), *self._vaults):
            self.account(address)

    def draw_block(self) -> Nanos:
        """Draw when the next block is due."""
        return self.now.at + BLOCK_MIN + round(BLOCK_SPAN * self._random.random())

    def account(self, address: str) -> Account:
        """Return an account, opened if it is new."""
        key = address.lower()
        account = self.accounts.get(key)
        if account is None:
            account = self.accounts[key] = self._new_account(key, self.terms.deposit)
        return account

    def look(self, address: str) -> Account:
        """Return an account to look at; one that is not known is not opened by looking."""
        key = address.lower()
        if key in self.accounts:
            return self.accounts[key]
        may_open = not self.terms.accounts and key not in self._agents
        return self._new_account(key, self.terms.deposit if may_open else Decimal(0))

    def _new_account(self, key: str, deposit: Decimal) -> Account:
        return Account(
            key,
            self.tapes,
            self._numbers,
            self._wall_ms,
            ledger=Ledger(granted=self.terms.requests),
            deposit=deposit,
            seed=self.terms.seed,
        )

    def role(self, address: str) -> UserRole:
        """Return what an address is."""
        key = address.lower()
        if key in self._agents:
            return UserRole("agent", {"user": self._agents[key]})
        if key in self._vaults:
            return UserRole("subAccount", {"master": self._vaults[key]})
        return UserRole("user" if key in self.accounts else "missing")

    def submit(self, request: ExchangeRequest, sent: Nanos, more: Nanos = 0) -> Ticket:
        """Send a request on its way, `more` slower than it would be."""
        latency, action = self.terms.latency, request.action
        is_slow = isinstance(action, Cancel | CancelByCloid) and not action.fast
        whole = (latency.cancel if is_slow else latency.place).draw(self._random) + more
        ticket = Ticket(request, sent + whole // 2, whole - whole // 2)
        heappush(self._coming, (ticket.arrives, next(self._serials), ticket))
        return ticket

    def block(self, at: Nanos) -> Block:
        """Play everything up to `at`, and execute what has arrived."""
        now = self.now = Moment(at, self._wall_ms(at))
        self.blocks += 1
        trades = self._moving.advance(at)
        live = self.universe.live
        for row in trades:
            self.view.trade(live, row.price, row.qty, self._wall_ms(row.ts))
        for account in self.accounts.values():
            account.advance(now)
        arrived: list[Ticket] = []
        while self._coming and self._coming[0][0] <= at:
            arrived.append(heappop(self._coming)[2])
        arrived.sort(key=lambda ticket: rank(ticket.request.action))
        for ticket in arrived:
            ticket.reply = self._execute(ticket.request, now)
            ticket.answers_at = at + ticket.back
        news = [(account, account.take_news()) for account in self.accounts.values()]
        printed: dict[str, list[WireTrade]] = {}
        for asset in self._live if trades else ():
            printed[asset.coin] = [self._trade(asset, row) for row in trades]
        for account, said in news:
            for fill in said.taken:
                printed.setdefault(fill.coin, []).append(_print(account, fill))
        return Block(arrived, printed, [(account, said) for account, said in news if said])

    def _trade(self, asset: Asset, row: Row) -> WireTrade:
        """Write a trade of the market's; who had part in it is not known."""
        return WireTrade(
            coin=asset.coin,
            side="A" if row.side < 0 else "B",
            px=px(asset, row.price),
            sz=sz(asset, row.qty),
            time=self._wall_ms(row.ts),
            tid=next(self._numbers.trades),
            hash=NO_HASH,
            users=(NOBODY, NOBODY),
        )

    def _execute(self, request: ExchangeRequest, now: Moment) -> ExchangeReply:
        reply = self._checked(request, now)
        if isinstance(reply.response, str):
            self.refusals[" ".join(reply.response.split()[:3])] += 1
        return reply

    def _checked(self, request: ExchangeRequest, now: Moment) -> ExchangeReply:
        """Execute a request if its sender may send it now."""
        try:
            signer = recover_request(request, mainnet=False).lower()
        except (ValueError, OverflowError):
            # Numbers of more than 64 bits cannot be packed, let alone signed.
            return refused("Unable to recover signer.")
        account = self._account_of(signer, request.vault_address)
        if isinstance(account, str):
            return refused(account)
        wrong = self._nonces.setdefault(signer, Nonces()).use(request.nonce, now.ms)
        if wrong:
            return refused(wrong)
        action = request.action
        size = items(action)
        if size > BATCH_MAX:
            return refused(f"Signed action over weight limit of {BATCH_MAX}.")
        if request.expires_after is not None and request.expires_after < now.ms:
            account.ledger.used += EXPIRED_COST
            return refused("Action already expired")
        limited = account.ledger.take(size, now.at, cancels=is_cancel(action))
        if limited:
            return refused(limited)
        return self._desk.execute(action, account, now)

    def _account_of(self, signer: str, vault: str | None) -> Account | str:
        """Return the account that a signer acts for, or why there is none."""
        acting = self._agents.get(signer, signer)
        if acting not in self.accounts and self.terms.accounts:
            return f"User or API Wallet {signer} does not exist."
        if vault is None:
            return self.account(acting)
        if self._vaults.get(vault.lower()) != acting:
            return f"Vault not registered: {vault}"
        return self.account(vault)


def _print(account: Account, fill: UserFill) -> WireTrade:
    """Write a trade in which an account was the taker."""
    buys = fill.side == "B"
    users = (account.address, NOBODY) if buys else (NOBODY, account.address)
    return WireTrade(fill.coin, fill.side, fill.px, fill.sz, fill.time, fill.tid, NO_HASH, users)


def _still(asset: Asset, start: Nanos) -> Tape:
    instrument = asset.instrument
    mid = int(asset.mid / instrument.price_unit)
    worth = asset.mid * instrument.lot
    return still(instrument, mid, int(STILL_NOTIONAL / worth), STILL_LEVELS, start)
