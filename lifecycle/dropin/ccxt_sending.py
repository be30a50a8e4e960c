"""Requests to a venue by ccxt, one a call, and what became of each.

Calls are begun in their order, a few milliseconds apart, and run beside one another, so that one
that hangs delays none that takes an order off the book. Each ends by `timeout_s`.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from exchange.commands import Cancel, Modify, Place, Request
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Modified,
    ModifyRejected,
    Rejected,
    Report,
)
from exchange.units import MILLISECOND
from exchange.venue import NoAnswer
from exchange.words import Alive, CancelReason, Outcome, Side, Status
from lifecycle.caught import Caught
from lifecycle.dropin.ccxt_dialects import Dialect, Fence, Proof, proof_of
from lifecycle.dropin.ccxt_reading import Reader, Told
from lifecycle.dropin.clock import Clocked

log = logging.getLogger(__name__)

APART_S: Final = 0.002
"""Between two calls: ccxt makes nonces of milliseconds, for some venues."""
CONFIRMS: Final = 4
"""How often an order is asked about whose request was only received; each waits twice as long."""

Answer = Callable[[Request, Report | NoAnswer], None]


class Sender:
    """Sends for one market."""

    def __init__(
        self,
        exchange: Any,
        reader: Reader,
        dialect: Dialect,
        clock: Clocked,
        *,
        timeout_s: float,
        lag_s: float,
        answer: Answer,
        limited: Callable[[], None],
        counts: Counter[str],
    ) -> None:
        self._exchange: Final = exchange
        self._reader: Final = reader
        self._dialect: Final = dialect
        self._clock: Final = clock
        self._timeout_s: Final = timeout_s
        self._lag_s: Final = lag_s
        self._answer: Final = answer
        self._limited: Final = limited
        self._counts: Final = counts
        self._turn: Final = asyncio.Lock()

    async def send(self, command: Request) -> None:
        """Send a request, and answer for it."""
        async with self._turn:
            await asyncio.sleep(APART_S)
        now = self._clock.now()
        if 0 < command.expires_at <= now:
            self._counts["expired"] += 1
            self._answer(command, NoAnswer(command, Outcome.NOT_SENT))
            return
        with Caught() as call:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._call(command)
        if call.error is not None:
            self._failed(command, call.error)
            return
        with Caught() as call:
            await self._took(command, answer)
        if call.error is not None:
            # What the venue has done is not what we can read.
            log.warning("an answer cannot be read", exc_info=call.error)
            self._unknown(command, Outcome.SERVER_ERROR)

    async def _call(self, command: Request) -> Any:
        reader, exchange = self._reader, self._exchange
        params = self._params(command)
        if isinstance(command, Cancel):
            if command.oid is None:
                params[self._dialect.cancel_cloid] = self._client_id(command)
            return await exchange.cancel_order(command.oid, reader.symbol, params)
        order = (
            "limit",
            "buy" if command.side is Side.BUY else "sell",
            reader.amount(command.qty),
            reader.price(command.price),
            params,
        )
        if isinstance(command, Modify):
            return await exchange.edit_order(command.oid, reader.symbol, *order)
        return await exchange.create_order(reader.symbol, *order)

    def _client_id(self, command: Request) -> str:
        client_id = self._reader.client_id(command.cloid)
        if client_id is None or not self._dialect.cancel_cloid:
            raise _Unsayable(f"{command.cloid} has no oid, and is not known by cloid")
        return client_id

    def _params(self, command: Request) -> dict[str, Any]:
        dialect, params = self._dialect, dict[str, Any]()
        if isinstance(command, Place) or (isinstance(command, Modify) and dialect.edit_has_cloid):
            client_id = self._reader.client_id(command.cloid)
            if client_id is not None:
                params["clientOrderId"] = client_id
        if isinstance(command, Modify) and command.oid is None:
            raise _Unsayable(f"{command.cloid} cannot be modified without its oid")
        if not isinstance(command, Cancel):
            if command.post_only:
                params["postOnly"] = True
            if command.reduce_only:
                params["reduceOnly"] = True
        if dialect.fence is Fence.WINDOW and command.expires_at and not isinstance(command, Cancel):
            left = (command.expires_at - self._clock.now()) // MILLISECOND
            params["recvWindow"] = max(1, left)
        return params

    # What came of it.

    async def _took(self, command: Request, answer: Any) -> None:
        told: Told = answer if isinstance(answer, dict) else {}
        now, oid = self._clock.now(), told.get("id")
        cloid, request = command.cloid, command.request
        if isinstance(command, Place):
            status = self._reader.status(told)
            if status is not None and status[0] is Status.REJECTED:
                self._answer(command, Rejected(now, cloid, "rejected", request))
            elif oid is None:
                self._unknown(command, Outcome.SERVER_ERROR)
            else:
                self._answer(command, Accepted(now, cloid, str(oid), request))
        elif isinstance(command, Cancel):
            if self._dialect.cancel_is_done:
                gone = (command.oid, CancelReason.USER, request)
                self._answer(command, Cancelled(now, cloid, *gone))
            else:
                await self._confirm(command)
        elif not self._dialect.modify_is_done:
            await self._confirm(command)
        elif oid is None:
            self._unknown(command, Outcome.SERVER_ERROR)
        else:
            status = self._reader.status(told)
            ended = status is not None and status[0] is Status.CANCELLED
            if ended and self._dialect.capabilities.modify_keeps_oid:
                # It would have crossed, or has filled as much: the venue has cancelled it.
                refused = ("cancelled by its modify", Alive.NO, request)
                self._answer(command, ModifyRejected(now, cloid, *refused))
            else:
                self._answer(command, self._modified(command, str(oid)))

    def _modified(self, command: Modify, oid: str) -> Modified:
        what = (command.cloid, oid, command.qty, command.price, command.request)
        return Modified(self._clock.now(), *what)

    async def _confirm(self, command: Modify | Cancel) -> None:
        """Ask until the order shows that a request which was received is done."""
        delay = self._lag_s / 2
        for _ in range(CONFIRMS):
            await asyncio.sleep(delay)
            delay *= 2
            with Caught() as call:
                async with asyncio.timeout(self._timeout_s):
                    told = await self.ask(command.oid, command.cloid)
            if call.error is not None:
                self._counts["not confirmed yet"] += 1
                continue
            report = self._shown(command, told)
            if report is not None:
                self._answer(command, report)
                return
        self._counts["never confirmed"] += 1
        self._unknown(command, Outcome.TIMEOUT)

    def _shown(self, command: Modify | Cancel, told: Told) -> Report | None:
        """Return what an order proves of the request that was received; None: nothing so far."""
        status = self._reader.status(told)
        if status is None:
            return None
        now, ended = self._clock.now(), status[0] is Status.CANCELLED
        if isinstance(command, Cancel):
            if ended:
                gone = (command.oid, CancelReason.USER, command.request)
                return Cancelled(now, command.cloid, *gone)
            if status[0] is Status.FILLED:
                return CancelRejected(now, command.cloid, "too late", command.request)
            return None
        if ended:
            refused = ("gone", Alive.NO, command.request)
            return ModifyRejected(now, command.cloid, *refused)
        if self._reader.shows(told, command.price, command.qty):
            return self._modified(command, str(told.get("id") or command.oid))
        return None

    async def ask(self, oid: str | None, cloid: str) -> Told:
        """Return what the venue says of an order; raises what ccxt does."""
        dialect, params = self._dialect, dict[str, Any](self._dialect.ask_params)
        if oid is None:
            client_id = self._reader.client_id(cloid)
            if client_id is None or not dialect.ask_cloid:
                raise _Unsayable(f"{cloid} has no oid, and cannot be asked about by cloid")
            params[dialect.ask_cloid] = client_id
        told = await self._exchange.fetch_order(oid, self._reader.symbol, params)
        return told if isinstance(told, dict) else {}

    def _failed(self, command: Request, error: Exception) -> None:
        proof = NOT_SAID if isinstance(error, _Unsayable) else proof_of(error)
        # A refusal is told as the reason of a decision; of all else this is the only trace.
        level = logging.INFO if proof.outcome is None else logging.WARNING
        log.log(level, "%s %s: %r", type(command).__name__, command.cloid, error)
        self._counts[type(error).__name__] += 1
        if proof.outcome is not None:
            self._unknown(command, proof.outcome)
        else:
            self._answer(command, self._refused(command, proof, f"{type(error).__name__}: {error}"))
        if proof.is_limit:
            self._limited()

    def _refused(self, command: Request, proof: Proof, why: str) -> Report:
        what = (self._clock.now(), command.cloid, why)
        if isinstance(command, Place):
            return Rejected(*what, command.request)
        if isinstance(command, Cancel):
            return CancelRejected(*what, command.request)
        lives = not proof.is_gone and not self._dialect.capabilities.refused_modify_may_kill
        return ModifyRejected(*what, Alive.YES if lives else Alive.UNKNOWN, command.request)

    def _unknown(self, command: Request, outcome: Outcome) -> None:
        self._counts[f"no answer: {outcome}"] += 1
        self._answer(command, NoAnswer(command, outcome))


class _Unsayable(Exception):  # noqa: N818 - it never leaves the process
    """The venue cannot be asked this in its dialect."""


NOT_SAID: Final = Proof(Outcome.NOT_SENT)
