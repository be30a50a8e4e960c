"""One market at Hyperliquid by way of the official SDK: its own objects sign, send and ask.

Two threads call the SDK, one for actions and one for questions. Actions go one after the other:
the SDK takes a nonce from the clock, to the millisecond, and two at once could share one. What the
SDK raised about a request, and the text with which the venue refused it, are kept for the bot.

**Looks.** Nothing is heard from a websocket, which the SDK does not bring back when it breaks. The
book and the open orders are asked for instead; fills only where the open orders are not as they
are believed to be, for they cost as much again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder, Request
from exchange.hyperliquid.codec import Batch, Codec, Told, refuse, unanswered
from exchange.hyperliquid.codec_cloids import from_wire, is_sent, to_wire
from exchange.hyperliquid.codec_words import REFUSING_HTTP
from exchange.hyperliquid.instruments import Asset
from exchange.hyperliquid.wire import ExchangeReply
from exchange.hyperliquid.wire_info import BasicOrder, OrderStatusReply, UserFill
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Report, Snapshot
from exchange.units import MILLISECOND, SECOND, Nanos, Qty
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import Cloid, Oid, Side
from lifecycle.caught import Caught
from lifecycle.dropin.calls import outcome_of
from lifecycle.dropin.clock import Clocked

LAG: Final = 500 * MILLISECOND
"""How far what the venue shows may lag behind what it has done."""
OVERLAP_MS: Final = 60_000
"""Fills are asked for from so long before the last time: what is shown may lag."""
KEPT: Final = 1000
"""Texts and exceptions kept."""


class SdkVenue:
    """The venue as the SDK's `Exchange` and `Info` reach it; its threads end with `stop`."""

    def __init__(
        self,
        exchange: Any,
        info: Any,
        asset: Asset,
        user: str,
        clock: Clocked,
        *,
        arrived: Callable[[], None],
        cloid_type: Callable[[str], Any],
    ) -> None:
        """Start the threads; `arrived` is called by them whenever there is something new."""
        self._exchange: Final = exchange
        self._info: Final = info
        self._asset: Final = asset
        self._user: Final = user
        self._clock: Final = clock
        self._speed: Final = float(getattr(clock, "speed", 1.0))
        self._arrived: Final = arrived
        self._cloid: Final = cloid_type
        self._codec: Final = Codec(asset)
        self._inbox: Final[deque[Received]] = deque()
        self._capabilities: Final = Capabilities(expires=False)
        self._market = Market(0, None, None)
        self._book_ms = 0
        """The venue's time of the newest book seen."""
        self._fills_from_ms = 0
        """The venue's time from which on fills have not been heard; 0: before the first look."""
        self._floor_ms = 0
        """No fill of before this is ours to hear of."""
        self._asked = 0
        self.looked = 0
        """The number of the newest look that has ended."""
        self.looked_at: Nanos | None = None
        """When the newest look that succeeded was asked for."""
        self.look_failure: Exception | None = None
        """What the SDK raised at the newest look, None where it succeeded."""
        self.question_failure: Exception | None = None
        """What the SDK raised at the newest question of the manager's, None where it answered."""
        self.texts: Final[dict[int, str]] = {}
        """How the venue refused a request, by its number."""
        self.failures: Final[dict[int, Exception]] = {}
        """What the SDK raised about a request, by its number."""
        self._acts: Final[SimpleQueue[Batch | None]] = SimpleQueue()
        self._asks: Final[SimpleQueue[Callable[[], None] | None]] = SimpleQueue()
        for work, what in ((self._act, "actions"), (self._ask, "questions")):
            threading.Thread(
                target=work, name=f"lifecycle {asset.coin} {what}", daemon=True
            ).start()

    def stop(self) -> None:
        """Have the threads end when they have done what was handed over."""
        self._acts.put(None)
        self._asks.put(None)

    # The contract.

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self._asset.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self._capabilities

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:  # noqa: ARG002 - by our own
        """Hand commands to the threads; their answers come by `poll`."""
        requests = [one for one in commands if isinstance(one, Place | Modify | Cancel)]
        batches = self._codec.batches(requests)
        batches.sort(key=lambda batch: not isinstance(batch.commands[0], Cancel))
        for batch in batches:
            self._acts.put(batch)
        asked = self._clock.now()
        for command in commands:
            if isinstance(command, QueryOpen):
                self._asks.put(partial(self._answer_open, command, asked))
            elif isinstance(command, QueryOrder):
                self._asks.put(partial(self._answer_order, command, asked))

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has come and was not returned yet."""
        received: list[Received] = []
        while self._inbox:
            one = self._inbox.popleft()
            # Two threads may have put theirs in in the order other than that of their times.
            at = min(now, max(one.at, received[-1].at if received else 0))
            received.append(Received(at, one.report))
        return received

    def market(self) -> Market:
        """Return the book of others as it was last seen."""
        return self._market

    # Actions.

    def _act(self) -> None:
        while (batch := self._acts.get()) is not None:
            call = Caught()
            reply: Any = None
            with call:
                reply = self._send(batch.commands)
            told = self._told(batch, reply, call.error)
            for said in told.said:
                self._inbox.append(Received(self._clock.now(), said))
            self._arrived()

    def _send(self, commands: Sequence[Request]) -> Any:
        """Have the SDK sign and send requests of one kind."""
        first = commands[0]
        if isinstance(first, Place):
            return self._exchange.bulk_orders([self._order(one) for one in commands])
        if isinstance(first, Modify):
            return self._exchange.bulk_modify_orders_new(
                [{"oid": self._name(one), "order": self._order(one)} for one in commands]
            )
        coin = self._asset.coin
        if first.oid is None:
            return self._exchange.bulk_cancel_by_cloid(
                [{"coin": coin, "cloid": self._cloid(to_wire(one.cloid))} for one in commands]
            )
        return self._exchange.bulk_cancel(
            [
                {"coin": coin, "oid": int(one.oid)}
                for one in commands
                if isinstance(one, Cancel) and one.oid is not None
            ]
        )

    def _name(self, command: Request) -> Any:
        assert not isinstance(command, Place), "a place has no oid"
        if command.oid is None:
            return self._cloid(to_wire(command.cloid))
        return int(command.oid)

    def _order(self, command: Request) -> dict[str, Any]:
        """Return the SDK's order request of a place, or of a modify's new leg."""
        assert not isinstance(command, Cancel), "a cancel has no order"
        instrument = self._asset.instrument
        order: dict[str, Any] = {
            "coin": self._asset.coin,
            "is_buy": command.side is Side.BUY,
            # At most eight decimals: the SDK writes the float as it was.
            "sz": float(instrument.qty_text(command.qty)),
            "limit_px": float(instrument.price_text(command.price)),
            "order_type": {"limit": {"tif": "Alo" if command.post_only else "Gtc"}},
            "reduce_only": command.reduce_only,
        }
        if is_sent(command.cloid):
            order["cloid"] = self._cloid(to_wire(command.cloid))
        return order

    def _told(self, batch: Batch, reply: Any, error: Exception | None) -> Told:
        """Return what an answer or an exception proves, and keep what the bot shall be told."""
        now = self._clock.now()
        if error is not None:
            self._keep(self.failures, batch, [error] * len(batch.commands))
            reason = REFUSING_HTTP.get(getattr(error, "status_code", 0))
            if reason is not None:
                return refuse(batch, reason, now)
            return unanswered(batch, outcome_of(error))
        self._keep(self.texts, batch, _errors(reply, len(batch.commands)))
        call = Caught()
        with call:
            return self._codec.read_reply(batch, msgspec.convert(reply, ExchangeReply), now)
        # The SDK has returned something that is no answer, as it does where there is no JSON.
        return unanswered(batch)

    @staticmethod
    def _keep(into: dict[int, Any], batch: Batch, said: Sequence[Any]) -> None:
        for command, one in zip(batch.commands, said, strict=True):
            if one:
                into[command.request] = one
        while len(into) > KEPT:
            del into[next(iter(into))]

    # Questions.

    def _ask(self) -> None:
        while (question := self._asks.get()) is not None:
            call = Caught()
            with call:
                question()
            self.question_failure = call.error
            self._arrived()

    def look(self, believed: Mapping[Oid, Qty] | None) -> int:
        """Ask for the book and the open orders; returns the look's number.

        `believed` is what is thought to rest: where that is found, nothing has filled, and fills
        are not asked for. None: something is under way, and they are.
        """
        self._asked += 1
        number = self._asked
        self._asks.put(partial(self._look, number, believed))
        return number

    @property
    def is_looking(self) -> bool:
        """Whether a look is under way."""
        return self._asked > self.looked

    def _look(self, number: int, believed: Mapping[Oid, Qty] | None) -> None:
        call = Caught()
        with call:
            asked = self._clock.now()
            rows = self._see(asked)
            # What has been done of late may not be shown yet.
            at = max(0, asked - LAG)
            snapshot = self._codec.read_snapshot(QueryOpen(0, 0), rows, (), at)
            listed = {row.oid: row.qty for row in snapshot.open}
            if believed is None or any(listed.get(oid) != qty for oid, qty in believed.items()):
                snapshot = self._with_fills(snapshot)
            self._say(snapshot)
            self.looked_at = asked
        self.look_failure = call.error
        self.looked = number

    def _await_what_was_done(self, asked: Nanos) -> None:
        """Wait until the venue shows all that was done when a question was asked."""
        time.sleep(max(0, asked + LAG - self._clock.now()) / SECOND / self._speed)

    def _answer_open(self, query: QueryOpen, asked: Nanos) -> None:
        self._await_what_was_done(asked)
        rows = self._see(asked)
        if self._floor_ms == 0:
            # Who has never looked wants to know what happens from now on.
            ago_ms = (asked - query.fills_since) / self._speed / MILLISECOND
            before = round(ago_ms) + OVERLAP_MS if query.fills_since > 0 else 0
            self._floor_ms = self._fills_from_ms = self._book_ms - before
        snapshot = self._codec.read_snapshot(query, rows, (), asked)
        self._say(self._with_fills(snapshot))

    def _answer_order(self, query: QueryOrder, asked: Nanos) -> None:
        self._await_what_was_done(asked)
        if query.oid is not None:
            reply = self._info.query_order_by_oid(self._user, int(query.oid))
        else:
            cloid = self._cloid(to_wire(query.cloid))
            reply = self._info.query_order_by_cloid(self._user, cloid)
        status = self._codec.read_status(query, msgspec.convert(reply, OrderStatusReply), asked)
        if status is not None:
            self._say(status)

    def _see(self, asked: Nanos) -> list[BasicOrder]:
        """Take in the book, and return the account's open orders."""
        book = self._info.l2_snapshot(self._asset.coin)
        rows = self._info.open_orders(self._user, self._asset.dex)
        listed = msgspec.convert(rows, list[BasicOrder])
        self._book_ms = max(self._book_ms, int(book["time"]))
        self._market = self._market_of(book["levels"], listed, asked)
        return listed

    def _with_fills(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot with the fills since the last time that they were asked for."""
        asked_ms = self._book_ms
        since = max(self._floor_ms, self._fills_from_ms - OVERLAP_MS)
        raw = self._info.user_fills_by_time(self._user, since)
        heard = self._clock.now()
        fills = [self._codec.read_fill(one) for one in msgspec.convert(raw, list[UserFill])]
        self._fills_from_ms = asked_ms
        # Late rather than early: when it was is said by the venue's clock, which is not ours.
        told = tuple(replace(fill, at=heard) for fill in fills if fill is not None)
        return replace(snapshot, fills=told)

    def _market_of(self, levels: Any, rows: Sequence[BasicOrder], at: Nanos) -> Market:
        """Return the book without the account's own orders."""
        instrument = self._asset.instrument
        touch: list[tuple[int | None, Qty]] = []
        for side, shown in zip("BA", levels, strict=True):
            own: dict[int, Qty] = {}
            for row in rows:
                if row.coin == self._asset.coin and row.side == side:
                    price = instrument.price(row.limit_px)
                    own[price] = own.get(price, 0) + instrument.qty(row.sz)
            found: tuple[int | None, Qty] = (None, 0)
            for level in shown:
                price = instrument.price(level["px"])
                left = instrument.qty(level["sz"]) - own.get(price, 0)
                if left > 0:
                    found = price, left
                    break
            touch.append(found)
        (bid, bid_qty), (ask, ask_qty) = touch
        return Market(at, bid, ask, bid_qty, ask_qty)

    def _say(self, report: Report | NoAnswer) -> None:
        self._inbox.append(Received(self._clock.now(), report))


def _errors(reply: Any, count: int) -> list[str]:
    """Return how the venue refused each item of an action, empty where it did not."""
    if not isinstance(reply, dict):
        return [""] * count
    response = reply.get("response")
    if isinstance(response, str):
        return [response] * count
    data = (response or {}).get("data") or {}
    statuses = data.get("statuses") or []
    errors = [one.get("error") or "" if isinstance(one, dict) else "" for one in statuses]
    if len(errors) == 1:
        return errors * count
    return errors if len(errors) == count else [""] * count


def cloid_of(text: str) -> Cloid:
    """Return what we call the order that the venue shows under a client order id."""
    return from_wire(text)
