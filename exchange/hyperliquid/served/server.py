"""The server: `/info`, `/exchange` and `/ws` on 127.0.0.1, in real time or faster.

A loop plays one block after the other; whatever is asked meanwhile waits for its time. The admin
endpoints exist only where they are asked for: they tell the truth, and turn the knobs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from aiohttp import WSMsgType, web
from msgspec import DecodeError, Raw, ValidationError, json

from exchange.hyperliquid.served.actions import items
from exchange.hyperliquid.served.admin import Admin
from exchange.hyperliquid.served.clock import MarketClock
from exchange.hyperliquid.served.hub import Hub, Socket
from exchange.hyperliquid.served.info import Failed, Informant
from exchange.hyperliquid.served.knobs import Faults, Knobs
from exchange.hyperliquid.served.limits import (
    IP_WEIGHT,
    Bucket,
    action_weight,
    info_weight,
    rows_weight,
)
from exchange.hyperliquid.served.world import Terms, Ticket, World
from exchange.hyperliquid.wire import REQUESTS, ExchangeReply, ExchangeRequest
from exchange.hyperliquid.wire_info import QUESTIONS, InfoRequest
from exchange.hyperliquid.wire_socket import (
    AnsweredAction,
    AnsweredError,
    AnsweredInfo,
    InfoPayload,
    Post,
    PostAnswer,
    PostedAction,
    PostMessage,
)
from exchange.instrument import Instrument
from exchange.paper.latency import FAST_FEED, Quantiles
from exchange.units import MILLISECOND, Nanos

HOST: Final = "127.0.0.1"
IDLE_S: Final = 60.0
"""A websocket that was sent nothing for so long, by the wall clock, is closed."""
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Served:
    """A market to serve."""

    instrument: Instrument
    coin: str
    rows: Callable[[], Any]
    """Makes the rows, in the order of exchange time."""
    start: Nanos


@dataclass(frozen=True, slots=True)
class Manner:
    """How the server behaves, the venue's own terms apart."""

    speed: float = 1.0
    push_delay: Quantiles = FAST_FEED
    ip_weight: int = IP_WEIGHT
    """Weight a minute for each network address; 0 takes off all limits by address."""
    has_admin: bool = False
    knobs: Knobs = field(default_factory=Knobs)


