"""What must be true of a whole state: single, agreement, proof, reading, and convergence.

Four need the venue's own truth, and one the record itself, so they are the explorer's and not the
trace's.
"""

from typing import Final

from exchange.commands import Cancel, Modify, Place
from exchange.units import Nanos, Price, Qty
from lifecycle.check.world import Step, World
from spec.invariants.base import Broken
from spec.rules import Rules
from spec.states import Phase, Request, State
from spec.venue_model import STREAMS, Verdict

HEALED_CYCLES_MAX: Final = 8
"""Cycles without faults after which what rests must be what is wanted."""
_STEPS_MAX: Final = 400

_ENDED: Final = {
    Phase.FILLED: State.FILLED,
    Phase.CANCELLED: State.CANCELLED,
    Phase.REJECTED: State.REJECTED,
}
_ASKED: Final[dict[Request, tuple[type, bool]]] = {
    Request.IDLE: (type(None), False),
    Request.PLACING: (Place, False),
    Request.PLACING_IN_DOUBT: (Place, True),
    Request.MODIFYING: (Modify, False),
    Request.MODIFYING_IN_DOUBT: (Modify, True),
    Request.CANCELLING: (Cancel, False),
    Request.CANCELLING_IN_DOUBT: (Cancel, True),
}
"""The unanswered request of each state of the machine, and whether its outcome is unknown."""
# Members looked up once: before Python 3.12 each access costs a function call.
_RESTING: Final = Phase.RESTING
_RETIRED: Final = Phase.RETIRED
_IDLE: Final = Request.IDLE


def judge(world: World) -> list[Broken]:
    """Return what is broken in a state, besides what its trace has broken."""
    found = []
    text = _single(world)
    if text is not None:
        found.append(
            Broken("single", "no more of our orders rest than are wanted", world.now, text)
        )
    text = _agreement(world)
    if text is not None:
        sentence = "when all is quiet, record and venue agree"
        found.append(Broken("agreement", sentence, world.now, text))
    text = _proof(world)
    if text is not None:
        sentence = "what is proven to rest no more does not rest"
        found.append(Broken("proof", sentence, world.now, text))
    return found


def _proof(world: World) -> str | None:
    if not world.manager.nothing_rests:
        return None
    resting = [one.cloid for one in world.venue.resting()]
    # A modify makes nothing rest but what rests already: of what is gone it is refused.
    coming = [c.cloid for c in world.venue.uplink if isinstance(c, Place)]
    if resting or coming:
        return f"{resting} rest and {coming} may come to, although nothing is taken for resting"
    return None


def misread(world: World) -> list[Broken]:
    """Return how the record differs from a second reading of the trace, and from honest words."""
    text = _misread(world)
    if text is None:
        return world.distrusted
    sentence = "every order stands as a second reading of the trace has it"
    return [*world.distrusted, Broken("reading", sentence, world.now, text)]


def _single(world: World) -> str | None:
    most, resting = world.most, world.venue.resting()
    if len(resting) > most:
        return f"{len(resting)} of our orders rest at the venue, {most} at the most are wanted"
    return None


def _misread(world: World) -> str | None:
    """Return an order whose machines do not stand as the plain reading of its trace has it."""
    read = world.watch.facts.orders
    for cloid, order in world.manager.orders.items():
        facts, phase = read[cloid], order.phase
        if phase is _RETIRED:
            # How it ended is kept no longer.
            agrees = facts.closed
        elif order.is_closed:
            agrees = facts.ended_as is _ENDED[phase] and order.request is _IDLE
        else:
            asked, in_doubt = _ASKED[order.request]
            agrees = (
                not facts.closed
                and facts.accepted is (phase is _RESTING)
                and type(facts.request) is asked
                and facts.in_doubt is in_doubt
            )
        if not agrees:
            ended = facts.ended_as or ("resting" if facts.accepted else "never accepted")
            doubt = " in doubt" if facts.in_doubt else ""
            what = "nothing" if facts.request is None else type(facts.request).__name__.lower()
            return f"{order} has read as {ended}, {what} unanswered{doubt}"
    return None


