"""Requests by HTTP, and what is known of those that fail."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

import httpx
import pytest
from msgspec import json

from exchange.hyperliquid import rest
from exchange.hyperliquid.clock import Clock
from exchange.hyperliquid.connection import Network, Options, VenueError
from exchange.hyperliquid.rest import Answered, Rest
from exchange.hyperliquid.signing import sign_request
from exchange.hyperliquid.wire import Noop
from exchange.hyperliquid.wire_info import GetL2Book, GetUserRateLimit
from exchange.words import Outcome
from tests.exchange.hyperliquid.client.serving import KEY

T = TypeVar("T")
Reply = httpx.Response | Exception

REQUEST: Final = sign_request(KEY, Noop(), 1, mainnet=False)
LIMIT: Final = {"cumVlm": "1.0", "nRequestsUsed": 1, "nRequestsCap": 10_001}


class Wire:
    """Replies in turn, the last for ever, and counts the requests."""

    def __init__(self, *replies: Reply) -> None:
        self.replies: Final = list(replies)
        self.bodies: Final[list[Any]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Reply, or break."""
        self.bodies.append(json.decode(request.content))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, content=reply.content)


def over(wire: Wire, work: Callable[[Rest], Coroutine[Any, Any, T]], **options: Any) -> T:
    """Do something over a wire of replies."""

    async def main() -> T:
        client = Rest(
            Network("http://127.0.0.1:1"),
            Clock(),
            Options(**options),
            transport=httpx.MockTransport(wire),
        )
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(main())


def acted(*replies: Reply, **options: Any) -> tuple[Answered, int]:
    """Send one action; return what came of it and how often it was sent."""
    wire = Wire(*replies)
    answered = over(wire, lambda client: client.act(REQUEST, 1), **options)
    return answered, len(wire.bodies)


FAILURES: Final = (
    # Before there is a connection nothing is written; after that nobody knows.
    (httpx.ConnectError("refused"), Outcome.NOT_SENT),
    (httpx.ConnectTimeout("late"), Outcome.NOT_SENT),
    (httpx.PoolTimeout("full"), Outcome.NOT_SENT),
    (httpx.WriteTimeout("late"), Outcome.TIMEOUT),
    (httpx.ReadTimeout("late"), Outcome.TIMEOUT),
    (httpx.WriteError("reset"), Outcome.BROKEN),
    (httpx.ReadError("reset"), Outcome.BROKEN),
    (httpx.RemoteProtocolError("disconnected"), Outcome.BROKEN),
    (httpx.ProxyError("no"), Outcome.BROKEN),
    (httpx.Response(500), Outcome.SERVER_ERROR),
    (httpx.Response(502), Outcome.SERVER_ERROR),
)


@pytest.mark.parametrize(("failure", "outcome"), FAILURES, ids=lambda case: str(case))
def test_a_failed_action_is_not_repeated_and_is_unknown_unless_nothing_was_written(
    failure: Reply, outcome: Outcome
) -> None:
    answered, sent = acted(failure)

    assert sent == 1
    assert answered.outcome is outcome
    assert not answered.is_limited


def test_an_action_that_is_never_answered_times_out() -> None:
    async def main() -> Answered:
        async def silent(_: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError("nobody answers")

        client = Rest(
            Network("http://127.0.0.1:1"),
            Clock(),
            Options(action_timeout_s=0.01),
            transport=httpx.MockTransport(silent),
        )
        return await client.act(REQUEST, 1)

    assert asyncio.run(main()).outcome is Outcome.TIMEOUT


def test_an_action_refused_for_the_ip_limit_was_not_done() -> None:
    answered, sent = acted(httpx.Response(429, content=b"null"))

    assert sent == 1
    assert (answered.outcome, answered.is_limited) == (Outcome.NOT_SENT, True)


def test_an_action_beyond_our_own_count_is_not_sent() -> None:
    wire = Wire(httpx.Response(200, content=b"{}"))

    async def three(client: Rest) -> list[Answered]:
        return [await client.act(REQUEST, 1) for _ in range(3)]

    answered = over(wire, three, ip_weight=2)

    assert len(wire.bodies) == 2
    assert [one.outcome for one in answered] == [None, None, Outcome.NOT_SENT]
    assert answered[2].is_limited


def test_an_answer_is_handed_on_as_it_is() -> None:
    answered, _ = acted(httpx.Response(422, content=b"Failed to deserialize"))

    assert answered == Answered(422, b"Failed to deserialize")


def test_what_is_sent_has_the_nulls_of_the_official_client() -> None:
    wire = Wire(httpx.Response(200, content=b"{}"))
    over(wire, lambda client: client.act(REQUEST, 1))

    assert wire.bodies[0]["vaultAddress"] is None
    assert wire.bodies[0]["expiresAfter"] is None
    assert wire.bodies[0]["action"] == {"type": "noop"}


# Questions.


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "PAUSE_S", 0.0001)
    monkeypatch.setattr(rest, "LIMITED_PAUSE_S", 0)


def asked(replies: Iterable[Reply]) -> tuple[Any, int]:
    """Ask for a rate limit; return the answer and how often it was asked for."""
    wire = Wire(*replies)
    answer = over(wire, lambda client: client.ask(GetUserRateLimit(KEY.address)))
    return answer, len(wire.bodies)


@pytest.mark.parametrize(
    "failure",
    [httpx.ReadError("reset"), httpx.ReadTimeout("late"), httpx.Response(502), httpx.Response(429)],
    ids=str,
)
def test_a_question_is_asked_again_when_it_fails(failure: Reply) -> None:
    answer, sent = asked([failure, failure, httpx.Response(200, json=LIMIT)])

    assert sent == 3
    assert answer.n_requests_cap == 10_001


def test_a_question_that_fails_each_time_is_given_up() -> None:
    with pytest.raises(VenueError, match=r"answered within 4 tries.*HTTP 502"):
        asked([httpx.Response(502)])


@pytest.mark.parametrize(
    ("reply", "match"),
    [
        (httpx.Response(422, content=b"Failed"), "must be understood by the venue"),
        (httpx.Response(200, content=b"[1]"), "must be as documented"),
        (httpx.Response(200, content=b"<html>"), "must be as documented"),
    ],
)
def test_a_question_that_is_misunderstood_is_not_repeated(reply: Reply, match: str) -> None:
    wire = Wire(reply)

    with pytest.raises(VenueError, match=match):
        over(wire, lambda client: client.ask(GetUserRateLimit(KEY.address)))
    assert len(wire.bodies) == 1


def test_questions_wait_for_weight_and_leave_a_reserve_to_actions() -> None:
    wire = Wire(httpx.Response(200, content=b"null"))

    async def crowd(client: Rest) -> tuple[bool, Answered]:
        # Two weigh four of the five that the reserve of 300 leaves.
        questions = [asyncio.create_task(client.ask(GetL2Book("ETH"))) for _ in range(3)]
        done, pending = await asyncio.wait(questions, timeout=0.05)
        answered = await client.act(REQUEST, 1)
        for task in pending:
            task.cancel()
        return (len(done), len(pending)) == (2, 1), answered

    waited, answered = over(wire, crowd, ip_weight=305)

    assert waited
    assert answered.outcome is None
