"""The admin endpoints: the truth for those who judge, and the knobs.

    GET  /admin/truth        every order, fill and position of every account, what has gone wrong
    GET  /admin/faults       the knobs, and how often each fault has struck
    POST /admin/faults       turn knobs, an object such as {"lost_acks": 0.05}
    POST /admin/disconnect   break all websockets, now
    POST /admin/cancel       cancel whatever an account has resting, for a reason of the venue's
                             own, {"user": "0x…", "status": "…"}, by the word that it has for it

There is no password: the server listens on this machine only, and a web page of elsewhere is kept
out because only `application/json` is taken.
"""

from typing import Annotated, Any, Final, TypeVar

from aiohttp import web
from msgspec import DecodeError, Meta, Struct, ValidationError, json, to_builtins

from exchange.hyperliquid.served.account import Account
from exchange.hyperliquid.served.hub import Hub
from exchange.hyperliquid.served.info import rate_limit
from exchange.hyperliquid.served.knobs import Faults
from exchange.hyperliquid.served.orders import money, sz
from exchange.hyperliquid.served.world import World

_T = TypeVar("_T")

JSON: Final = "application/json"


class Cancelling(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose orders are cancelled, and with which of the venue's words."""

    user: str
    status: Annotated[str, Meta(pattern="^[a-z][A-Za-z]*Cancel(ed)?$")] = "marginCanceled"


class Admin:
    """Answers under `/admin`."""

    def __init__(self, world: World, hub: Hub, faults: Faults) -> None:
        self._world: Final = world
        self._hub: Final = hub
        self._faults: Final = faults

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/admin/truth", self._truth)
        app.router.add_get("/admin/faults", self._show)
        app.router.add_post("/admin/faults", self._turn)
        app.router.add_post("/admin/disconnect", self._disconnect)
        app.router.add_post("/admin/cancel", self._cancel)

    async def _truth(self, request: web.Request) -> web.Response:
        del request
        return _response(truth(self._world, self._faults))

    async def _show(self, request: web.Request) -> web.Response:
        del request
        return _response(self._knobs())

    def _knobs(self) -> dict[str, Any]:
        return {"knobs": to_builtins(self._faults.knobs), "counts": dict(self._faults.counts)}

    async def _turn(self, request: web.Request) -> web.Response:
        changes = await _body(request, dict[str, float])
        try:
            self._faults.knobs = self._faults.knobs.but(**changes)
        except ValueError as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from error
        return _response(self._knobs())

    async def _disconnect(self, request: web.Request) -> web.Response:
        await _body(request, dict[str, float])
        broken = len(self._hub.sockets)
        self._hub.break_all()
        return _response({"broken": broken})

    async def _cancel(self, request: web.Request) -> web.Response:
        what = await _body(request, Cancelling)
        account = self._world.look(what.user)
        cancelled = [order.oid for order in account.open_orders()]
        # It is pushed with the next block.
        account.cancel_all(what.status, self._world.now)
        return _response({"cancelled": cancelled})


async def _body(request: web.Request, kind: type[_T]) -> _T:
    """Read what was posted; a web page of elsewhere cannot say that it is JSON."""
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType(text=f"content type must be {JSON}")
    try:
        return json.decode(await request.read(), type=kind)
    except ValidationError as error:
        raise web.HTTPUnprocessableEntity(text=f"the body must fit: {error}") from error
    except DecodeError as error:
        raise web.HTTPBadRequest(text=f"the body must be JSON: {error}") from error


def truth(world: World, faults: Faults) -> dict[str, Any]:
    """Return what is so, whatever anybody was told."""
    return {
        "market_ns": world.now.at,
        "time": world.now.ms,
        "blocks": world.blocks,
        "accounts": {address: _account(account) for address, account in world.accounts.items()},
        "refusals": dict(world.refusals),
        "faults": dict(faults.counts),
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "orders": [order.record() for order in account.orders.values()],
        "open": [order.basic() for order in account.open_orders()],
        "fills": account.fills,
        "positions": {h.asset.coin: sz(h.asset, h.size) for h in account.holdings.values()},
        "equity": money(account.equity()),
        "rate_limit": rate_limit(account),
        "repeated_cloids": account.repeated,
    }


def _response(plain: Any) -> web.Response:
    return web.Response(body=json.encode(plain), content_type=JSON)
