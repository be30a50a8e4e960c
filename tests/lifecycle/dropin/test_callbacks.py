"""Any venue in four functions: outcomes, looks, and orders that nobody named."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from exchange.units import SECOND
from exchange.venue import Capabilities
from lifecycle.config import STABLE, OrdersConfig, RiskConfig
from lifecycle.dropin.callbacks import (
    BY_CALLS,
    CallbackVenue,
    Filled,
    NotSent,
    Refused,
    Ticket,
)
from lifecycle.dropin.connecting import connect
from lifecycle.dropin.quoter import NotReadyError, Quoter
from lifecycle.run.watched import Watched
from spec.trace import Reason
from tests.lifecycle.dropin.client import Client, instant
from tests.lifecycle.dropin.virtual import LoopClock, leap, watch

CONFIG = STABLE
FUNCTIONS = ("open_orders", "place", "modify", "cancel")


class Scene:
    """A client, the venue made of its functions, and bids and asks well away from the mid."""

    def __init__(
        self, *, keeps_cloids: bool = True, capabilities: Capabilities = BY_CALLS, **options: Any
    ) -> None:
        self.clock = LoopClock()
        self.paper = instant(capabilities=capabilities)
        self.client = Client(self.paper, self.clock.now, keeps_cloids=keeps_cloids)
        self.capabilities = capabilities
        self.restart(**options)

    def restart(self, **options: Any) -> None:
        """Make the venue again, with other functions or options."""
        functions = {name: getattr(self.client, name) for name in FUNCTIONS}
        self.venue = CallbackVenue(
            self.paper.instrument,
            capabilities=self.capabilities,
            clock=self.clock,
            threads=False,
            **(functions | options),
        )
        self.watched: Watched = watch(self.venue, self.venue.configure(CONFIG))

    def quotes(self, distance: int = 100) -> tuple[list[Any], list[Any]]:
        """Return a bid and an ask so many units away from the touch."""
        bid, ask = self.client.touch()
        assert bid is not None
        assert ask is not None
        away = distance * self.paper.instrument.price_unit
        return [(bid - away, "0.1")], [(ask + away, "0.1")]

    def connect(self, **options: Any) -> Any:
        """Connect, watched."""
        return connect(self.venue, CONFIG, sinks=[self.watched.feed], **options)


def play(
    bot: Callable[[Scene, Quoter], Any], scene: Callable[[], Scene] = Scene, **options: Any
) -> Scene:
    """Run a bot to its end; nothing rests then, and no invariant is broken."""

    async def main() -> Scene:
        made = scene()
        async with made.connect(**options) as quoter:
            await quoter.ready()
            await bot(made, quoter)
        assert made.paper.open_orders() == ()
        assert made.watched.broken == []
        assert len(asyncio.all_tasks()) == 1
        return made

    return leap(main())


def test_four_functions_are_a_venue() -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        bids, asks = scene.quotes()
        done = await quoter.converge(bids, asks, answered=True)
        assert len(done.placed) == len(scene.paper.open_orders()) == 2
        await asyncio.sleep(2)
        moved = await quoter.converge(*scene.quotes(400), answered=True)
        assert len(moved.modified) == 2
        assert len(scene.paper.open_orders()) == 2

    scene = play(bot)

    assert scene.client.calls.count("place") == 2
    assert scene.client.calls.count("modify") == 2
    assert scene.client.calls.count("cancel") == 2


def test_functions_may_be_async() -> None:
    def scene() -> Scene:
        made = Scene()

        async def place(order: Ticket) -> dict[str, str]:
            await asyncio.sleep(0.2)
            return {"id": made.client.place(order)}

        made.restart(place=place)
        return made

    async def bot(scene: Scene, quoter: Quoter) -> None:
        done = await quoter.converge(*scene.quotes(), answered=True)
        assert len(done.placed) == len(scene.paper.open_orders()) == 2

    play(bot, scene)


@pytest.mark.parametrize("keeps_cloids", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", [TimeoutError("slow"), OSError("cut"), RuntimeError("what?")])
def test_a_place_that_raises_is_in_doubt_until_a_look_has_shown_what_became_of_it(
    error: Exception, when: str, keeps_cloids: bool
) -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        bids, asks = scene.quotes()
        scene.client.fail("place", when, error)
        await quoter.converge(bids, asks, answered=True)
        again = await quoter.converge(bids, asks)
        assert [one.reason for one in again.waiting] == [Reason.IN_DOUBT]
        await asyncio.sleep(15)
        await quoter.converge(bids, asks, answered=True)
        assert len(scene.paper.open_orders()) == 2

    scene = play(bot, lambda: Scene(keeps_cloids=keeps_cloids))

    assert scene.client.calls.count("place") == (3 if when == "before" else 2)


@pytest.mark.parametrize("keeps_cloids", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_modify_that_raises_is_in_doubt_until_a_look_has_shown_what_became_of_it(
    when: str, keeps_cloids: bool
) -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        bids, asks = scene.quotes()
        await quoter.converge(bids, asks, answered=True)
        await asyncio.sleep(2)
        bids, asks = scene.quotes(400)
        scene.client.fail("modify", when, TimeoutError("slow"))
        await quoter.converge(bids, asks, answered=True)
        await asyncio.sleep(15)
        await quoter.converge(bids, asks, answered=True)
        await asyncio.sleep(1)
        resting = {(order.side, order.price) for order in scene.paper.open_orders()}
        assert len(resting) == len(scene.paper.open_orders()) == 2

    play(bot, lambda: Scene(keeps_cloids=keeps_cloids))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancel_that_raises_is_in_doubt_and_its_order_goes(when: str) -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        await quoter.converge(*scene.quotes(), answered=True)
        scene.client.fail("cancel", when, TimeoutError("slow"))
        await quoter.converge([], [], answered=True)
        await asyncio.sleep(20)
        await quoter.converge([], [], answered=True)
        assert scene.paper.open_orders() == ()

    play(bot)


def test_refused_and_not_sent_are_definite() -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        bids, asks = scene.quotes()
        scene.client.fail("place", "before", Refused("too small"))
        scene.client.fail("place", "before", NotSent("no network"))
        await quoter.converge(bids, asks, answered=True)
        assert dict(quoter.manager.open_orders) == {}

    play(bot)


def test_a_place_that_names_no_order_is_found_by_a_look() -> None:
    def scene() -> Scene:
        made = Scene(keeps_cloids=False)

        def place(order: Ticket) -> None:
            made.client.place(order)

        made.restart(place=place)
        return made

    async def bot(scene: Scene, quoter: Quoter) -> None:
        bids, asks = scene.quotes()
        await quoter.converge(bids, asks)
        await asyncio.sleep(10)
        done = await quoter.converge(bids, asks)
        assert len(done.kept) == len(scene.paper.open_orders()) == 2

    play(bot, scene)


@pytest.mark.parametrize("answer", [True, {"status": "ok"}, 1.5, ""])
@pytest.mark.parametrize("function", ["place", "modify"])
def test_what_is_no_id_is_not_taken_for_one_and_no_order_is_sent_twice(
    function: str, answer: object
) -> None:
    def scene() -> Scene:
        made = Scene(keeps_cloids=False)
        call = getattr(made.client, function)

        def answers(order: Ticket) -> object:
            call(order)
            return answer

        made.restart(**{function: answers})
        return made

    async def bot(scene: Scene, quoter: Quoter) -> None:
        for distance in (100, 400, 400):
            await quoter.converge(*scene.quotes(distance), answered=True)
            await asyncio.sleep(10)
            assert len(scene.paper.open_orders()) == 2
        assert f"{function} must return the order's id" in scene.venue.trouble

    play(bot, scene)


@pytest.mark.parametrize("name", ["", "broker-{}", "{}-1"])
def test_an_order_in_doubt_is_found_by_a_row_that_alters_its_cloid_or_has_an_empty_one(
    name: str,
) -> None:
    def scene() -> Scene:
        made = Scene()
        rows = made.client.open_orders
        made.restart(
            open_orders=lambda: [replace(row, cloid=name.format(row.cloid)) for row in rows()]
        )
        return made

    async def bot(scene: Scene, quoter: Quoter) -> None:
        for _ in range(2):
            scene.client.fail("place", "after", OSError("cut"))
        bids, asks = scene.quotes()
        for _ in range(3):
            await quoter.converge(bids, asks, answered=True)
            await asyncio.sleep(10)
            assert len(scene.paper.open_orders()) == 2

    assert play(bot, scene).client.calls.count("place") == 2


@pytest.mark.parametrize("keeps_cloids", [True, False])
@pytest.mark.parametrize("function", ["place", "modify"])
def test_an_order_in_doubt_when_the_process_died_is_found_by_the_next(
    function: str, keeps_cloids: bool, tmp_path: Path
) -> None:
    async def main() -> None:
        scene = Scene(keeps_cloids=keeps_cloids)
        journal = tmp_path / "bot.journal"
        async with scene.connect(journal=journal, on_exit="leave") as quoter:
            await quoter.ready()
            if function == "modify":
                await quoter.converge(*scene.quotes(), answered=True)
                await asyncio.sleep(10)
            bids, asks = scene.quotes(400)
            for _ in range(2):
                scene.client.fail(function, "after", OSError("cut"))
            await quoter.converge(bids, asks, answered=True)

        scene.restart()
        async with scene.connect(journal=journal) as quoter:
            await quoter.ready()
            for _ in range(3):
                await quoter.converge(bids, asks, answered=True)
                await asyncio.sleep(10)
                assert len(scene.paper.open_orders()) == 2
        assert scene.paper.open_orders() == ()
        assert scene.client.calls.count("place") == 2

    leap(main())


@pytest.mark.parametrize("trade_id", [None, "", True])
def test_a_fill_without_an_id_of_its_own_is_refused(trade_id: Any) -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        await quoter.converge(*scene.quotes(), answered=True)
        with pytest.raises(TypeError, match="trade_id must be a text or a whole number, was "):
            quoter.heard({"oid": "1", "trade_id": trade_id, "price": "1", "qty": "1"})

    play(bot, lambda: Scene(fills="heard"))


def test_without_modify_orders_are_cancelled_and_placed_again() -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        await quoter.converge(*scene.quotes(), answered=True)
        await quoter.converge(*scene.quotes(400), answered=True)
        await quoter.converge(*scene.quotes(400), answered=True)
        assert len(scene.paper.open_orders()) == 2

    scene = play(bot, lambda: Scene(modify=None))

    assert scene.client.calls.count("place") == 4


def test_fills_are_told_by_a_function_and_counted_once() -> None:
    def scene() -> Scene:
        made = Scene()
        client = made.client
        made.restart(fills=client.fills, order=client.order, touch=client.touch)
        return made

    async def bot(scene: Scene, quoter: Quoter) -> None:
        until = scene.clock.now() + 900 * SECOND
        while not scene.paper.fills and scene.clock.now() < until:
            await quoter.converge(*scene.quotes(0), answered=True)
            await quoter.pause(5)
        await quoter.converge([], [])
        await asyncio.sleep(30)
        assert scene.paper.fills
        assert quoter.position == scene.paper.position

    play(bot, scene)


def test_what_fills_unheard_is_found_by_looks() -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        bids, asks = scene.quotes(0)
        await quoter.converge(bids, asks, answered=True)
        until = scene.clock.now() + 900 * SECOND
        while len(scene.paper.open_orders()) == 2 and scene.clock.now() < until:
            await asyncio.sleep(1)
        await asyncio.sleep(15)
        assert len(quoter.manager.open_orders) == len(scene.paper.open_orders()) < 2
        assert quoter.position == 0

    play(bot, silence_s=None)


def test_a_fill_that_the_bot_has_heard_of_counts_once() -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        await quoter.converge(*scene.quotes(), answered=True)
        oid = scene.paper.open_orders()[0].oid
        for _ in range(2):
            quoter.heard(Filled(oid, "t1", "2000", "0.01"))
        await asyncio.sleep(1)
        assert quoter.position == 100

    async def main() -> None:
        scene = Scene(fills="heard")
        async with connect(scene.venue, CONFIG) as quoter:
            await quoter.ready()
            await bot(scene, quoter)

    leap(main())


def test_an_exposure_cap_without_fills_is_refused() -> None:
    config = replace(STABLE, risk=RiskConfig(exposure_cap="1"))  # type: ignore[arg-type]

    async def main() -> None:
        scene = Scene()
        with pytest.raises(ValueError, match="no fills are told"):
            async with connect(scene.venue, config):
                pass

    leap(main())


def test_looks_that_fail_are_a_broken_connection_and_nothing_is_sent_until_they_succeed() -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        await quoter.converge(*scene.quotes(), answered=True)
        for _ in range(3):
            scene.client.fail("open_orders", "before", OSError("down"))
        await asyncio.sleep(18)
        assert quoter.manager.is_blind
        assert "down" in scene.venue.trouble
        await asyncio.sleep(10)
        assert not quoter.manager.is_blind

    play(bot)


def test_half_a_list_proves_nothing() -> None:
    async def bot(scene: Scene, quoter: Quoter) -> None:
        await quoter.converge(*scene.quotes(), answered=True)
        whole = scene.client.open_orders()
        rows: list[Any] = [*whole[:1], {"oid": "7", "side": "up", "price": "1", "qty": "1"}]
        scene.venue._open_orders = lambda: rows  # type: ignore[misc]
        await asyncio.sleep(12)
        assert "buy or sell" in scene.venue.trouble
        assert len(quoter.manager.open_orders) == 2
        scene.venue._open_orders = scene.client.open_orders  # type: ignore[misc]
        await asyncio.sleep(12)

    play(bot)


def test_who_never_sees_its_orders_is_told_why_it_is_not_ready() -> None:
    async def main() -> None:
        scene = Scene()
        for _ in range(100):
            scene.client.fail("open_orders", "before", OSError("no such host"))
        with pytest.raises(NotReadyError, match="no such host"):
            async with connect(scene.venue, CONFIG, exit_timeout_s=1) as quoter:
                await quoter.ready(20)

    leap(main())


def test_functions_are_called_in_a_thread_of_their_own() -> None:
    names: set[str] = set()

    async def main() -> None:
        clock = LoopClock()
        client = Client(instant(), clock.now)

        def open_orders() -> list[Any]:
            names.add(threading.current_thread().name)
            return []

        venue = CallbackVenue(
            client.venue.instrument,
            open_orders=open_orders,
            place=client.place,
            modify=None,
            cancel=client.cancel,
            lag_s=0,
        )
        async with connect(venue, replace(STABLE, orders=OrdersConfig()), on_exit="leave") as one:
            await one.ready()

    asyncio.run(main())

    assert len(names) == 1
    assert names.pop().startswith("venue calls")
