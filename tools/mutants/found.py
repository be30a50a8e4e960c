"""Where the explorer finds each seeded bug: the smallest budgets that show it.

Smallest: with one unit less of any kind the same story on the same venue has no finding, which a
test tries. Healing is off, so what finds a bug is an invariant over its trace, or that record and
venue disagree when all is quiet.
"""

from typing import Final

from msgspec import Struct, structs

from lifecycle.check.explore import Explored, explore
from lifecycle.check.world import Budgets, Setting
from tools.mutants.bugs import BUGS, Bug, seeded
from tools.mutants.settings import setting

FUSE: Final = 30_000
_NOTHING: Final = {"faults": 0, "target_changes": 0, "fills": 0}
KINDS: Final = ("faults", "target_changes", "crashes", "unasked", "fills")
"""What budgets here differ in; places are always two."""


class Where(Struct, frozen=True):
    """Where to look for a bug."""

    story: str
    venue: str
    budgets: Budgets

    @property
    def setting(self) -> Setting:
        """The world to explore."""
        return setting(self.story, self.venue, self.budgets)


def _where(story: str, venue: str, **budgets: int) -> Where:
    return Where(story, venue, Budgets(**{**_NOTHING, **budgets}))


# fmt: off
WHERE: Final[dict[str, Where]] = {
    "timeout_is_failure":             _where("move",   "replace", faults=1),
    "no_expiry_fence":                _where("move",   "replace", crashes=1),
    "cancel_reject_is_gone":          _where("stop",   "replace", target_changes=1, fills=1),
    "cancel_by_cid":                  _where("move",   "replace", fills=1),
    "match_response_by_cid":          _where("move",   "amend",   target_changes=1, fills=1),
    "no_dedupe":                      _where("move",   "replace", fills=1),
    "drop_unknown_oid_fill":          _where("move",   "replace", fills=1),
    "no_journal":                     _where("move",   "replace", crashes=1),
    "no_poll":                        _where("move",   "replace"),
    "no_idle_poll":                   _where("stop",   "replace", target_changes=1),
    "modify_reject_is_resting":       _where("move",   "replace", fills=1, unasked=1),
    "late_fill_dropped_after_cancel": _where("move",   "replace", fills=1, unasked=1),
    "replace_instead_of_modify":      _where("move",   "replace", fills=1),
    "no_tombstone":                   _where("move",   "replace", unasked=1),
    "modify_sends_original_qty":      _where("shrink", "replace", target_changes=1),
}
# fmt: on


class Row(Struct, frozen=True):
    """How a bug was found."""

    bug: Bug
    where: Where
    invariant: str
    length: int
    """Steps of a shortest path to it."""
    states: int
    """Explored until then."""
    what: str


def explored(bug: Bug, where: Where) -> Explored:
    """Explore a core with the bug until the first finding."""
    with seeded(bug):
        return explore(where.setting, fuse=FUSE, heal_every=0, stop=True)


def smaller(where: Where) -> list[Where]:
    """Return the same with one unit less, of each kind that there is any of."""
    budgets = where.budgets
    return [
        structs.replace(where, budgets=structs.replace(budgets, **{kind: count - 1}))
        for kind in KINDS
        if (count := getattr(budgets, kind))
    ]


def find(bug: Bug) -> Row:
    """Look for a bug where it is known to show; raises LookupError where it does not."""
    where = WHERE[bug.name]
    result = explored(bug, where)
    if not result.findings:
        raise LookupError(f"{bug.name} must be found within {where.budgets}, was not")
    finding = result.findings[0]
    broken = finding.broken
    return Row(bug, where, broken.invariant, len(finding.path), result.states, broken.what)


def find_all() -> list[Row]:
    """Look for every bug."""
    return [find(bug) for bug in BUGS]
