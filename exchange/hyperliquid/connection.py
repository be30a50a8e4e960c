"""Where Hyperliquid is, and how its client is to behave there."""

import enum
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from exchange.units import MILLISECOND, Nanos

MAINNET_URL: Final = "https://api.hyperliquid.xyz"
TESTNET_URL: Final = "https://api.hyperliquid-testnet.xyz"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class VenueError(RuntimeError):
    """The venue cannot be used: one line says why, and what to do."""


class Network(Struct, frozen=True):
    """Where the venue is."""

    url: str
    """Without a slash at its end."""

    @property
    def is_mainnet(self) -> bool:
        """Whether signatures are the main network's; a server of our own takes the other's."""
        return self.url == MAINNET_URL

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, so that no proxy is between."""
        return urlsplit(self.url).hostname in LOOPBACK

    @property
    def websocket(self) -> str:
        """Where the stream is."""
        return "ws" + self.url.removeprefix("http") + "/ws"


MAINNET: Final = Network(MAINNET_URL)
TESTNET: Final = Network(TESTNET_URL)


def network_of(text: str) -> Network:
    """Return a network by name or URL; raises ValueError for any other text."""
    named = {"mainnet": MAINNET, "testnet": TESTNET}.get(text)
    if named is not None:
        return named
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"network must be mainnet, testnet or a URL, was {text!r}")
    return Network(text.rstrip("/"))


class Fence(enum.StrEnum):
    """Which requests carry their expiry, after which the venue no longer executes them."""

    NONE = "none"
    """What is late may still be executed; a doubt must be settled by its nonce."""
    PLACES = "places"
    CHANGES = "changes"
    """Places and modifies: what may add exposure. A late cancel does no harm."""
    ALL = "all"


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the client behaves.

    Raises:
        ValueError: a value is outside its range.

    """

    fence: Fence = Fence.CHANGES
    """A request that expires costs five; one that does not, nothing."""
    burns: bool = False
    """Settle an unknown outcome at once, by an action that does nothing under the same nonce. That
    this works follows from the venue's rules for nonces; nobody is known to have measured it."""
    cloids: bool = True
    """Whether the dex takes client order ids."""
    action_timeout_s: float = 5.0
    """After which the outcome of an action is unknown."""
    question_timeout_s: float = 5.0
    question_tries: int = 4
    look_lag_ms: int = 500
    """How far what the venue shows may be behind what it has done. A question is sent so much later
    than it was wanted, so that its answer is evidence for when it was wanted."""
    hold_ms: int = 300
    """How long a pushed word about an order waits for the answer to a request about the same, which
    mostly says it better."""
    fills_overlap_s: float = 10.0
    """By how much questions for fills reach back further than they need to."""
    ping_s: float = 15.0
    silence_s: float = 40.0
    """Without any message for so long, a connection is dead. The venue answers each ping."""
    ready_s: float = 10.0
    """In which a connection must be made and all its subscriptions acknowledged."""
    backoff_s_max: float = 20.0
    fast_book: bool = True
    """Five levels every half second, instead of twenty every five."""
    ip_weight: int = 1200
    """What this machine may ask a minute, all its processes together."""
    limits_s: float = 300.0
    """How often the account's requests are asked for."""
    keep_alive_s: float = 0.0
    """How long after the last sign of health the venue shall cancel everything; 0: never."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in (
            "action_timeout_s",
            "question_timeout_s",
            "question_tries",
            "ping_s",
            "silence_s",
            "ready_s",
            "backoff_s_max",
            "ip_weight",
            "limits_s",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, was {getattr(self, name)}")
        for name in ("look_lag_ms", "hold_ms", "fills_overlap_s", "keep_alive_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, was {getattr(self, name)}")
        if 0 < self.keep_alive_s < KEEP_ALIVE_S_MIN:
            raise ValueError(
                f"keep_alive_s must be 0 or {KEEP_ALIVE_S_MIN} at least, was {self.keep_alive_s}"
            )

    @property
    def look_lag(self) -> Nanos:
        """Return `look_lag_ms` in nanoseconds."""
        return self.look_lag_ms * MILLISECOND


KEEP_ALIVE_S_MIN: Final = 10.0
"""The venue takes no cancellation that is due within five seconds."""
