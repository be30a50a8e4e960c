"""`lifecycle doctor`: whether a live run could begin, and what it would find."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import to_builtins

from lifecycle.cli import output, venue_options
from lifecycle.cli.configuration import read_config
from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput, explained
from lifecycle.cli.key_source import find_key
from lifecycle.cli.needs import needs_hyperliquid
from lifecycle.drive.prefixes import prefixes_of
from lifecycle.journal.base import JournalError
from lifecycle.journal.reading import read_journal
from lifecycle.run.config import RunConfig

if TYPE_CHECKING:
    from lifecycle.run.checkup import Finding, Patient

EPILOG: Final = """\b
Examples:
  lifecycle doctor --network testnet --coin ETH
  lifecycle doctor --network mainnet --coin ETH --config bot.toml --account 0x... \\
    --keystore agent.json
  lifecycle doctor --network testnet --coin ETH --json - | jq '.findings[] | select(.todo != "")'

\b
Exit codes: 0 nothing failed (warnings are no failures), 1 something did, 2 usage.
"""


@click.command("doctor", epilog=EPILOG)
@click.option(
    "--venue",
    type=click.Choice(["hyperliquid"]),
    default="hyperliquid",
    show_default=True,
    help="Where to look.",
)
@venue_options.market_options
@venue_options.account_options
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="What would be run.",
)
@click.option(
    "--journal",
    "journal_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    metavar="FILE",
    help="Of a run before: its open orders are told from those of others.",
)
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the findings to a file; - for stdout and nothing else there.",
)
def command(
    venue: str,
    network: str | None,
    coin: str | None,
    account: str | None,
    vault: str | None,
    keystore: Path | None,
    config_file: Path | None,
    journal_file: Path | None,
    json_target: str | None,
) -> int:
    """Look at everything that a live run needs; send nothing.

    Connection, latency and clocks; the market; account, key, quota, position, open orders; the
    guards of the configuration; and one decision: what would be placed now. A line each.
    """
    del venue
    with needs_hyperliquid("doctor"):
        from lifecycle.run.checkup import Patient, Verdict

    with explained():
        config = RunConfig() if config_file is None else read_config(config_file)
    key = find_key(keystore)
    patient = Patient(
        network=venue_options.network(network),
        coin=venue_options.coin(coin),
        config=config,
        is_configured=config_file is not None,
        account=venue_options.address("--account", account),
        vault=venue_options.address("--vault", vault),
        signer=None if key is None else key.address,
        prefixes=frozenset() if journal_file is None else _prefixes(journal_file),
    )
    output.check_target("--json", json_target)
    findings = asyncio.run(_look(patient, echo=json_target != output.STDOUT))
    failed = any(finding.verdict is Verdict.FAIL for finding in findings)
    if json_target is not None:
        content = {"ok": not failed, "findings": [to_builtins(finding) for finding in findings]}
        output.write(json.dumps(content, indent=2, ensure_ascii=False), json_target)
    return CHECK_FAILED if failed else HELD


def _prefixes(journal: Path) -> frozenset[str]:
    try:
        return prefixes_of(read_journal(journal))
    except JournalError as error:
        raise BadInput(str(error)) from error


async def _look(patient: "Patient", *, echo: bool) -> "list[Finding]":
    from lifecycle.run.checkup import examine

    findings = []
    async for finding in examine(patient):
        findings.append(finding)
        if echo:
            click.echo(f"{finding.verdict.value:<5} {finding.name:<12} {finding.what}")
            if finding.todo:
                click.echo(f"{'':<18} → {finding.todo}")
    return findings
