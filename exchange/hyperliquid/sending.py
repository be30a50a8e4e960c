"""Commands on their way out, and what became of each.

Commands become signed actions: places, modifies and cancels apart, post-only orders apart from
others, 200 at most to each. Each action has its nonce, taken in the order of the commands, and is
sent once. Every command gets a word in the end: what the venue's answer proves, or that there is
none. What we do not understand is no answer, and is counted and logged.

**The fence.** An action may carry the time after which the venue must not execute it. It is told in
the venue's clock, early rather than late (`clock`). What has expired before it is sent is refused
here: the venue would do the same, and count five requests for it.

**Settling.** Where that is wanted (`Options.burns`), an action without an answer is followed by one
that does nothing under the same nonce. If the venue takes that, the first was not executed and
never will be; if it calls the nonce a duplicate, the first was seen, and queries show what it did.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import DecodeError

from exchange.commands import Request
from exchange.hyperliquid import wire
from exchange.hyperliquid.clock import Clock, Offset
from exchange.hyperliquid.codec import Batch, Codec, Said, Told, refuse, unanswered
from exchange.hyperliquid.codec_words import BURNT, EXPIRED
from exchange.hyperliquid.connection import Fence, Network, Options
from exchange.hyperliquid.limits import AddressLedger
from exchange.hyperliquid.nonces import (
    NonceError,
    Nonces,
    Settlement,
    settlement,
    settling_noop,
)
from exchange.hyperliquid.rest import OK, Answered, Rest
from exchange.hyperliquid.signing import Key, sign_request
from exchange.reports import Limited
from exchange.units import MILLISECOND
from exchange.words import Outcome

log = logging.getLogger(__name__)

_FENCED: Final[dict[Fence, tuple[type[wire.Action], ...]]] = {
    Fence.NONE: (),
    Fence.PLACES: (wire.Order,),
    Fence.CHANGES: (wire.Order, wire.BatchModify),
    Fence.ALL: (wire.Order, wire.BatchModify, wire.Cancel, wire.CancelByCloid),
}

Answer = Callable[[Request | None, Said], None]
"""Takes what became of a command; None: it concerns them all."""


class Signer:
    """Who signs, for which account, and under which nonces."""

    __slots__ = ("key", "mainnet", "nonces", "vault")

    def __init__(self, key: Key, nonces: Nonces, network: Network, vault: str | None) -> None:
        self.key: Final = key
        self.nonces: Final = nonces
        self.mainnet: Final = network.is_mainnet
        self.vault: Final = vault
        """The sub-account or vault that is acted for, None for the signer's own account."""

    def sign(
        self, action: wire.Action, nonce: int, expires_ms: int | None = None
    ) -> wire.ExchangeRequest:
        """Return the envelope of an action."""
        return sign_request(
            self.key,
            action,
            nonce,
            vault=self.vault,
            expires_after=expires_ms,
            mainnet=self.mainnet,
        )


