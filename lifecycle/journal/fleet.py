"""The fleet's journal: the runs of many bots, accounts and machines in one PostgreSQL database.

Two tables in the schema `lifecycle`. `run` has a row for each journal: its header, who writes it
and where, and how many of its records are here, with the checksum of the last. `record` has the
records, byte by byte as in the journal's file, so that they are held against the same chain of
checksums. What arrives, and how, is `lifecycle.journal.forward`'s.

`record` is partitioned by the day on which a run began (UTC). A journal can be read from its
beginning only, so a run lies in one partition, and a day is dropped when nothing of it has been
heard for as long as one wants to keep. Partitions are made when the first run of a day begins, or
ahead (`prepare`): then whoever forwards needs no right but to add.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from lifecycle.journal.address import Address
from lifecycle.journal.base import SCHEMA, JournalError, named
from lifecycle.journal.reading import Recording
from lifecycle.journal.tail import Row

if TYPE_CHECKING:
    import psycopg

    Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

DAY: Final = timedelta(days=1)
BATCH: Final = 1000
"""Rows read at a time."""
LOCK_ID: Final = 0x4F4C4331
"""Of the advisory lock under which tables are made."""
LOCK_TIMEOUT: Final = "10s"
"""For which a statement waits for others, before it gives up and is tried again later."""
DEFAULTS: Final = {
    "application_name": "order-lifecycle",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Of a connection, where the URL does not say otherwise: who has gone is noticed in seconds."""

_LAYOUT: Final = (
    "CREATE SCHEMA IF NOT EXISTS lifecycle",
    """CREATE TABLE IF NOT EXISTS lifecycle.run (
        id text PRIMARY KEY,
        day date NOT NULL,
        account text NOT NULL,
        machine text NOT NULL,
        created timestamptz NOT NULL,
        header json NOT NULL,
        records bigint NOT NULL,
        crc bigint NOT NULL,
        heard timestamptz NOT NULL DEFAULT now(),
        closed boolean NOT NULL DEFAULT false
    )""",
    "CREATE INDEX IF NOT EXISTS run_day ON lifecycle.run (day)",
    """CREATE TABLE IF NOT EXISTS lifecycle.record (
        day date NOT NULL,
        run text NOT NULL,
        seq bigint NOT NULL,
        crc bigint NOT NULL,
        body bytea NOT NULL,
        PRIMARY KEY (run, seq, day)
    ) PARTITION BY RANGE (day)""",
)


class FleetError(JournalError):
    """The database does not do what it was asked to: it is away, or we may not."""


class Run(Struct, frozen=True, kw_only=True):
    """What is known of a run, without its records."""

    id: str
    account: str
    """Whose orders they are; empty where nobody said."""
    machine: str
    """Which forwards it, or did last."""
    instrument: str
    """Its symbol; how many and which, where it is a portfolio's."""
    note: str
    created: datetime
    records: int
    heard: datetime
    """When the last of them arrived, by the database's clock."""
    closed: bool
    """Whether it ended in order, and is here as a whole."""


class Pruned(Struct, frozen=True):
    """A day that is gone, or would be."""

    day: date
    runs: int
    records: int


# The connection.


def conninfo(address: Address) -> str:
    """Return how to connect; raises FleetError where the extra is missing or the URL is none."""
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict, make_conninfo
    except ImportError as error:
        raise FleetError(
            "a fleet's journal needs an extra: pip install 'order-lifecycle[postgres]'"
        ) from error
    refused = (
        f"{address} must be a URL that PostgreSQL can read, was not: quote what is special in it, "
        "as %40 for @"
    )
    try:
        read = conninfo_to_dict(address.url)
    except ProgrammingError:
        # Its text may repeat what stands where a host was expected, a password even.
        raise FleetError(refused) from None
    if read.get("password", "") != address.password:
        raise FleetError(refused)
    return make_conninfo("", **{**DEFAULTS, **read})


@contextmanager
def connected(address: Address) -> Iterator["Connection"]:
    """Connect for what runs inside; raises FleetError for every error of the database's."""
    target = conninfo(address)
    import psycopg

    try:
        # No prepared statements: between us and the server may be a pool that has none.
        with psycopg.connect(target, autocommit=True, prepare_threshold=None) as connection:
            connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            yield connection
    except psycopg.Error as error:
        missing = isinstance(
            error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName
        )
        raise FleetError(
            f"{address} must have a fleet's journal, has none yet: forward a run to it, or make "
            "one with lifecycle fleet prepare"
            if missing
            else f"{address} must take what it is asked, did not: {address.hide(str(error))}"
        ) from error


# The tables.


def prepare(address: Address, days: int = 0) -> list[date]:
    """Make the tables, and the partitions of today and so many days after it.

    Returns the days that are new. Raises FleetError.
    """
    today = datetime.now(UTC).date()
    with connected(address) as connection:
        wanted = [today + number * DAY for number in range(days + 1)]
        return [day for day in wanted if make_partition(connection, day)]


