"""Commands on their way out, and what became of each."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec import json

from exchange.commands import Cancel, Modify, Place, Request
from exchange.hyperliquid.alive import Switch
from exchange.hyperliquid.clock import Clock, Offset
from exchange.hyperliquid.codec import Codec, Said
from exchange.hyperliquid.connection import Fence, Network, Options
from exchange.hyperliquid.instruments import Asset
from exchange.hyperliquid.limits import AddressLedger
from exchange.hyperliquid.nonces import AHEAD_MS_MAX, Nonces
from exchange.hyperliquid.rest import Rest
from exchange.hyperliquid.sending import Sender, Signer
from exchange.hyperliquid.signing import recover_request
from exchange.hyperliquid.wire import REQUESTS, Noop
from exchange.instrument import Instrument
from exchange.reports import Accepted, Cancelled, Limited, ModifyRejected, Rejected
from exchange.units import MILLISECOND, SECOND
from exchange.venue import NoAnswer
from exchange.words import Outcome, Side
from tests.exchange.hyperliquid.client.serving import KEY, nonces_in

TEST: Final = Instrument("ETH", Decimal("0.01"), Decimal("0.0001"), significant_figures=5)
ASSET: Final = Asset("ETH", 4, TEST)
NOW: Final = 1_700_000_000 * SECOND
SOON: Final = NOW + 5 * SECOND
RESTING: Final = {"resting": {"oid": 7}}


def place(request: int, *, post_only: bool = True, cloid: str = "") -> Place:
    name = cloid or f"{request:08x}"
    return Place(request, name, Side.BUY, 200_000, 500, post_only, False, SOON)


def cancel(request: int) -> Cancel:
    return Cancel(request, f"{request:08x}", str(request), SOON)


def modify(request: int) -> Modify:
    name = f"{request:08x}"
    return Modify(request, name, str(request), Side.BUY, 200_000, 500, True, False, SOON)


def ok(*statuses: Any, kind: str = "order") -> dict[str, Any]:
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}}


def err(text: str) -> dict[str, Any]:
    return {"status": "err", "response": text}


class Post:
    """Answers actions in turn, and keeps them."""

    def __init__(self, *answers: Any) -> None:
        self.answers: Final[Iterator[Any]] = iter(answers)
        self.sent: Final[list[dict[str, Any]]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer the next one."""
        assert recover_request(REQUESTS.decode(request.content), mainnet=False) == KEY.address
        self.sent.append(json.decode(request.content))
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            return httpx.Response(answer)
        return httpx.Response(200, json=answer)


class Desk:
    """A sender, and what it has said."""

    def __init__(self, post: Post, nonces: Nonces, **options: Any) -> None:
        network, clock = Network("http://127.0.0.1:1"), Clock(wall=lambda: NOW, steady=lambda: 0)
        settings = Options(**options)
        self.post: Final = post
        self.said: Final[list[Said]] = []
        self.about: Final[list[Request | None]] = []
        self.ledger: Final = AddressLedger()
        self.counts: Final[Counter[str]] = Counter()
        self.rest: Final = Rest(network, clock, settings, transport=httpx.MockTransport(post))
        self.offset: Final = Offset()
        self.sender: Final = Sender(
            Signer(KEY, nonces, network, None),
            Codec(ASSET),
            self.rest,
            clock,
            self.offset,
            self.ledger,
            settings,
            answer=self.answer,
            counts=self.counts,
        )

    def answer(self, command: Request | None, said: Said) -> None:
        """Note it."""
        self.about.append(command)
        self.said.append(said)

    async def send(self, *commands: Request) -> None:
        """Send commands, one action after the other."""
        for batch, nonce in self.sender.batches(commands):
            await self.sender.send(batch, nonce)


