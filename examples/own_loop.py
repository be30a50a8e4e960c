"""The pure core in a loop of one's own: no thread, no asyncio, no clock but the caller's."""

from exchange.commands import Command
from exchange.units import MINUTE, SECOND
from exchange.venue import NoAnswer
from lifecycle import OrderManager, Target, Targets
from lifecycle.dropin.practice import practice

venue = practice().paper  # anything with `submit`, `poll` and `market` will do
manager = OrderManager(venue.instrument, session="bot-1")  # must differ in each run


def send(commands: tuple[Command, ...], now: int) -> None:
    """Hand over what the manager asks for; what is said to it comes by `poll`."""
    if commands:
        venue.submit(commands, now)


def run(start: int, end: int) -> None:
    """Look at reports and timers ten times a second, and quote every six seconds."""
    send(manager.restarted(start).queries, start)  # nothing is placed before a first look
    for now in range(start, end, SECOND // 10):
        for told in venue.poll(now):
            if isinstance(told.report, NoAnswer):
                queries = manager.unanswered(told.report.command, told.report.outcome, told.at)
            else:
                queries = manager.receive(told.report, told.at)
            send(queries.queries, now)
        send(manager.tick(now).queries, now)
        market = venue.market(now)
        if (now - start) % (6 * SECOND) == 0 and market.bid and market.ask:
            wanted = Targets((Target(market.bid - 5, 1000),), (Target(market.ask + 5, 1000),))
            send(manager.cycle(now, wanted, market).commands, now)


if __name__ == "__main__":
    run(MINUTE, 6 * MINUTE)
    print(f"{manager.requests_used} places and modifies, position {manager.position}")
