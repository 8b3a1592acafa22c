"""The gateway: a web server in a process of its own, between browsers and the schedulers of their user."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import closing, nullcontext
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from ..network.client import WorkflowRuntimeClient
from .access import Access, bearer, is_own_page
from .exceptions import GatewayError
from .forward import answer
from .hub import Hub
from .websocket import Conversation

LARGEST_REQUEST = 1 << 20
"""Bytes."""
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


class Gateway:
    """What the server answers.

    Args:
        hub: The workflows.
        access: Who is let in.
    """

    def __init__(self, hub: Hub, access: Access) -> None:
        self.hub = hub
        self.access = access
        self.address = ""
        self.app = Starlette(
            routes=[
                Route("/", self.root),
                Route("/session", self.session, methods=["POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/graphql", self.graphql, methods=["POST"]),
                WebSocketRoute("/graphql", self.websocket),
            ]
        )

    def link(self) -> str:
        """An address that lets in whoever follows it first."""
        return f"{self.address}/?token={self.access.new_token()}"

    async def root(self, request: Request) -> Response:
        """Trade the token of a link for a cookie; with one, say what there is."""
        token = request.query_params.get("token")
        if token is not None:
            session = self.access.redeem(token)
            if session is None and not self._lets_in(request):
                return _refusal(401, "This link was used before, or is of another gateway: start the gateway again")
            response = RedirectResponse("/", 303, HEADERS)
            if session is not None:
                response.set_cookie(self.access.cookie, session, httponly=True, samesite="strict")
            return response
        if not self._lets_in(request):
            return _not_let_in()
        workflows = [
            {"id": one.store.workflow.id, "status": one.store.workflow.message.status} for one in self.hub.filled()
        ]
        return _json(200, {"workflows": workflows, "graphql": "/graphql"})

    async def session(self, request: Request) -> Response:
        """Trade a token, given as ``Authorization: Bearer``, for a session to be given in the same way."""
        session = self.access.redeem(bearer(request.headers) or "")
        if session is None:
            return _refusal(401, "This token was used before, or is of another gateway")
        return _json(200, {"session": session})

    async def token(self, request: Request) -> Response:
        """A link for another browser, given to who is let in already."""
        if not self._lets_in(request):
            return _not_let_in()
        return _json(200, {"url": self.link()})

    async def graphql(self, request: Request) -> Response:
        """Answer a query or a mutation."""
        if not self._lets_in(request):
            return _not_let_in()
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _refusal(415, "The request must be application/json: an object with query, and variables if need be")
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > LARGEST_REQUEST:
                return _refusal(413, f"The request is larger than {LARGEST_REQUEST} bytes")
        try:
            body = msgspec.json.decode(bytes(data))
        except msgspec.DecodeError as error:
            return _refusal(400, f"The request is no JSON: {error}")
        query = body.get("query") if isinstance(body, dict) else None
        variables = body.get("variables") if isinstance(body, dict) else None
        if not isinstance(query, str) or not isinstance(variables, (dict, type(None))):
            return _refusal(400, 'The request must be an object such as {"query": "{workflows{id}}", "variables": {}}')
        status, answered = await answer(self.hub, query, variables)
        return _json(status, answered)

    async def websocket(self, websocket: WebSocket) -> None:
        """Serve subscriptions."""
        is_let_in = self.access.lets_in(websocket.headers, websocket.cookies)
        if not is_own_page(websocket.headers):
            # A page of another server: its cookies count for nothing, and it has nothing to say here.
            await websocket.close(4403, "Forbidden")
            return
        await Conversation(websocket, self.hub, self.access, is_let_in=is_let_in).run()

    def _lets_in(self, request: Request) -> bool:
        return is_own_page(request.headers) and self.access.lets_in(request.headers, request.cookies)


def _json(status: int, data: Any) -> Response:
    return Response(msgspec.json.encode(data), status, HEADERS, "application/json")


def _refusal(status: int, message: str) -> Response:
    return _json(status, {"errors": [{"message": message}]})


def _not_let_in() -> Response:
    response = _refusal(401, "Not let in: follow the link that the gateway printed, or trade its token at /session")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, which ends well on them."""

    def capture_signals(self) -> Any:
        return nullcontext()


async def serve(
    workflow: str | None, *, host: str = "127.0.0.1", port: int = 0, started: Callable[[str], None]
) -> None:
    """Run a gateway until it is interrupted or terminated.

    Args:
        workflow: The run to follow; all that run if None.
        host: Address to listen at.
        port: Port to listen at; 0 for any that is free.
        started: Called with the link to follow, once it can be followed.

    Raises:
        GatewayError: The address cannot be listened at.
        ClientError: The workflow is not running or does not answer.
    """
    if workflow is not None:
        client = WorkflowRuntimeClient(workflow)
        try:
            await client.async_request("ping_workflow")
        finally:
            client.close()
    with closing(_listening_socket(host, port)) as listening:
        port = listening.getsockname()[1]
        gateway = Gateway(Hub(workflow), Access())
        gateway.access.cookie = f"tidemill_{port}"
        gateway.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        config = uvicorn.Config(
            gateway.app,
            ws="websockets-sansio",
            ws_max_size=LARGEST_REQUEST,
            # Who reads is on this machine: to compress would cost more than to send.
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)

        def end() -> None:
            server.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end)
        await gateway.hub.start()
        try:
            # The socket listens already: who comes before the server is ready waits a moment.
            started(gateway.link())
            await server.serve([listening])
        finally:
            await gateway.hub.stop()


def _listening_socket(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GatewayError(f"Cannot listen at {host}:{port}: {reason}. Give another with --host and --port") from None
