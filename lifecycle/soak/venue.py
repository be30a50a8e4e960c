"""A paper venue in a process of its own, for bots that are killed."""

import socket
import sys

from msgspec import Struct, json

from exchange.paper.faults import Faults, mix
from exchange.paper.faults.plan import FaultPlan
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.latency import LATENCIES
from exchange.paper.remote import HOST, serve
from exchange.paper.venue import PaperVenue
from exchange.venue import Capabilities


class House(Struct, frozen=True):
    """What a venue is started with."""

    seed: int
    faults: bool = False
    """Whether the venue has a random mix of faults besides what its clients suffer."""
    amends: bool = False


def main(house: House) -> None:
    """Open a venue, say on the standard output where it listens, and serve until told to stop."""
    listener = socket.create_server((HOST, 0))
    venue = PaperVenue(
        GENERATED,
        generate(GeneratorConfig(), house.seed),
        latency=LATENCIES["fast"],
        seed=house.seed,
        capabilities=Capabilities(modify_keeps_oid=house.amends, qty_is_total=house.amends),
        faults=Faults(mix(house.seed) if house.faults else FaultPlan(), house.seed),
    )
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    serve(venue, listener)


if __name__ == "__main__":
    main(json.decode(sys.argv[1], type=House))