class Sender:
    """Sends the commands of one account."""

    def __init__(
        self,
        signer: Signer,
        codec: Codec,
        rest: Rest,
        clock: Clock,
        offset: Offset,
        ledger: AddressLedger,
        options: Options,
        *,
        answer: Answer,
        counts: Counter[str],
    ) -> None:
        self._signer: Final = signer
        self._codec: Final = codec
        self._rest: Final = rest
        self._clock: Final = clock
        self._offset: Final = offset
        self._ledger: Final = ledger
        self._options: Final = options
        self._answer: Final = answer
        self._counts: Final = counts
        self._fenced: Final = _FENCED[options.fence]
        self.fatal = ""
        """Why a run must not go on to send, empty while it may."""

    def batches(self, commands: Sequence[Request]) -> list[tuple[Batch, int]]:
        """Return the actions for some commands, cancels first, each with its nonce.

        A command that cannot be said to the venue is answered at once: it was not sent. So are all
        where no nonce can be had that the venue would take.
        """
        found: list[Batch] = []
        try:
            found = self._codec.batches(commands)
        except ValueError:
            found = self._codec.batches(self._sayable(commands))
        found.sort(key=lambda batch: not isinstance(batch.action, wire.Cancel | wire.CancelByCloid))
        nonces = self._signer.nonces
        try:
            numbered = [(batch, nonces.next()) for batch in found]
        except NonceError as error:
            self._fail(str(error))
            for batch in found:
                self._tell(batch, unanswered(batch, Outcome.NOT_SENT))
            return []
        if nonces.unkept:
            self._fail(nonces.unkept)
        return numbered

    def _sayable(self, commands: Iterable[Request]) -> list[Request]:
        """Return the commands that the codec takes."""
        sayable: list[Request] = []
        for command in commands:
            try:
                self._codec.batches((command,))
            except ValueError as error:
                log.error("%s cannot be sent: %s", command, error)  # noqa: TRY400 - one line
                self._counts["unsayable"] += 1
                self._answer(command, unanswered(_alone(command), Outcome.NOT_SENT).said[0])
            else:
                sayable.append(command)
        return sayable

    async def send(self, batch: Batch, nonce: int) -> None:
        """Send one action, and answer for each of its commands."""
        expires_at = batch.expires_at
        if 0 < expires_at <= self._clock.now():
            self._counts["expired"] += 1
            self._tell(batch, refuse(batch, EXPIRED, self._clock.now()))
            return
        expires_ms = None
        if expires_at and isinstance(batch.action, self._fenced):
            expires_ms = self._offset.theirs(expires_at) // MILLISECOND
        request = self._signer.sign(batch.action, nonce, expires_ms)
        items = len(batch.commands)
        answered = await self._rest.act(request, items)
        if answered.outcome is not Outcome.NOT_SENT:
            self._ledger.sent(items)
        self._tell(batch, self._read(batch, answered))
        if self._options.burns and self._is_unknown(answered):
            await self._settle(batch, nonce)

    def _read(self, batch: Batch, answered: Answered) -> Told:
        now = self._clock.now()
        if answered.outcome is None:
            return self._codec.read_http(batch, answered.status, answered.body, now)
        self._counts[f"no answer: {answered.outcome}"] += len(batch.commands)
        log.warning("no answer to %d commands: %s", len(batch.commands), answered.why)
        told = unanswered(batch, answered.outcome)
        if not answered.is_limited:
            return told
        self._counts["limited by IP address"] += 1
        return Told([Limited(now), *told.said])

    @staticmethod
    def _is_unknown(answered: Answered) -> bool:
        return answered.outcome not in {None, Outcome.NOT_SENT} or (
            answered.outcome is None and answered.status != OK
        )

    def _tell(self, batch: Batch, told: Told) -> None:
        if told.fatal:
            self._fail(told.fatal)
        commands = iter(batch.commands)
        for said in told.said:
            if isinstance(said, Limited):
                self._ledger.limited += 1
                self._answer(None, said)
            else:
                self._answer(next(commands), said)

    def _fail(self, why: str) -> None:
        if not self.fatal:
            self.fatal = why
            log.error("the run must end: %s", why)

    async def _settle(self, batch: Batch, nonce: int) -> None:
        """Use up the nonce of an action without an answer, and say so if that proves anything."""
        signer = self._signer
        noop = settling_noop(signer.key, nonce, vault=signer.vault, mainnet=signer.mainnet)
        answered = await self._rest.act(noop, 1)
        if answered.outcome is not None or answered.status != OK:
            self._counts["nonce not settled"] += 1
            return
        self._ledger.sent(1)
        try:
            found = settlement(wire.REPLIES.decode(answered.body))
        except DecodeError:
            found = Settlement.UNKNOWN
        self._counts[f"nonce {found.value}"] += 1
        if found is Settlement.NEVER:
            self._tell(batch, refuse(batch, BURNT, self._clock.now()))

    # Actions of our own.

    async def act(self, action: wire.Action) -> wire.ExchangeReply | None:
        """Send an action that carries no command; None where no answer can be read."""
        try:
            nonce = self._signer.nonces.next()
        except NonceError as error:
            self._fail(str(error))
            return None
        answered = await self._rest.act(self._signer.sign(action, nonce), 1)
        if answered.outcome is not None or answered.status != OK:
            log.warning("no answer to %s: %s", type(action).__name__, answered.why)
            return None
        self._ledger.sent(1)
        try:
            return wire.REPLIES.decode(answered.body)
        except DecodeError:
            return None


async def settle_all(tasks: Iterable[asyncio.Task[None]], timeout_s: float) -> None:
    """Wait for tasks to end, and cancel those that do not."""
    waiting = set(tasks)
    if not waiting:
        return
    _, pending = await asyncio.wait(waiting, timeout=timeout_s)
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending)


def _alone(command: Request) -> Batch:
    return Batch(wire.Noop(), (command,))