@pytest.fixture
def send(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    with nonces_in(tmp_path) as nonces:

        def send_all(post: Post, *commands: Request, **options: Any) -> Desk:
            async def main() -> Desk:
                desk = Desk(post, nonces, **options)
                await desk.send(*commands)
                await desk.rest.close()
                return desk

            return asyncio.run(main())

        yield send_all


Send = Callable[..., Desk]


def kinds(desk: Desk) -> list[str]:
    return [type(one).__name__ for one in desk.said]


def test_statuses_answer_commands_one_by_one(send: Send) -> None:
    error = {"error": "Post only order would have immediately matched, bbo was 1@2. asset=4"}
    filled = {"filled": {"totalSz": "0.05", "avgPx": "2000.0", "oid": 9}}
    post = Post(ok(RESTING, error, filled))

    desk = send(post, place(1), place(2), place(3))

    assert desk.said == [
        Accepted(NOW, "00000001", "7", 1),
        Rejected(NOW, "00000002", "post_only", 2),
        Accepted(NOW, "00000003", "9", 3),
    ]
    assert desk.ledger.since == 3


def test_an_answer_that_does_not_fit_the_batch_proves_nothing(send: Send) -> None:
    desk = send(Post(ok(RESTING)), place(1), place(2))

    assert kinds(desk) == ["NoAnswer", "NoAnswer"]


def test_a_word_that_we_do_not_know_proves_nothing_about_its_item(send: Send) -> None:
    desk = send(Post(ok({"error": "The moon is full."}, RESTING)), place(1), place(2))

    assert kinds(desk) == ["NoAnswer", "Accepted"]
    assert isinstance(desk.said[0], NoAnswer)
    assert desk.said[0].outcome is not Outcome.NOT_SENT


def test_cancels_go_first_and_what_may_take_goes_apart(send: Send) -> None:
    post = Post(ok("success", kind="cancel"), ok(RESTING), ok(RESTING), ok(RESTING))

    send(post, place(1), place(2, post_only=False), modify(3), cancel(4))

    assert [one["action"]["type"] for one in post.sent] == [
        "cancel",
        "order",
        "order",
        "batchModify",
    ]
    tifs = [one["action"]["orders"][0]["t"]["limit"]["tif"] for one in post.sent[1:3]]
    assert tifs == ["Alo", "Gtc"]
    nonces = [one["nonce"] for one in post.sent]
    assert nonces == sorted(set(nonces))


def test_no_action_carries_more_than_two_hundred(send: Send) -> None:
    post = Post(ok(*[RESTING] * 200), ok(RESTING))

    desk = send(post, *(place(number) for number in range(1, 202)))

    assert [len(one["action"]["orders"]) for one in post.sent] == [200, 1]
    assert len(desk.said) == 201


@pytest.mark.parametrize(
    ("fence", "fenced"),
    [
        (Fence.NONE, [False, False, False]),
        (Fence.PLACES, [False, True, False]),
        (Fence.CHANGES, [False, True, True]),
        (Fence.ALL, [True, True, True]),
    ],
)
def test_the_fence_is_the_commands_expiry_in_the_venues_clock(
    send: Send, fence: Fence, fenced: list[bool]
) -> None:
    post = Post(ok("success", kind="cancel"), ok(RESTING), ok(RESTING))

    send(post, cancel(1), place(2), modify(3), fence=fence)

    expiries = [one["expiresAfter"] for one in post.sent]
    assert [expiry is not None for expiry in expiries] == fenced
    assert set(expiries) <= {None, SOON // MILLISECOND}


def test_what_has_expired_is_refused_without_being_sent(send: Send) -> None:
    post = Post()

    desk = send(post, Place(1, "00000001", Side.BUY, 200_000, 500, True, False, NOW))

    assert post.sent == []
    assert desk.said == [Rejected(NOW, "00000001", "expired", 1)]


def test_a_command_that_cannot_be_said_is_not_sent_and_the_others_are(send: Send) -> None:
    desk = send(Post(ok(RESTING)), place(1, cloid="what?"), place(2))

    assert kinds(desk) == ["NoAnswer", "Accepted"]
    assert desk.said[0] == NoAnswer(place(1, cloid="what?"), Outcome.NOT_SENT)


def test_the_limit_of_the_ip_address_is_said_and_nothing_was_done(send: Send) -> None:
    desk = send(Post(429), place(1), place(2))

    assert desk.said == [
        Limited(NOW),
        NoAnswer(place(1), Outcome.NOT_SENT),
        NoAnswer(place(2), Outcome.NOT_SENT),
    ]
    assert desk.ledger.since == 0


def test_the_limit_of_the_account_is_said_and_the_commands_are_refused(send: Send) -> None:
    text = "Too many cumulative requests sent (11 > 10) for cumulative volume traded $0.0."

    desk = send(Post(err(text)), place(1), place(2))

    assert kinds(desk) == ["Rejected", "Rejected", "Limited"]
    assert desk.ledger.limited == 1


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (httpx.ConnectError("refused"), Outcome.NOT_SENT),
        (httpx.ReadError("reset"), Outcome.BROKEN),
        (502, Outcome.SERVER_ERROR),
    ],
)
def test_without_an_answer_each_command_is_said_to_have_none(
    send: Send, failure: Any, outcome: Outcome
) -> None:
    desk = send(Post(failure), cancel(1), cancel(2))

    assert desk.said == [NoAnswer(cancel(1), outcome), NoAnswer(cancel(2), outcome)]


def test_a_nonce_found_unused_proves_that_nothing_was_done(send: Send) -> None:
    post = Post(httpx.ReadError("reset"), {"status": "ok", "response": {"type": "default"}})

    desk = send(post, place(1), burns=True)

    assert kinds(desk) == ["NoAnswer", "Rejected"]
    assert post.sent[1]["action"] == {"type": "noop"}
    assert post.sent[1]["nonce"] == post.sent[0]["nonce"]