def make_partition(connection: "Connection", day: date) -> bool:
    """Make the partition of a day, and whatever it needs, where it is missing; say whether."""
    name = _partition(day)
    if _exists(connection, name):
        return False
    with connection.transaction():
        # Two at a time would meet in the catalogue, whatever IF NOT EXISTS says.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_ID,))
        if _exists(connection, name):
            return False
        if not _exists(connection, "lifecycle.record"):
            for statement in _LAYOUT:
                connection.execute(statement)
        connection.execute(
            f"CREATE TABLE {name} PARTITION OF lifecycle.record "
            f"FOR VALUES FROM ('{day}') TO ('{day + DAY}')"
        )
    return True


def prune(address: Address, keep_days: int, *, dry: bool = False) -> list[Pruned]:
    """Drop the days of whose runs none has been heard for so long; `dry`: only say which.

    A run that still goes on keeps its day, however old. Raises FleetError.
    """
    found = []
    with connected(address) as connection:
        rows = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = "
            "'lifecycle.record'::regclass AND inhrelid::regclass::text ~ 'record_[0-9]{8}$' "
            "ORDER BY 1"
        ).fetchall()
        today = datetime.now(UTC).date()
        for (name,) in rows:
            day = datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()
            # What was made ahead, or begins just now, is not old.
            if day < today - keep_days * DAY:
                with connection.transaction():
                    found += _prune_day(connection, day, keep_days, dry=dry)
    return found


def _prune_day(connection: "Connection", day: date, keep_days: int, *, dry: bool) -> list[Pruned]:
    rows = connection.execute(
        "SELECT records, heard > now() - make_interval(days => %s) FROM lifecycle.run "
        "WHERE day = %s FOR UPDATE",
        (keep_days, day),
    ).fetchall()
    if any(is_alive for _, is_alive in rows):
        return []
    if not dry:
        connection.execute(f"DROP TABLE {_partition(day)}")
        connection.execute("DELETE FROM lifecycle.run WHERE day = %s", (day,))
    return [Pruned(day, len(rows), sum(records for records, _ in rows))]


def _partition(day: date) -> str:
    return f"lifecycle.record_{day:%Y%m%d}"


def _exists(connection: "Connection", table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return row is not None and bool(row[0])


# Reading.


def list_runs(address: Address, account: str | None = None) -> list[Run]:
    """Return all runs, or those of an account, the newest first; raises FleetError."""
    with connected(address) as connection:
        rows = connection.execute(
            "SELECT id, account, machine, header->'instrument'->>'symbol', header->>'note', "
            "created, records, heard, closed, "
            "jsonb_path_query_array(header::jsonb, '$.portfolio[*].symbol') FROM lifecycle.run "
            "WHERE %s::text IS NULL OR account = %s ORDER BY created DESC, id",
            (account, account),
        ).fetchall()
    return [_run(row) for row in rows]


def _run(row: tuple[Any, ...]) -> Run:
    *values, symbols = row
    run = Run(**dict(zip(Run.__struct_fields__, values, strict=True)))
    return replace(run, instrument=f"{len(symbols)}: {named(symbols)}") if symbols else run


class FleetRecording(Recording):
    """What a fleet's journal holds of a run, as far as it had arrived when this was made."""

    def __init__(self, address: Address) -> None:
        """Look the run up; raises JournalError where there is none, or none that can be read."""
        if address.run is None:
            raise JournalError(
                f"{address} must say which run, add ?run=ID; `lifecycle fleet runs` lists them"
            )
        with connected(address) as connection:
            row = connection.execute(
                "SELECT day, header::text, records, closed, heard FROM lifecycle.run WHERE id = %s",
                (address.run,),
            ).fetchone()
        if row is None:
            raise JournalError(
                f"{address} must name a run of this fleet, does not; `lifecycle fleet runs` "
                "lists them"
            )
        self.address = address
        self._day: date = row[0]
        self.count: int = row[2]
        """How many records have arrived."""
        self.closed: bool = row[3]
        """Whether the run ended in order, and is here as a whole."""
        self.heard: datetime = row[4]
        """When the last of them arrived, by the database's clock."""
        super().__init__(address, address.run, row[1].encode())
        if self.header.schema != SCHEMA:
            raise JournalError(
                f"{address} must have schema {SCHEMA}, was {self.header.schema}: "
                "read it with the version of order-lifecycle that wrote it"
            )

    def _stored(self) -> Iterator[Row]:
        count = 0
        with connected(self.address) as connection:
            while count < self.count:
                # With the day, so that one partition is looked into.
                rows = connection.execute(
                    "SELECT seq, crc, body FROM lifecycle.record WHERE day = %s AND run = %s "
                    "AND seq >= %s AND seq < %s ORDER BY seq LIMIT %s",
                    (self._day, self.address.run, count, self.count, BATCH),
                ).fetchall()
                if not rows:
                    return
                yield from rows
                count += len(rows)

    def _missing(self, count: int) -> str | None:
        if count == self.count:
            return None
        return f"{self.count} records had arrived, of which {count} are here"
