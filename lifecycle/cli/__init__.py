"""The command line: `lifecycle`, one module of `lifecycle.cli.commands` a command."""

import click

from lifecycle.cli.group import Commands, version
from lifecycle.compiled import core_word

__all__ = ["main"]

EPILOG = """\b
Examples:
  lifecycle run                              before and after, on a generated market
  lifecycle run --market eth.csv.gz          the same on a recorded market
  lifecycle run --policy stable --levels 3   one policy, three levels a side
  lifecycle compare --ablation --seeds 3     what each layer contributes
  lifecycle sweep latch.parquet --vary bands.latch_bps=2,3,5,8 --seeds 1:50
                                             settings by seeds, to one table
  lifecycle init bot.toml                    a configuration that explains itself
  lifecycle verify                           explore every state of the order manager
  lifecycle audit run.journal                hold what happened to every promise
  lifecycle explain run.journal CLOID        the life of an order, with its numbers
  lifecycle replay run.journal --try latch_bps=4
                                             what another setting would have done
  lifecycle fleet runs postgresql://fleet@db/bots
                                             the runs of many bots, in one database
  lifecycle serve --speed 20                 the paper venue, behind Hyperliquid's wire
  lifecycle doctor --network testnet --coin ETH
                                             whether a live run could begin
  lifecycle run --venue hyperliquid --network testnet --coin ETH
                                             a dry run on a live market
  lifecycle capture --network mainnet --coin ETH --out hl_eth.csv.gz
                                             record one
  lifecycle run --json - | jq .summaries     the numbers, for a script

\b
Completion (bash; zsh and fish alike):
  eval "$(lifecycle completion bash)"

\b
Exit codes:
  0  done, what was checked held
  1  a check failed
  2  usage, or an input that cannot be used
"""


@click.group(
    "lifecycle",
    cls=Commands,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(version(), "--version", message=f"order-lifecycle %(version)s, {core_word()}")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Keep resting orders, do not churn them; and prove that it is so.

    An order manager for market-making bots: orders as state machines, kept in the queue as long
    as their price stays true. Start with: lifecycle run
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
