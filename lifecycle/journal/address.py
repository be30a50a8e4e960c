"""Where a fleet's journal is: a PostgreSQL URL, which may name a run, and is shown without secrets.

    postgresql://user@host/database?run=ID

Everything but `run` is PostgreSQL's own: user, password, hosts, certificates, and what is left out
comes from its variables and files (`PGPASSWORD`, `~/.pgpass`, `PGSERVICE`). A password in a URL can
be seen by others in the list of processes; here it is never shown again.
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from lifecycle.journal.base import JournalError

SCHEMES: Final = ("postgresql://", "postgres://")
SECRETS: Final = ("password", "sslpassword")
"""What of a URL's parameters is nobody's business."""
HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class Address:
    """A database with a fleet's journal, or one run in it."""

    url: str = field(repr=False)
    """As PostgreSQL reads it, secrets included."""
    run: str | None
    """The id of a run; None where none is named."""
    shown: str
    """The URL without secrets and parameters."""
    password: str = field(default="", repr=False)
    """As we read the URL; PostgreSQL must read the same, or it shows what it takes for a host."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What is hidden in the words of others."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read a URL; raises JournalError, which does not repeat it, where it is none."""
        scheme = next((one for one in SCHEMES if text.startswith(one)), None)
        if scheme is None:
            raise JournalError(
                "a fleet's journal must be a URL, as in postgresql://user@host/database, was none"
            )
        place, _, query = text.removeprefix(scheme).partition("?")
        # By the last @: in a password that should have been quoted there may be others.
        who, at, where = place.rpartition("@")
        user, _, password = who.partition(":")
        kept, secrets, run = [], [password], None
        for part in filter(None, query.split("&")):
            name, _, value = part.partition("=")
            if name == "run":
                run = unquote(value)
                continue
            kept.append(part)
            if name in SECRETS:
                secrets.append(value)
            if name == "password":
                password = value
        url = scheme + place + ("?" + "&".join(kept) if kept else "")
        known = {one for secret in secrets for one in (secret, unquote(secret)) if one}
        shown = f"{scheme}{user}{at}{where}"
        return cls(url, run, shown, unquote(password), tuple(sorted(known, key=len, reverse=True)))

    def __str__(self) -> str:
        """Return what may be shown of it."""
        return self.shown if self.run is None else f"{self.shown}?run={self.run}"

    def hide(self, text: str) -> str:
        """Return a text of somebody else's on one line, without our secrets."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return " ".join(text.split())


def is_address(text: str) -> bool:
    """Say whether a text means a fleet's journal rather than a file."""
    return text.startswith(SCHEMES)
