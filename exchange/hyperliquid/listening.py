"""What the stream says, made into reports and into sight of the market.

The stamps of the market say something of the venue's clock: those are of its blocks, and many. So
the mapping of times is kept up by what is heard anyway, and by nothing that concerns one order.

A subscription to fills begins with the newest ones there have been. Those of before we came are not
told: whoever was here then knows until when, and asks for the rest (`QueryOpen`).
"""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from exchange.hyperliquid.clock import Offset
from exchange.hyperliquid.codec import Codec
from exchange.hyperliquid.hearing import Hearing
from exchange.hyperliquid.sight import Sight
from exchange.hyperliquid.wire_info import UserFill
from exchange.hyperliquid.wire_socket import (
    BboFeed,
    BboMessage,
    Feed,
    L2BookFeed,
    L2BookMessage,
    OrderUpdatesFeed,
    OrderUpdatesMessage,
    ServerMessage,
    TradesFeed,
    TradesMessage,
    UserFillsFeed,
    UserFillsMessage,
)
from exchange.reports import Report
from exchange.units import Nanos


def feeds_of(coin: str, account: str | None, *, fast_book: bool) -> list[Feed]:
    """Return what to subscribe to: the market, and what becomes of an account's orders."""
    market: list[Feed] = [BboFeed(coin), L2BookFeed(coin, fast=fast_book), TradesFeed(coin)]
    if account is None:
        return market
    return [*market, OrderUpdatesFeed(account), UserFillsFeed(account)]


class Listener:
    """Hears one account's stream about one market."""

    def __init__(
        self,
        account: str | None,
        codec: Codec,
        sight: Sight,
        offset: Offset,
        hearing: Hearing,
        *,
        since_ms: int,
        hold_s: float,
        say: Callable[[Report], None],
        now: Callable[[], Nanos],
    ) -> None:
        """Hear fills from `since_ms` on, in the venue's time; `hold_s` is what `hearing` holds."""
        self._account: Final = None if account is None else account.lower()
        self._codec: Final = codec
        self._sight: Final = sight
        self._offset: Final = offset
        self._hearing: Final = hearing
        self._since_ms: Final = since_ms
        self._hold_s: Final = hold_s
        self._say: Final = say
        self._now: Final = now

    def hear(self, message: ServerMessage, heard: Nanos) -> None:
        """Take a message that came at `heard`, by our clock."""
        match message:
            case BboMessage():
                self._offset.heard(message.data.time, heard)
                self._sight.on_touch(message.data, heard)
            case L2BookMessage():
                self._offset.heard(message.data.time, heard)
                self._sight.on_book(message.data, heard)
            case TradesMessage():
                self._sight.on_trades(message.data, heard)
            case OrderUpdatesMessage():
                self._on_updates(message, heard)
            case UserFillsMessage():
                self._on_fills(message, heard)
            case _:
                pass

    def _on_updates(self, message: OrderUpdatesMessage, heard: Nanos) -> None:
        placing = self._hearing.placing
        for update in message.data:
            self._sight.on_update(update)
            report = self._codec.read_update(update, placing)
            if report is not None:
                self._tell(report, heard)
        if self._hearing.holds:
            asyncio.get_running_loop().call_later(self._hold_s, self._release)

    def _on_fills(self, message: UserFillsMessage, heard: Nanos) -> None:
        data = message.data
        if data.user.lower() != self._account:
            return
        # A snapshot begins with the newest.
        for fill in reversed(data.fills) if data.is_snapshot else data.fills:
            if not data.is_snapshot or fill.time >= self._since_ms:
                self._on_fill(fill, heard)

    def _on_fill(self, wired: UserFill, heard: Nanos) -> None:
        fill = self._codec.read_fill(wired)
        if fill is not None and self._tell(fill, heard):
            self._sight.on_fill(fill)

    def _tell(self, report: Report, heard: Nanos) -> bool:
        """Hand on what is new of a report, by our clock; False where nothing is, or not yet."""
        at = self._offset.ours(report.at, heard)
        told = self._hearing.pushed(replace(report, at=at), heard)
        for one in told:
            self._say(one)
        return bool(told)

    def _release(self) -> None:
        for report in self._hearing.due(self._now()):
            self._say(report)
