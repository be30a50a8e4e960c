"""What a command needs that not everybody has installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from lifecycle.cli.errors import BadInput


@contextmanager
def needs_hyperliquid(command: str) -> Iterator[None]:
    """Import inside; raises BadInput where a package of the extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BadInput(
            f"{command} needs {error.name}, install it: pip install 'order-lifecycle[hyperliquid]'"
        ) from error
