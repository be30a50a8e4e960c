"""The end-to-end check: it holds for what happened, and complains of whatever else."""

import argparse
import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

pytest.importorskip("aiohttp", reason="needs the extra hyperliquid")
pytest.importorskip("eth_account", reason="needs the extra hyperliquid")

from exchange.hyperliquid.keystore import new_secret
from exchange.hyperliquid.signing import Key
from tools.e2e import NO_FILLS, compare, fetch, served, trade

SPEEDS: Final = (40.0, 20.0, 10.0)
Ran = tuple[list[str], Path, dict[str, Any], str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run eight market minutes with faults, at forty times their speed if the machine keeps up.

    On a busy one requests expire on their way, so that nothing rests for long, and nothing fills.
    """
    for speed in SPEEDS[:-1]:
        found = _run(tmp_path_factory.mktemp("e2e"), speed)
        if found[0] != [NO_FILLS]:
            return found
    return _run(tmp_path_factory.mktemp("e2e"), SPEEDS[-1])


def _run(folder: Path, speed: float) -> Ran:
    given = argparse.Namespace(market=None, minutes=8.0, speed=speed, seed=2, disconnect_every=60.0)
    path, key = folder / "e2e.journal", Key(new_secret())
    with served(given) as url:
        complaints = asyncio.run(trade(url, key, path, given))
        return complaints, path, fetch(f"{url}/admin/truth"), key.address.lower()


def test_through_faults_nothing_is_lost_and_the_records_agree(ran: Ran) -> None:
    complaints, path, truth, address = ran

    assert complaints == []
    assert compare(path, truth, address) == []
    assert truth["faults"]


def _no_fill(account: dict[str, Any]) -> None:
    del account["fills"][0]


def _another_fill(account: dict[str, Any]) -> None:
    account["fills"].append({**account["fills"][0], "tid": 1})


def _other_price(account: dict[str, Any]) -> None:
    account["fills"][0]["px"] = "1.0"


def _open_order(account: dict[str, Any]) -> None:
    account["open"].append({"oid": 1})


def _unknown_order(account: dict[str, Any]) -> None:
    account["orders"].append({"order": {"cloid": "0x" + "1" * 32}})


def _other_position(account: dict[str, Any]) -> None:
    account["positions"]["ETH"] = "77"


@pytest.mark.parametrize(
    ("lie", "complaint"),
    [
        (_no_fill, "every fill must have been"),
        (_another_fill, "every fill must be heard of"),
        (_other_price, "fills must be as they were"),
        (_open_order, "nothing must rest"),
        (_unknown_order, "every order must be in the journal"),
        (_other_position, "the position must be 770000 lots"),
    ],
)
def test_whatever_differs_is_complained_of(
    ran: Ran, lie: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    _, path, truth, address = ran
    changed = copy.deepcopy(truth)
    lie(next(one for name, one in changed["accounts"].items() if name.lower() == address))

    found = compare(path, changed, address)

    assert len(found) == 1
    assert complaint in found[0]
