"""Requests by HTTP: actions exactly once, questions until they are answered or it is enough.

An action is never repeated. If its answer does not come, what is known is how far it got: while
there is no connection nothing can have been written, and that alone is certain (`NOT_SENT`). From
then on the outcome is unknown, whatever broke.

A question changes nothing, so that it is asked again after a pause that doubles: when the
connection breaks, when the server is at fault, when it says that we ask too much. What it answers
otherwise is an error of ours, and raised.
"""

import asyncio
import logging
from typing import Any, Final

import httpx
from msgspec import DecodeError, Struct, json

from exchange.hyperliquid.clock import Clock
from exchange.hyperliquid.connection import Network, Options, VenueError
from exchange.hyperliquid.limits import (
    RESERVE,
    IpLedger,
    weight_of,
    weight_of_action,
    weight_of_rows,
)
from exchange.hyperliquid.wire import ExchangeRequest
from exchange.hyperliquid.wire_info import InfoRequest, read_answer
from exchange.units import SECOND
from exchange.words import Outcome

log = logging.getLogger(__name__)

OK: Final = 200
TOO_MANY: Final = 429
SERVER_FAULT: Final = 500
CONNECTIONS_MAX: Final = 50
KEEPALIVE_S: Final = 20.0
"""Longer than a cycle, which so finds its connection open, and shorter than servers wait."""
PAUSE_S: Final = 0.25
"""Before a question is asked again; doubles each time."""
LIMITED_PAUSE_S: Final = 5
"""How long no question is asked after the venue has said that we ask too much."""
SHOWN: Final = 200
"""Characters of an answer that an error quotes."""

_HEADERS: Final = {"Content-Type": "application/json"}
_NOTHING_WRITTEN: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
"""Raised before there is a connection to write to."""


class Answered(Struct, frozen=True):
    """What came back of an action: an HTTP status and a body, or `outcome` says what did not."""

    status: int = 0
    body: bytes = b""
    outcome: Outcome | None = None
    is_limited: bool = False
    """Refused for the IP address's limit, by the venue or by our own count of it."""
    why: str = ""
    """For people."""


class Rest:
    """The HTTP client of one venue."""

    def __init__(
        self,
        network: Network,
        clock: Clock,
        options: Options,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect nowhere yet; a `transport` of one's own replaces the network."""
        self._clock: Final = clock
        self._options: Final = options
        self.ledger: Final = IpLedger(options.ip_weight)
        self._client: Final = httpx.AsyncClient(
            base_url=network.url,
            headers=_HEADERS,
            transport=transport,
            # A connection that takes long fails before the whole does: then nothing was written.
            timeout=httpx.Timeout(
                options.action_timeout_s,
                connect=options.action_timeout_s / 3,
                pool=options.action_timeout_s / 3,
            ),
            follow_redirects=False,
            trust_env=not network.is_local,
            limits=httpx.Limits(
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=10,
                keepalive_expiry=KEEPALIVE_S,
            ),
        )
        self._encode: Final = json.Encoder().encode

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    # Actions.

    async def act(self, request: ExchangeRequest, items: int) -> Answered:
        """Send an action of so many orders or cancels, once; never raises for what befalls it."""
        weight, now = weight_of_action(items), self._clock.now()
        if self.ledger.wait(weight, now):
            return Answered(
                outcome=Outcome.NOT_SENT, is_limited=True, why="the IP address has no weight left"
            )
        self.ledger.spend(weight, now)
        answered = await self._act(self._encode(request))
        if answered.status == TOO_MANY:
            self.ledger.refused(self._clock.now(), SECOND)
            return Answered(
                TOO_MANY, outcome=Outcome.NOT_SENT, is_limited=True, why="HTTP 429 for an action"
            )
        return answered

    async def _act(self, body: bytes) -> Answered:
        try:
            async with asyncio.timeout(self._options.action_timeout_s):
                response = await self._client.post("/exchange", content=body)
        except _NOTHING_WRITTEN as error:
            return Answered(outcome=Outcome.NOT_SENT, why=_said(error))
        except (TimeoutError, httpx.TimeoutException) as error:
            return Answered(outcome=Outcome.TIMEOUT, why=_said(error))
        except httpx.HTTPError as error:
            return Answered(outcome=Outcome.BROKEN, why=_said(error))
        status = response.status_code
        if status >= SERVER_FAULT:
            return Answered(status, outcome=Outcome.SERVER_ERROR, why=f"HTTP {status}")
        return Answered(status, response.content)

    # Questions.

    async def ask(self, question: InfoRequest) -> Any:
        """Ask until answered; returns the answer as its type in `wire_info.ANSWERS`.

        Raises VenueError when the tries are used up, or where the venue does not understand us or
        we do not understand it.
        """
        tries, kind = self._options.question_tries, type(question).__name__
        body = self._encode(question)
        why = ""
        for number in range(tries):
            if number:
                await asyncio.sleep(PAUSE_S * 2 ** (number - 1))
            await self._allowed(weight_of(question))
            try:
                async with asyncio.timeout(self._options.question_timeout_s):
                    response = await self._client.post("/info", content=body)
            except (TimeoutError, httpx.HTTPError) as error:
                why = _said(error)
                continue
            status = response.status_code
            if status == OK:
                return self._read(question, response.content)
            why = f"HTTP {status}: {response.text[:SHOWN]}"
            if status == TOO_MANY:
                self.ledger.refused(self._clock.now(), LIMITED_PAUSE_S * SECOND)
            elif status < SERVER_FAULT:
                raise VenueError(f"{kind} must be understood by the venue, was answered by {why}")
            log.info("question %s is asked again after %s", kind, why)
        raise VenueError(
            f"{kind} must be answered within {tries} tries by {self._client.base_url}, "
            f"the last failed: {why}"
        )

    async def _allowed(self, weight: int) -> None:
        """Wait until a question may be asked."""
        while pause := self.ledger.wait(weight, self._clock.now(), reserve=RESERVE):
            await asyncio.sleep(pause / SECOND)
        self.ledger.spend(weight, self._clock.now())

    def _read(self, question: InfoRequest, body: bytes) -> Any:
        try:
            answer = read_answer(question, body)
        except DecodeError as error:
            kind = type(question).__name__
            raise VenueError(
                f"the answer to {kind} must be as documented, was {body[:SHOWN]!r}: {error}"
            ) from error
        if isinstance(answer, list):
            more = weight_of_rows(question, len(answer))
            if more:
                self.ledger.spend(more, self._clock.now())
        return answer


def _said(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
