"""The journal: every input of a run and what came of it, kept so that nothing is lost.

A record is appended after the manager has decided and before anything is sent, so whatever the
venue ever heard from us is in the journal. Because the manager is a function of its inputs, the
records alone restore it (`lifecycle.trace.replay`).

`base` says what a journal is, `memory` keeps one in memory, `sqlite` in a file, `reading` reads
such a file, also a damaged one or one that is being written; `encoding` is how records become
bytes, `tail` the small file beside a journal that nobody has closed. `forward` copies what a file
has to `fleet`, the journals of many bots in one PostgreSQL database, whose `address` is a URL.
"""

from lifecycle.journal.base import SCHEMA, Damage, Header, Journal, JournalError
from lifecycle.journal.memory import MemoryJournal
from lifecycle.journal.reading import Recording, read_journal
from lifecycle.journal.sqlite import SqliteJournal

__all__ = [
    "SCHEMA",
    "Damage",
    "Header",
    "Journal",
    "JournalError",
    "MemoryJournal",
    "Recording",
    "SqliteJournal",
    "read_journal",
]