@pytest.mark.parametrize(
    "answer",
    [err("Invalid nonce: duplicate nonce 5"), err("Invalid nonce: nonce too low 5 < 6"), 502],
)
def test_any_other_answer_about_the_nonce_proves_nothing(send: Send, answer: Any) -> None:
    desk = send(Post(httpx.ReadError("reset"), answer), modify(1), burns=True)

    assert kinds(desk) == ["NoAnswer"]


def test_a_nonce_is_not_burnt_unless_that_is_wanted_and_needed(send: Send) -> None:
    unwanted, unneeded = Post(502), Post(httpx.ConnectError("refused"))
    send(unwanted, place(1))
    send(unneeded, place(1), burns=True)

    assert len(unwanted.sent) == len(unneeded.sent) == 1


def test_a_signer_that_the_venue_does_not_know_is_fatal(send: Send) -> None:
    desk = send(Post(err("User or API Wallet 0xab does not exist.")), place(1))

    assert kinds(desk) == ["Rejected"]
    assert desk.sender.fatal.startswith("User or API Wallet")


def test_without_a_place_for_its_nonces_a_bot_still_cancels_and_is_told_to_end(
    tmp_path: Path,
) -> None:
    async def main() -> Desk:
        with Nonces(tmp_path / "nonces", lambda: NOW // MILLISECOND) as nonces:
            nonces._database.execute("PRAGMA query_only = ON")
            desk = Desk(Post(ok("success", kind="cancel")), nonces)
            await desk.send(cancel(1))
            await desk.rest.close()
            return desk

    desk = asyncio.run(main())

    assert kinds(desk) == ["Cancelled"]
    assert "nonces must be writable, was not" in desk.sender.fatal


def test_without_a_nonce_that_the_venue_would_take_nothing_is_sent(tmp_path: Path) -> None:
    present = NOW // MILLISECOND
    with Nonces(tmp_path / "nonces", lambda: present + 2 * AHEAD_MS_MAX) as ahead:
        ahead.next()

    async def main() -> Desk:
        with Nonces(tmp_path / "nonces", lambda: present) as nonces:
            desk = Desk(Post(), nonces)
            await desk.send(place(1), cancel(2))
            assert await desk.sender.act(Noop()) is None
            await desk.rest.close()
            return desk

    desk = asyncio.run(main())

    assert [said.outcome for said in desk.said if isinstance(said, NoAnswer)] == [
        Outcome.NOT_SENT,
        Outcome.NOT_SENT,
    ]
    assert "a nonce must be within a day of the clock" in desk.sender.fatal


def test_a_modify_and_a_cancel_are_answered_as_what_they_are(send: Send) -> None:
    gone = {"error": "Cannot modify canceled or filled order"}
    post = Post(ok("success", kind="cancel"), ok(gone))

    desk = send(post, modify(1), cancel(2))

    assert isinstance(desk.said[0], Cancelled)
    assert isinstance(desk.said[1], ModifyRejected)


# The dead man's switch.

SPAN: Final = 60 * SECOND
VOLUME: Final = (
    "Cannot set scheduled cancel time until enough volume traded. Required: $1. Traded: $0."
)


def switched(nonces: Nonces, post: Post, *moments: int) -> Switch:
    """Say at some moments that all is well."""

    async def main() -> Switch:
        desk = Desk(post, nonces)
        switch = Switch(desk.sender.act, desk.offset, SPAN)
        for moment in moments:
            if switch.is_due(NOW + moment + SPAN):
                await switch.arm(NOW + moment + SPAN)
        await desk.rest.close()
        return switch

    return asyncio.run(main())


def test_the_switch_is_moved_on_when_half_of_its_span_has_passed(tmp_path: Path) -> None:
    done = {"status": "ok", "response": {"type": "default"}}
    post = Post(done, done)
    with nonces_in(tmp_path) as nonces:
        switch = switched(nonces, post, 0, 29 * SECOND, 30 * SECOND)

    assert [one["action"]["time"] for one in post.sent] == [
        (NOW + SPAN) // MILLISECOND,
        (NOW + SPAN + 30 * SECOND) // MILLISECOND,
    ]
    assert switch.armed_until == NOW + 30 * SECOND + SPAN


def test_an_account_that_may_not_use_the_switch_is_told_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    post = Post(err(VOLUME))
    with nonces_in(tmp_path) as nonces:
        switch = switched(nonces, post, 0, SPAN, 2 * SPAN)

    assert len(post.sent) == 1
    assert switch.refused == VOLUME
    assert [record.message for record in caplog.records if "switch is off" in record.message]


def test_a_switch_that_was_not_moved_is_tried_again(tmp_path: Path) -> None:
    done = {"status": "ok", "response": {"type": "default"}}
    with nonces_in(tmp_path) as nonces:
        switch = switched(nonces, Post(502, done), 0, SECOND)

    assert switch.armed_until == NOW + SECOND + SPAN
