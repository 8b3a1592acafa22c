"""The endpoints of a suite server: what jobs report to it, what users ask it and tell it."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from .expose import Endpoint, collect, expose
from .request_server import RequestServer, Services


class SuiteServices(Services, Protocol):
    """What the endpoints need of the server they stand for."""

    async def child(
        self,
        name: str,
        path: str,
        password: str,
        *,
        process_id: str,
        try_number: int,
        words: list[str],
        add: dict[str, str],
        remove: list[str],
        host: str,
        wait_seconds: float,
    ) -> dict[str, str]:
        """Take a job's report; the answer, once that is on disk and the job need not wait (any longer)."""

    async def change(
        self,
        name: str,
        words: list[str],
        attachments: dict[str, str],
        *,
        id: str,
        user: str,
        reason: str,
        host: str = "",
        password: str = "",
    ) -> dict[str, Any]:
        """Carry out a user's command; what it printed, once what it changed is on disk."""

    async def read(self, name: str, words: list[str], *, user: str, password: str = "") -> dict[str, Any]:
        """Answer a question of a user."""

    def news(self, handle: int, state_change_number: int, modify_change_number: int) -> dict[str, Any]:
        """Whether there is anything new since the given numbers."""

    def sync(self, handle: int, state_change_number: int, modify_change_number: int) -> dict[str, Any]:
        """What is new since the given numbers."""

    async def receipts(self, limit: int) -> list[dict[str, Any]]:
        """The receipts of the latest commands, oldest first."""

    async def graphql(
        self, request_string: str, variables: dict[str, Any] | None, *, meta: dict[str, Any]
    ) -> dict[str, Any]:
        """The data of a GraphQL query over all suites."""

    async def picture_elements(self, suite: str, element_type: str | None) -> bytes:
        """All there is to see of a suite, a ``PbEntireWorkflow``; or everything of one kind, as deltas."""

    def why(self, path: str) -> dict[str, Any]:
        """Explain why a node is not running."""

    def node(self, path: str) -> dict[str, Any]:
        """What there is to tell of a node, or of the server."""


LONGEST_WAIT_SECONDS = 600.0


class SuiteRuntimeServer(RequestServer):
    """Answers jobs and users of a suite server."""

    publishes: ClassVar[bool] = False
    schd: SuiteServices

    def __init__(self, schd: SuiteServices) -> None:
        super().__init__(schd)

    def _log_command(self, endpoint: Endpoint, meta: dict[str, Any]) -> None:
        """What is asked for is logged where it is carried out, in ecFlow's words."""

    @expose(access="read")
    def api(self, endpoint: str | None = None) -> Any:
        """List the endpoints, or describe one."""
        known = collect(type(self))
        if endpoint is None:
            return sorted(known)
        if endpoint not in known:
            return f"No method by name {endpoint}"
        found = known[endpoint]
        return f"{found.signature}\n\n{found.documentation}"

    @expose(access="read")
    def ping_workflow(self) -> bool:
        """Answer ``true``: the server is there."""
        return True

    @expose
    async def child(
        self,
        name: str,
        path: str,
        password: str,
        process_id: str = "",
        try_number: int = 1,
        words: list[str] = [],  # noqa: B006 - read only
        add: dict[str, str] = {},  # noqa: B006
        remove: list[str] = [],  # noqa: B006
        wait_seconds: float = 0.0,
        meta: dict[str, Any] | None = None,
    ) -> dict[str, str]:
        """Take a job's report: init, complete, abort, event, meter, label, wait or queue.

        Answers ``{"kind": "ok" | "block" | "fail", "reason", "detail", "value"}``. A job that has to wait is answered
        when it need not any longer, or ``block`` after `wait_seconds`: ask again then.
        """
        return await self.schd.child(
            name,
            path,
            password,
            process_id=process_id,
            try_number=try_number,
            words=words,
            add=add,
            remove=remove,
            host=str((meta or {}).get("host", "")),
            wait_seconds=min(wait_seconds, LONGEST_WAIT_SECONDS),
        )

    @expose(once=False)  # receipts decide whether an id was there before, also with other arguments
    async def change(
        self,
        name: str,
        words: list[str] = [],  # noqa: B006
        attachments: dict[str, str] = {},  # noqa: B006
        user: str = "",
        password: str = "",
        reason: str = "",
        meta: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Carry out a user's command (``alter``, ``load``, ``begin``, ...), given by its name and words as on the
        ecFlow command line; texts of files are attachments. Answers ``{"text"}``: what it prints."""
        meta = meta or {}
        return await self.schd.change(
            name,
            words,
            attachments,
            id=str(meta.get("id", "")),
            user=user or str(meta.get("auth_user", "")),
            host=str(meta.get("host", "")),
            reason=reason,
            password=password,
        )

    @expose(access="read")
    async def read(
        self,
        name: str,
        words: list[str] = [],  # noqa: B006
        user: str = "",
        password: str = "",
    ) -> dict[str, Any]:
        """Answer a user's question (``get``, ``query``, ``file``, ``log``, ...). Answers ``{"text"}``."""
        return await self.schd.read(name, words, user=user, password=password)

    @expose(access="read")
    def news(self, state_change_number: int, modify_change_number: int, handle: int = 0) -> dict[str, Any]:
        """Tell whether anything has changed since the given numbers."""
        return self.schd.news(handle, state_change_number, modify_change_number)

    @expose(access="read")
    def sync(self, state_change_number: int, modify_change_number: int, handle: int = 0) -> dict[str, Any]:
        """Tell what has changed since the given numbers."""
        return self.schd.sync(handle, state_change_number, modify_change_number)

    @expose(access="read")
    async def receipts(self, limit: int = 100) -> list[dict[str, Any]]:
        """List the latest commands: who told the server what, when, why and with what result."""
        return await self.schd.receipts(limit)

    @expose(access="read")
    async def graphql(
        self, request_string: str, variables: dict[str, Any] | None = None, meta: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Execute a GraphQL query, and return its data: each suite is a workflow; docs/graphql.md has the schema.

        Arguments:
            request_string: the document; mutations are refused.
            variables: values of its variables, by name.
        """
        return await self.schd.graphql(request_string, variables, meta=meta or {})

    @expose(access="read")
    async def pb_entire_workflow(self, suite: str = "") -> bytes:
        """Return the whole picture of a suite: the bytes of a ``PbEntireWorkflow``.

        Arguments:
            suite: its name; may be left out if there is only one.
        """
        return await self.schd.picture_elements(suite, None)

    @expose(access="read")
    async def pb_data_elements(self, element_type: str, suite: str = "") -> bytes:
        """Return everything of one kind of a suite, all ``added``: the bytes of that kind's deltas message.

        Arguments:
            element_type: ``edges``, ``families``, ``family_proxies``, ``jobs``, ``tasks``, ``task_proxies``,
                ``workflow`` or ``all``.
            suite: its name; may be left out if there is only one.
        """
        return await self.schd.picture_elements(suite, element_type)

    @expose(access="read")
    def why(self, task: str) -> dict[str, Any]:
        """Explain why a node is not running: a ranked tree of reasons, as ``tidemill why`` prints it.

        Arguments:
            task: the path of a suite, family or task.
        """
        return self.schd.why(task)

    @expose(access="read")
    def node(self, path: str = "/") -> dict[str, Any]:
        """Tell everything there is to tell of a node, or of the server: states, attributes, variables, what is below.

        Arguments:
            path: of a suite, family, task or alias; ``/`` for the server.
        """
        return self.schd.node(path)
