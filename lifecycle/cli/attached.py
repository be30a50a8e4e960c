"""What a run is recorded and watched by: journals, a log, metrics, a kill switch; by options."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import click

from exchange.instrument import Instrument
from exchange.venue import Capabilities
from lifecycle.cli import journals, output
from lifecycle.cli.errors import BadInput
from lifecycle.config import Config
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import Sink
from lifecycle.drive.recovery import Recovery, new_session, resume
from lifecycle.drive.switch import KillSwitch
from lifecycle.journal.address import Address
from lifecycle.journal.base import Header, Journal, JournalError
from lifecycle.journal.fleet import conninfo
from lifecycle.journal.forward import FleetJournal
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.observe.log import CycleLog
from lifecycle.observe.metrics import MetricsError, MetricsExporter
from lifecycle.observe.observer import Observer

_F = TypeVar("_F", bound=Callable[..., Any])

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


def attachments(function: _F) -> _F:
    """Give a command the options --journal, --forward, --log, --metrics and --kill-file."""
    for option in (
        click.option(
            "--kill-file",
            type=_FILE,
            metavar="FILE",
            help="The kill switch: when this file is there, everything is withdrawn, and the run "
            "ends when that is proven.",
        ),
        click.option(
            "--metrics",
            "metrics_port",
            type=click.IntRange(0, 65535),
            metavar="PORT",
            help="Serve Prometheus metrics on 127.0.0.1; needs the extra [metrics].",
        ),
        click.option(
            "--log",
            "log_file",
            type=_FILE,
            metavar="FILE",
            help="Append a JSON line for each cycle and each event.",
        ),
        click.option(
            "--forward",
            type=journals.fleet,
            metavar="URL",
            help="Have the journal's records copied to the fleet's journal, postgresql://…; needs "
            "the extra [postgres].",
        ),
        click.option(
            "--journal",
            "journal_file",
            type=_FILE,
            metavar="FILE",
            help="Record everything in a new file, for audit, explain and replay; a live run "
            "goes on with its own.",
        ),
    ):
        function = option(function)
    return function


class Attached:
    """Opens what was asked for, for one run, and closes it."""

    def __init__(
        self,
        *,
        journal_file: Path | None = None,
        log_file: Path | None = None,
        metrics_port: int | None = None,
        kill_file: Path | None = None,
        forward: Address | None = None,
    ) -> None:
        """Take the options as they were given; raises BadInput where they do not fit."""
        if forward is not None:
            _check_forward(forward, journal_file)
        self._journal_file = journal_file
        self._forward = forward
        self._log_file = log_file
        self._metrics_port = metrics_port
        self.switch = None if kill_file is None else KillSwitch(kill_file)
        self.sinks: tuple[Sink, ...] = ()
        self.observer: Observer | None = None
        self._stack = ExitStack()

    def __bool__(self) -> bool:
        """Say whether anything was asked for."""
        asked = (self._journal_file, self._log_file, self._metrics_port, self.switch)
        return any(one is not None for one in asked)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self._stack.close()

    def open(
        self,
        config: Config,
        instrument: Instrument,
        capabilities: Capabilities,
        policy: str,
        *,
        note: str = "",
        account: str = "",
    ) -> str:
        """Open what was asked for; returns the prefix of the run's cloids.

        `note` is what the journal says of the run, by default its policy; `account` is whose it
        is, for the fleet's journal. Raises BadInput where something cannot be had.
        """
        session = new_session()
        if self._journal_file is not None and self._journal_file.exists():
            raise BadInput(
                f"--journal {self._journal_file} must be a new file, was there already: choose "
                "another, only a live run goes on with its journal"
            )
        try:
            self._watch(instrument, policy, session)
            if self._journal_file is not None:
                header = Header.of_now(
                    session, instrument, capabilities, config, note=note or policy
                )
                self._write(SqliteJournal.create(self._journal_file, header), account)
        except (JournalError, MetricsError) as error:
            raise BadInput(str(error)) from error
        return session

    def resume(
        self, config: Config, policy: str, *, account: str = ""
    ) -> tuple[OrderManager, Recovery, Header]:
        """Open what was asked for, and go on with the journal that is there.

        Raises BadInput where something cannot be had, or where the journal is of other settings.
        """
        assert self._journal_file is not None, "only a journal is resumed"
        try:
            manager, journal, recovery = resume(self._journal_file, config=config)
            header = journal.header
            self._watch(header.instrument, policy, header.session)
            self._write(journal, account)
        except (JournalError, MetricsError) as error:
            raise BadInput(str(error)) from error
        return manager, recovery, header

    def _write(self, journal: Journal, account: str) -> None:
        if self._forward is not None:
            assert isinstance(journal, SqliteJournal), "a file is what is forwarded"
            journal = FleetJournal(journal, self._forward, account=account)
            self._stack.callback(self._say_what_is_left, journal)
            if self.observer is not None:
                self.observer.forwarding = journal
        self._stack.callback(journal.close)
        metrics = None if self.observer is None else self.observer.metrics
        append = journal.append if metrics is None else metrics.timed(journal.append)
        self.sinks = (append,)

    def _say_what_is_left(self, journal: FleetJournal) -> None:
        if journal.behind:
            output.progress(
                f"{journal.behind:,} records have not arrived in {self._forward}: they do after "
                f"the next start, or by lifecycle fleet send {self._journal_file} URL"
            )

    def _watch(self, instrument: Instrument, policy: str, session: str) -> None:
        if self._log_file is None and self._metrics_port is None:
            return
        log = metrics = None
        if self._metrics_port is not None:
            metrics = MetricsExporter(instrument, policy=policy, session=session)
            server = metrics.serve(self._metrics_port)
            self._stack.callback(server.close)
        if self._log_file is not None:
            log = CycleLog.open(self._log_file, instrument, policy=policy, session=session)
            self._stack.callback(log.close)
        self.observer = Observer(log, metrics)


def _check_forward(address: Address, journal_file: Path | None) -> None:
    """Raise BadInput where nothing can ever be forwarded; the database itself may come later."""
    if journal_file is None:
        raise BadInput("--forward must come with a journal to be forwarded, add --journal FILE")
    try:
        conninfo(address)
    except JournalError as error:
        raise BadInput(str(error)) from error
