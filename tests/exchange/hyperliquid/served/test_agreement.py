"""Whatever a client sends: the account, its paper venues, and what was pushed tell one story."""

from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from exchange.hyperliquid.codec_words import find_error, find_status
from exchange.hyperliquid.served.account import Account
from exchange.hyperliquid.served.world import World
from exchange.hyperliquid.signing import sign_request
from exchange.hyperliquid.wire import (
    Action,
    BatchModify,
    Cancel,
    CancelByCloid,
    CancelByCloidWire,
    CancelWire,
    ExchangeReply,
    ItemStatus,
    ModifyWire,
    Order,
    OrderWire,
    Tif,
)
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.units import MILLISECOND
from tests.exchange.hyperliquid.served.stage import EPOCH_MS, ETH, KEY, order, terms, wall_ms

STEPS = 400
TIFS: tuple[Tif, ...] = ("Alo", "Alo", "Gtc", "Ioc")


class Client:
    """Sends at random, and believes what is pushed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World(
            GENERATED, "ETH", generate(GeneratorConfig(), seed), 0, terms(requests=10**6), wall_ms
        )
        self.believed: dict[int, str] = {}
        """What is open: oid and what is left of it."""
        self.position = Decimal(0)
        self.errors: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()

    @property
    def account(self) -> Account:
        """The account of the client."""
        return self.world.account(KEY.address)

    def wanted(self) -> OrderWire:
        """Return an order near the touch."""
        draw = self.random
        mid = int(self.world.tapes[ETH].mid2() / 2)
        return order(
            f"{(mid + draw.randint(-4, 4)) / 10}",
            f"{draw.choice([0.001, 0.01, 0.3, 5])}",
            buy=draw.random() < 0.5,
            tif=draw.choice(TIFS),
            cloid=draw.randint(1, 6) if draw.random() < 0.7 else None,
            reduce_only=draw.random() < 0.2,
        )

    def action(self) -> Action:
        """Return an action about orders that may be there."""
        draw = self.random
        oid = draw.choice([*self.believed, 4711])
        cloid = f"0x{draw.randint(1, 6):032x}"
        kind = draw.randint(0, 4)
        if kind <= 1:
            return Order([self.wanted() for _ in range(draw.randint(1, 3))], "na")
        if kind == 2:
            key: int | str = oid if draw.random() < 0.5 else cloid
            one = ModifyWire(key, self.wanted())
            return BatchModify([one], always_place=draw.random() < 0.3)
        if kind == 3:
            return Cancel([CancelWire(ETH, oid)])
        return CancelByCloid([CancelByCloidWire(ETH, cloid)])

    def step(self, number: int) -> None:
        """Send what may be sent, play a block, and read what comes."""
        world = self.world
        tickets = [
            world.submit(
                sign_request(KEY, self.action(), EPOCH_MS + 10 * number + n, mainnet=False),
                world.now.at,
            )
            for n in range(self.random.randint(0, 2))
        ]
        block = world.block(world.draw_block() + self.random.randint(0, 500) * MILLISECOND)
        for _, news in block.news:
            for update in news.updates:
                oid = update.order.oid
                if update.status == "open":
                    self.believed[oid] = update.order.sz
                else:
                    self.believed.pop(oid, None)
                    self.ended[update.status] += 1
            for fill in news.fills:
                self.position += Decimal(fill.sz) * (1 if fill.side == "B" else -1)
        for ticket in tickets:
            assert ticket.reply is not None
            self.read(ticket.reply)

    def read(self, reply: ExchangeReply) -> None:
        """Count what was refused."""
        if isinstance(reply.response, str):
            self.errors[reply.response] += 1
            return
        assert reply.response.data is not None
        for status in reply.response.data.statuses:
            if isinstance(status, ItemStatus) and status.error is not None:
                self.errors[status.error] += 1


@pytest.mark.parametrize("seed", range(3))
def test_account_paper_venue_and_what_was_pushed_agree_after_each_block(seed: int) -> None:
    client = Client(seed)
    account = client.account

    for number in range(STEPS):
        client.step(number)
        shown = {one.oid: one.basic().sz for one in account.open_orders()}
        venue = account._venues.get(ETH)
        there = {} if venue is None else {one.cloid: one.qty for one in venue.open_orders()}

        assert client.believed == shown
        assert there == {one.name: one.leaves for one in account.open_orders()}
        held = account.holding(client.world.universe.live)
        assert held.size == (0 if venue is None else venue.position)
        assert client.position == held.size * GENERATED.lot

    filled = Counter(one.oid for one in account.fills)
    assert len(filled) > 20
    assert client.ended.keys() >= {"filled", "canceled", "badAloPxRejected", "iocCancelRejected"}
    assert [text for text in client.errors if find_error(text) is None] == []
    assert [word for word in client.ended if find_status(word) is None] == []
    paid = sum(Decimal(one.fee or 0) for one in account.fills)
    gained = sum(Decimal(one.closed_pnl or 0) for one in account.fills)
    # Each of both is cut to six decimals.
    assert abs(account.cash - 1_000_000 - gained + paid) < Decimal("0.000002") * len(account.fills)
