"""What a sweep varies, as the command line says it: `bands.latch_bps=3,5,10`, and `1:50` for seeds.

Any key of the configuration file that acts on a run can be varied; what says which market it is
has options of its own. Values are written as in `lifecycle.cli.setting`, several with commas
between them; a list keeps its brackets.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import structs

from lifecycle.cli.configuration import ConfigError, check
from lifecycle.cli.setting import resolved, value_of
from lifecycle.run.config import RunConfig
from lifecycle.sweep.plan import KeyPath, Setting, Varied, settings_of

OWN_OPTIONS: Final = "market"
"""The table that --market, --seeds and --minutes stand for."""
SEEDS_MAX: Final = 1_000_000

_KINDS: Final = {
    (table.encode_name, field.encode_name): field.type
    for table in structs.fields(RunConfig)
    for field in structs.fields(table.type)
    if table.encode_name != OWN_OPTIONS
}
_SEEDS: Final = re.compile(r"([0-9]+)(?::([0-9]+))?")
_COMMA: Final = re.compile(r",(?![^\[]*\])")
"""Between two values; others stand inside a list."""


def seeds_of(text: str) -> range:
    """Read `FIRST:LAST`, or one seed; raises ConfigError."""
    found = _SEEDS.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last < first + SEEDS_MAX:
        raise ConfigError(f"--seeds must be FIRST:LAST, as 1:50, or one seed, was {text!r}")
    return range(first, last + 1)


def varied_of(texts: Iterable[str]) -> list[Varied]:
    """Read what is varied, one key a text; raises ConfigError."""
    found: dict[KeyPath, Varied] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not key.strip() or not values.strip():
            raise ConfigError(f"--vary must be written KEY=VALUE,VALUE, was {text!r}")
        path = _resolved(key.strip())
        if path in found:
            raise ConfigError(f"--vary must name {'.'.join(path)} once, was twice", key=key)
        read = [value_of(value.strip(), _KINDS[path], path) for value in _COMMA.split(values)]
        twice = next((value for index, value in enumerate(read) if value in read[:index]), None)
        if twice is not None:
            raise ConfigError(f"--vary must give each value once, was {twice} twice", key=key)
        found[path] = Varied(path, tuple(read))
    return list(found.values())


def sensible(
    config: RunConfig, policies: Sequence[str], varied: Sequence[Varied]
) -> tuple[list[Setting], list[ConfigError]]:
    """Return every combination that makes sense, and what is wrong with each of the others.

    Raises ConfigError where a value makes sense with none of the others: it is a slip.
    """
    found: list[Setting] = []
    wrong: list[tuple[Setting, ConfigError]] = []
    for setting in settings_of(config, policies, varied):
        try:
            check(setting.config)
        except ConfigError as error:
            wrong.append((setting, error))
        else:
            found.append(setting)
    used = {(index, repr(value)) for one in found for index, value in enumerate(one.values)}
    for setting, problem in wrong:
        if not found or not used.issuperset(enumerate(map(repr, setting.values))):
            raise problem
    return found, [problem for _, problem in wrong]


def _resolved(key: str) -> KeyPath:
    if key.partition(".")[0] == OWN_OPTIONS:
        raise ConfigError(f"{key} must be said with --market, --seeds or --minutes", key=key)
    return resolved(key, _KINDS, "the configuration", "see lifecycle init for all of them")