def is_quiet(world: World) -> bool:
    """Say whether nothing is on its way, and the last look was after the last change."""
    venue = world.venue
    if venue.uplink:
        return False
    for stream in venue.streams:
        if stream:
            return False
    if world.manager.is_blind or venue.changed_at > last_look(world):
        return False
    # An order that was found absent once, or whose record was contradicted, is being asked about.
    for order in world.manager.open_orders.values():
        if order.request is not _IDLE or order.absences or order.suspect:
            return False
    return True


def last_look(world: World) -> Nanos:
    """Return the time of the newest look that was heard."""
    return world.manager._desk.snapshot_at  # noqa: SLF001 - The explorer looks inside.


def _agreement(world: World) -> str | None:
    if not is_quiet(world):
        return None
    return difference(world)


def difference(world: World) -> str | None:
    """Return how record and venue differ, None where they agree."""
    manager, venue = world.manager, world.venue
    ours = sorted(
        (order.leg.oid or "", order.leg.price, order.leaves)
        for order in manager.open_orders.values()
    )
    theirs = sorted((one.oid, one.price, one.leaves) for one in venue.resting())
    if ours != theirs:
        return f"we believe that {ours} rests (oid, price, leaves), the venue has {theirs}"
    unproven = [one.cloid for one in manager.open_orders.values() if one.phase is not Phase.RESTING]
    if unproven:
        return f"{unproven} rest at the venue, and we do not take that for proven"
    if manager.position != venue.position:
        return f"our position is {manager.position}, the venue's {venue.position}"
    return None


def convergence(world: World) -> list[Broken]:
    """Let a copy of the state run on without faults; returns how it fails to come to rest.

    Every request is executed, every question answered and everything said is heard, in order; the
    targets stay. Within `HEALED_CYCLES_MAX` cycles what rests must be what is wanted; halted,
    nothing must rest, and that must be known.
    """
    healed = world.clone()
    for _ in range(HEALED_CYCLES_MAX):
        _flush(healed)
        if healed.broken:
            return healed.broken
        # A request may have expired on its way; that is no fault of the healed world.
        healed.left = healed.setting.budgets
        healed.take(("cycle", healed.choice, ""))
    _flush(healed)
    if healed.broken:
        return healed.broken
    halted = healed.manager.is_halted
    both = () if halted else (*healed.wanted.bids, *healed.wanted.asks)
    wanted = sorted((target.price, target.qty) for target in both)
    resting = sorted((one.price, one.leaves) for one in healed.venue.resting())
    text = difference(healed)
    if text is None and halted and not healed.manager.nothing_rests:
        text = "nothing rests, and after a halt that is not taken for proven"
    if text is None and not _stands_for(resting, wanted, healed.watch.facts.rules):
        text = f"{resting} rests, {wanted} is wanted (price, size)"
    if text is None:
        return []
    sentence = f"without faults it comes to rest in {HEALED_CYCLES_MAX} cycles"
    return [Broken("convergence", sentence, healed.now, text)]


def _stands_for(
    resting: list[tuple[Price, Qty]], wanted: list[tuple[Price, Qty]], rules: Rules
) -> bool:
    """Say whether what rests is at the wanted prices, with sizes inside the size latch."""
    if [price for price, _ in resting] != [price for price, _ in wanted]:
        return False
    return all(
        abs(target - leaves) <= rules.size_latch * leaves
        for (_, leaves), (_, target) in zip(resting, wanted, strict=True)
    )


def arrival(world: World) -> Step | None:
    """Return the next step that only lets something arrive, None where nothing is on its way.

    Requests are executed first, then what was said is heard, then questions are answered.
    """
    venue = world.venue
    if venue.uplink:
        return "execute", 0, Verdict.GRANT.value
    for stream in STREAMS:
        if venue.streams[stream]:
            return "hear", stream, ""
    return ("look", 0, "") if world.queries else None


def _flush(world: World) -> None:
    """Let everything arrive until nothing is on its way."""
    for _ in range(_STEPS_MAX):
        step = arrival(world)
        if step is None:
            return
        world.take(step)
    raise AssertionError("a healed world must come to an end of what is on its way")
