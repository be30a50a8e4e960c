"""The paper venue behind Hyperliquid's REST and websocket, on this machine alone.

`world` is the exchange: accounts on paper venues, driven block by block, without a socket or a
clock. `server` puts it behind the wire (aiohttp), in real time or faster. What lies between is
one idea a module: what is traded (`universe`), the market that all see (`tape`), what an account
owns (`account`), who may ask how often (`limits`, `nonces`), what goes wrong (`knobs`).
"""
