"""One websocket that speaks ``graphql-transport-ws``: subscriptions, and queries and mutations too.

The protocol is the one documented with the JavaScript library graphql-ws. Whatever a slow reader is to be sent waits in
its own listeners, where it is put together; a reader who takes nothing for `SLOW_SECONDS` is hung up on.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..exceptions import TidemillError
from ..schema.execute import operation_of
from ..schema.subscriptions import Subscription, prepare_subscription
from .access import Access
from .forward import answer, errors_of
from .hub import Hub, Listener

SUBPROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
"""How long a client may take to begin."""
SLOW_SECONDS = 30.0
"""How long a client may take nothing of what it is sent."""
MOST_SUBSCRIPTIONS = 200

TRY_AGAIN = 1013
INVALID_MESSAGE = 4400
UNAUTHORIZED = 4401
WRONG_SUBPROTOCOL = 4406
TOO_LATE = 4408
ID_IN_USE = 4409
ONE_TOO_MANY = 4429


class Closed(TidemillError):
    """The connection is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Conversation:
    """One client."""

    def __init__(self, websocket: WebSocket, hub: Hub, access: Access, *, is_let_in: bool) -> None:
        self._websocket = websocket
        self._hub = hub
        self._access = access
        self._is_let_in = is_let_in
        self._is_initialised = False
        self._sending = asyncio.Lock()
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Talk until either side hangs up."""
        websocket = self._websocket
        if SUBPROTOCOL not in websocket.scope.get("subprotocols", ()):
            await websocket.accept()
            await websocket.close(WRONG_SUBPROTOCOL, "Subprotocol not acceptable")
            return
        await websocket.accept(subprotocol=SUBPROTOCOL)
        reading = asyncio.create_task(self._read())
        late = asyncio.get_running_loop().call_later(INIT_SECONDS, self._too_late)
        try:
            await asyncio.wait({reading, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            # Whichever ended it; a client that left needs no farewell.
            await (self._failed if self._failed.done() else reading)
        except Closed as error:
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                async with asyncio.timeout(1):
                    await websocket.close(error.code, str(error))
        except WebSocketDisconnect:
            pass
        finally:
            late.cancel()
            tasks = [reading, *self._operations.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self._failed.done():
                self._failed.cancel()

    # -- what comes in -------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(frame.get("code", 1005))
            await self._take(_message(frame.get("text")))

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection_init":
            await self._begin(message.get("payload"))
        elif kind == "ping":
            payload = message.get("payload")
            await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
        elif kind == "pong":
            pass
        elif kind == "subscribe":
            self._subscribe(message)
        elif kind == "complete":
            task = self._operations.pop(_id(message), None)
            if task is not None:
                task.cancel()
        else:
            raise Closed(INVALID_MESSAGE, f"Invalid message type {kind!r}"[:120])

    async def _begin(self, payload: Any) -> None:
        if self._is_initialised:
            raise Closed(ONE_TOO_MANY, "Too many initialisation requests")
        if isinstance(payload, dict) and not self._is_let_in:
            offered = str(payload.get("token") or str(payload.get("Authorization", "")).removeprefix("Bearer "))
            self._is_let_in = self._access.is_session(offered) or self._access.redeem(offered) is not None
        if not self._is_let_in:
            raise Closed(UNAUTHORIZED, "Unauthorized")
        self._is_initialised = True
        await self._send({"type": "connection_ack"})

    def _too_late(self) -> None:
        if not self._is_initialised:
            self._fail(Closed(TOO_LATE, "Connection initialisation timeout"))

    def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._is_initialised:
            raise Closed(UNAUTHORIZED, "Unauthorized")
        id, payload = _id(message), message.get("payload")
        if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
            raise Closed(INVALID_MESSAGE, "Invalid message: a subscription has a payload with a query")
        if not isinstance(payload.get("variables"), (dict, type(None))):
            raise Closed(INVALID_MESSAGE, "Invalid message: variables are an object")
        if id in self._operations:
            raise Closed(ID_IN_USE, f"Subscriber for {id} already exists"[:120])
        task = asyncio.create_task(self._serve(id, payload["query"], payload.get("variables")))
        self._operations[id] = task

    # -- what goes out -------------------------------------------------------------------------------------------------

    async def _serve(self, id: str, query: str, variables: dict[str, Any] | None) -> None:
        """One operation, from its request to its end."""
        try:
            if len(self._operations) > MOST_SUBSCRIPTIONS:
                raise TidemillError(f"There are {MOST_SUBSCRIPTIONS} subscriptions already: end some first")
            if operation_of(query) == "subscription":
                await self._tell(id, prepare_subscription(query, variables))
            else:
                status, payload = await answer(self._hub, query, variables)
                if status == 400:
                    await self._end(id, {"type": "error", "id": id, "payload": payload["errors"]})
                    return
                await self._send({"type": "next", "id": id, "payload": payload})
                await self._end(id, {"type": "complete", "id": id})
        except Closed as error:
            self._fail(error)
        except TidemillError as error:
            with suppress(Closed):
                await self._end(id, {"type": "error", "id": id, "payload": errors_of(str(error))})
        except (WebSocketDisconnect, RuntimeError):
            # It hung up while being told something; reading tells so too.
            pass
        except Exception as error:
            self._fail(Closed(1011, f"Internal error: {type(error).__name__}"))
            raise

    async def _tell(self, id: str, subscription: Subscription) -> None:
        """One subscription, until it is cancelled."""
        with Listener(self._hub, subscription) as listener:
            while True:
                await listener.wait()
                # An answer is made once it can be sent: of a reader who takes nothing, none waits but one.
                async with self._sending:
                    # One answer of a connection at a turn of the loop: others get theirs in between.
                    await asyncio.sleep(0)
                    async for data in listener.answers():
                        await self._write({"type": "next", "id": id, "payload": {"data": data}})
                        # It may be large, and the next may be long in coming.
                        del data
                if subscription.ignore_interval_seconds:
                    await asyncio.sleep(subscription.ignore_interval_seconds)

    async def _end(self, id: str, message: dict[str, Any]) -> None:
        # The ID is free as soon as the client knows.
        if self._operations.get(id) is asyncio.current_task():
            del self._operations[id]
        await self._send(message)

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._write(message)

    async def _write(self, message: dict[str, Any]) -> None:
        text = msgspec.json.encode(message).decode()
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self._websocket.send_text(text)
        except TimeoutError:
            raise Closed(TRY_AGAIN, "Too slow: nothing was read for too long") from None

    def _fail(self, error: Closed) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)


def _message(text: str | None) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(text or "")
    except msgspec.DecodeError:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Closed(INVALID_MESSAGE, "Invalid message: it is no JSON object with a type")
    return message


def _id(message: dict[str, Any]) -> str:
    id = message.get("id")
    if not isinstance(id, str) or not id:
        raise Closed(INVALID_MESSAGE, "Invalid message: it has no id")
    return id