class RefusedError(Exception):
    """A request is answered by an HTTP error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status: Final = status
        self.text: Final = text


class LostError(Exception):
    """A request gets no answer: its connection is closed."""


TOO_MANY: Final = "null"
"""The body that goes with 429."""


class Server:
    """A served venue; belongs to one event loop from `start` on."""

    def __init__(self, served: Served, terms: Terms, manner: Manner) -> None:
        """Prepare; raises ValueError where the market is not such as Hyperliquid's are."""
        self.manner: Final = manner
        self.clock: Final = MarketClock(served.start, manner.speed)
        self.world: Final = World(
            served.instrument,
            served.coin,
            served.rows(),
            served.start,
            terms,
            self.clock.wall_ms,
            manner.speed,
        )
        self.faults: Final = Faults(manner.knobs, terms.seed)
        self.port = 0
        """Where it listens, known after `start`."""
        limited = manner.ip_weight > 0
        self._hub: Final = Hub(self.world, self.faults, manner.push_delay, is_limited=limited)
        self._informant: Final = Informant(
            self.world, lambda: self.faults.knobs.lookup_lag_ms / manner.speed
        )
        self._random: Final = Random(f"server {terms.seed}")  # noqa: S311 - a simulation
        self._buckets: Final[dict[str, Bucket]] = {}
        self._waiting: Final[dict[Ticket, asyncio.Future[None]]] = {}
        self._posts: Final[set[asyncio.Task[None]]] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What clients call the base URL."""
        return f"http://{HOST}:{self.port}"

    async def start(self, port: int) -> None:
        """Listen; raises OSError where the port is taken. Port 0 takes a free one."""
        app = web.Application()
        app.router.add_post("/info", self._info)
        app.router.add_post("/exchange", self._exchange)
        app.router.add_get("/ws", self._socket)
        if self.manner.has_admin:
            Admin(self.world, self._hub, self.faults).add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]

    async def run(self, is_over: Callable[[], object]) -> None:
        """Play one block after the other until it is over; then leave."""
        try:
            while not is_over():
                await asyncio.sleep(self.clock.wall_seconds_until(self.world.draw_block()))
                self._block()
        finally:
            await self._leave()

    def _block(self) -> None:
        block = self.world.block(max(self.clock.now(), self.world.now.at))
        for ticket in block.executed:
            waiting = self._waiting.pop(ticket, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
        self._hub.tell(block)
        self._hub.flush()

    async def _leave(self) -> None:
        for socket in tuple(self._hub.sockets):
            socket.close()
        for waiting in self._waiting.values():
            waiting.cancel()
        for task in tuple(self._posts):
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    # REST.

    async def _info(self, request: web.Request) -> web.StreamResponse:
        question = partial(self._read, request, QUESTIONS.decode)
        return await self._respond(request, question, self._answer_info)

    async def _exchange(self, request: web.Request) -> web.StreamResponse:
        posted = partial(self._read, request, REQUESTS.decode)
        return await self._respond(request, posted, self._answer_action)

    async def _respond(
        self,
        request: web.Request,
        read: Callable[[], Awaitable[Any]],
        answer: Callable[[Any, str], Awaitable[bytes]],
    ) -> web.StreamResponse:
        """Answer a request, refuse it, or let its connection die."""
        try:
            body = await answer(await read(), request.remote or "")
        except RefusedError as refusal:
            kind = JSON if refusal.text == TOO_MANY else "text/plain"
            return web.Response(status=refusal.status, text=refusal.text, content_type=kind)
        except LostError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(body=body, content_type=JSON)

    @staticmethod
    async def _read(request: web.Request, decode: Callable[[bytes], Any]) -> Any:
        if request.content_type != JSON:
            raise RefusedError(415, f"Expected request with `Content-Type: {JSON}`")
        try:
            return decode(await request.read())
        except ValidationError as error:
            what = "Failed to deserialize the JSON body into the target type"
            raise RefusedError(422, f"{what}: {error}") from error
        except (DecodeError, UnicodeDecodeError) as error:
            what = "Failed to parse the request body as JSON"
            raise RefusedError(400, f"{what}: {error}") from error

    async def _answer_info(self, question: InfoRequest, ip: str) -> bytes:
        kind = str(question.__struct_config__.tag)
        self._weigh(ip, info_weight(kind))
        if self.faults.strikes("errors_before"):
            raise RefusedError(502, "Bad Gateway")
        query = self.world.terms.latency.query
        whole = query.draw(self._random) + self._added()
        await self._until(self.clock.now() + whole // 2)
        answer = self._informant.answer(question)
        if isinstance(answer, Failed):
            raise RefusedError(answer.status, "null")
        if isinstance(answer, list):
            extra = rows_weight(kind, len(answer))
            if extra and self.manner.ip_weight:
                self._buckets[ip].charge(extra, self.clock.now())
        body = json.encode(answer)
        await self._until(self.clock.now() + whole - whole // 2)
        return body

    async def _answer_action(self, posted: ExchangeRequest, ip: str) -> bytes:
        return json.encode(await self._reply(posted, ip))

    async def _reply(self, posted: ExchangeRequest, ip: str) -> ExchangeReply:
        """Have an action executed, and wait until its answer is here."""
        faults = self.faults
        self._weigh(ip, action_weight(items(posted.action)))
        if faults.strikes("errors_before"):
            raise RefusedError(502, "Bad Gateway")
        if faults.strikes("lost_requests"):
            raise LostError
        is_lost, has_error = faults.strikes("lost_acks"), faults.strikes("errors_after")
        ticket = self.world.submit(posted, self.clock.now(), self._added())
        executed = self._waiting[ticket] = asyncio.get_running_loop().create_future()
        await executed
        await self._until(ticket.answers_at)
        if is_lost:
            raise LostError
        if has_error:
            raise RefusedError(502, "Bad Gateway")
        assert ticket.reply is not None, "executed tickets have replies"
        return ticket.reply

    def _added(self) -> Nanos:
        return round(self.faults.knobs.latency_ms * MILLISECOND)

    def _weigh(self, ip: str, weight: int) -> None:
        """Use weight of a network address; raises RefusedError where there is none left."""
        now = self.clock.now()
        bucket = self._buckets.get(ip)
        if bucket is None:
            bucket = self._buckets[ip] = Bucket(self.manner.ip_weight, now)
        if self.faults.strikes("too_many") or not bucket.take(weight, now):
            raise RefusedError(429, TOO_MANY)

    async def _until(self, market: Nanos) -> None:
        seconds = self.clock.wall_seconds_until(market)
        if seconds:
            await asyncio.sleep(seconds)

    # The websocket.

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None, "a request has come over something"
        socket = Socket(request.remote or "", transport.abort)
        if not self._hub.join(socket):
            return web.Response(status=429, text=TOO_MANY, content_type=JSON)
        answer = web.WebSocketResponse()
        sender: asyncio.Task[None] | None = None
        try:
            await answer.prepare(request)
            sender = asyncio.create_task(_send(answer, socket))
            async for message in answer:
                if message.type is not WSMsgType.TEXT:
                    break
                post = self._hub.hear(socket, message.data)
                if post is not None:
                    self._start_post(socket, post)
        finally:
            self._hub.leave(socket)
            if sender is not None:
                sender.cancel()
        return answer

    def _start_post(self, socket: Socket, post: Post) -> None:
        socket.posts += 1
        task = asyncio.create_task(self._post(socket, post))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _post(self, socket: Socket, post: Post) -> None:
        """Answer what was posted over a websocket, unless the answer is lost."""
        response: AnsweredAction | AnsweredInfo | AnsweredError
        try:
            if isinstance(post.request, PostedAction):
                response = AnsweredAction(await self._reply(post.request.payload, socket.ip))
            else:
                question = post.request.payload
                body = await self._answer_info(question, socket.ip)
                kind = str(question.__struct_config__.tag)
                response = AnsweredInfo(InfoPayload(kind, Raw(body)))
        except RefusedError as refusal:
            response = AnsweredError(f"{refusal.status} {refusal.text}")
        except LostError:
            return
        finally:
            socket.posts -= 1
        socket.send(json.encode(PostMessage(PostAnswer(post.id, response))))


async def _send(answer: web.WebSocketResponse, socket: Socket) -> None:
    """Send what is queued, until the connection ends or nothing was to be sent for too long."""
    while True:
        try:
            frame = await asyncio.wait_for(socket.queue.get(), IDLE_S)
        except TimeoutError:
            await answer.close(message=b"Inactive")
            return
        try:
            await answer.send_frame(frame, WSMsgType.TEXT)
        except ConnectionError:
            return
