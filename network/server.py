"""The endpoints of a scheduler: what clients can ask a running workflow, and tell it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from .envelope import Attached
from .exceptions import RequestRefused
from .expose import Endpoint, expose, unknown_command
from .memory import Reply
from .request_server import Caller, RequestServer, Services

if TYPE_CHECKING:
    from .log_reading import LogReader


class SchedulerServices(Services, Protocol):
    """What the server needs of the scheduler it serves."""

    async def command(
        self, name: str, arguments: dict[str, Any], *, id: str, user: str = "", reason: str = ""
    ) -> dict[str, Any]:
        """Carry out a user's command; returns what it changed, once that is on disk."""

    async def plan(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a command would do; nothing is changed."""

    def known_plan(self, id: str) -> dict[str, Any]:
        """A plan made before, by its id."""

    async def receipts(self, limit: int) -> list[dict[str, Any]]:
        """The receipts of the latest commands, oldest first."""

    async def wait_for(self, id: str, timeout_seconds: float) -> dict[str, Any]:
        """Wait until an applied command has had its effect."""

    def broadcasts(self, task: str | None = None) -> dict[str, Any]:
        """The broadcasts in force; with a task (``CYCLE/TASK``) those that apply to it."""

    async def entire_picture(self) -> bytes:
        """Everything there is to see of the run, a ``PbEntireWorkflow``."""

    async def picture_elements(self, element_type: str) -> bytes:
        """Everything of one kind, as deltas."""

    async def graphql(self, request_string: str, variables: dict[str, Any] | None, *, meta: dict[str, Any]) -> Any:
        """The data of a GraphQL request, perhaps as JSON already."""

    def graphql_at_once(self, request_string: str, variables: dict[str, Any] | None) -> dict[str, Any] | None:
        """The data of a GraphQL query that waits for nothing; None if it has to be asked of `graphql`."""

    def subscribed(self) -> None:
        """Someone has subscribed."""

    async def put_messages(self, task_job: str, event_time: float | None, messages: list[tuple[str, str]]) -> None:
        """Take messages of a job; returns once they are on disk."""

    def why(self, task: str) -> dict[str, Any]:
        """Explain why a task (``CYCLE/TASK``) is not running."""


class WorkflowRuntimeServer(RequestServer):
    """Answers clients of one scheduler, and publishes its changes."""

    def __init__(self, schd: SchedulerServices) -> None:
        super().__init__(schd)
        self.schd: SchedulerServices = schd
        self._log_reader: LogReader | None = None

    async def stop(self, reason: str) -> None:
        """Stop, as `RequestServer.stop`; who waits for more of a log waits no longer."""
        if self._log_reader is not None:
            self._log_reader.close()
        await super().stop(reason)

    @expose(access="read")
    def api(self, endpoint: str | None = None) -> Any:
        """List the endpoints, or describe one.

        Arguments:
            endpoint: the one to describe; all are listed without it.
        """
        if endpoint is None:
            return list(self.endpoints)
        found = self.endpoints.get(endpoint)
        if found is None:
            raise unknown_command(endpoint, self.endpoints)
        return f"{found.signature}\n\n{found.documentation}".rstrip()

    @expose(access="read")
    def ping_workflow(self) -> bool:
        """Answer true: the scheduler is there."""
        return True

    @expose(access="read", once=True)
    async def graphql(
        self, request_string: str, variables: dict[str, Any] | None = None, meta: dict[str, Any] | None = None
    ) -> Any:
        """Execute a GraphQL query or mutation, and return its data; docs/graphql.md has the schema.

        Arguments:
            request_string: the document.
            variables: values of its variables, by name.
        """
        return await self.schd.graphql(request_string, variables, meta=meta or {})

    @expose(access="read")
    async def pb_entire_workflow(self) -> bytes:
        """Return the whole picture of the run: the bytes of a ``PbEntireWorkflow``."""
        return await self.schd.entire_picture()

    @expose(access="read")
    async def pb_data_elements(self, element_type: str) -> bytes:
        """Return everything of one kind, all ``added``: the bytes of that kind's deltas message.

        Arguments:
            element_type: ``edges``, ``families``, ``family_proxies``, ``jobs``, ``tasks``, ``task_proxies``,
                ``workflow`` or ``all``.
        """
        return await self.schd.picture_elements(element_type)

    def subscribed(self) -> None:
        """Someone has subscribed: from now on there is something to publish."""
        self.schd.subscribed()

    @expose(access="read")
    def why(self, task: str) -> dict[str, Any]:
        """Explain why a task is not running: a ranked tree of reasons, as ``tidemill why`` prints it.

        Arguments:
            task: which one, ``CYCLE/TASK``.
        """
        return self.schd.why(task)

    @expose(access="control")
    async def command(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        reason: str = "",
        meta: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Change the run, and say what that did: a receipt of ``id``, ``name``, ``state`` and ``result``.

        The receipt comes once what the command changed is on disk. A request repeated with the same ``meta.id``
        is applied once and gets the same receipt, also after a restart of the scheduler.

        Arguments:
            name: what to do: ``hold``, ``release``, ``force_trigger_tasks``, ``set``, ``remove_tasks``, ``pause``, ...
            arguments: of the command, by name.
            reason: why, for the record.
        """
        return await self._command(name, arguments or {}, meta, reason)

    @expose(access="control", once=False)  # it changes nothing, and is too large to be remembered
    async def plan(
        self, name: str | None = None, arguments: dict[str, Any] | None = None, id: str | None = None
    ) -> dict[str, Any]:
        """Work out what a command would do, in a copy of the run: nothing is changed. See docs/interventions.md.

        To carry it out, give `command` the plan's ``arguments`` and, as the argument ``expecting``, its ``expecting``:
        it is refused if what the plan concerns has moved.

        Arguments:
            name: of the command: ``force_trigger_tasks``, ``set``, ``remove_tasks``, ``stop`` or ``reload_workflow``.
            arguments: of the command, by name.
            id: of a plan made before, which is returned as it was then.
        """
        if id is not None:
            return self.schd.known_plan(id)
        if name is None:
            raise RequestRefused("plan: give the name of a command, or the id of a plan")
        return await self.schd.plan(name, arguments or {})

    @expose(access="read")
    async def receipts(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the receipts of the latest commands, oldest first: who did what, when, why, and what it changed.

        Arguments:
            limit: how many at most.
        """
        return await self.schd.receipts(max(1, limit))

    @expose(access="read")
    async def wait_for(self, id: str, timeout: float = 60.0) -> dict[str, Any]:
        """Wait for the effect of a command: killed jobs to have ended, triggered tasks to be submitted, jobs to have
        been polled, the run to stop; what other commands change is so once they are applied.

        Arguments:
            id: of the command, as in its receipt.
            timeout: seconds to wait at most.

        The answer has ``done``, what is ``left`` to come if the time is over, and ``problems``: what failed.
        """
        return await self.schd.wait_for(id, timeout)

    @expose(access="read")
    def broadcasts(self, task: str | None = None) -> dict[str, Any]:
        """The broadcasts in force: by cycle point (or ``*``) and namespace, nested settings as texts.

        Arguments:
            task: only those that apply to this ``CYCLE/TASK``.
        """
        return self.schd.broadcasts(task)

    @expose(access="read")
    async def list_logs(self, directory: str = "") -> list[str]:
        """Return the names in a directory of the run's logs; those of directories end with ``/``.

        Arguments:
            directory: below the log directory: ``scheduler``, ``job/CYCLE/TASK/NN``, ...
        """
        return self._logs().list(directory)

    @expose(access="read")
    async def read_log(
        self, file: str, real: str | None = None, offset: int = 0, wait_seconds: float = 0.0, max_bytes: int = 1 << 20
    ) -> Attached:
        """Return a piece of a log, waiting for one if there is none yet: JSON data and bytes beside it.

        The data has ``real``, the file read; ``current``, what `file` means by now, which is another one once a log has
        been rotated; ``offset``; and ``size``, which is less than the offset if the file was begun anew.

        Arguments:
            file: its path below the log directory, such as ``job/1/foo/NN/job.out`` or ``scheduler/log``.
            real: the ``real`` of the piece before, to read on in that one.
            offset: in bytes.
            wait_seconds: how long to wait for more; 30 at most.
            max_bytes: in one answer; 4 MiB at most.
        """
        return await self._logs().read(file, real, offset, wait_seconds, max_bytes)

    def _logs(self) -> LogReader:
        if self._log_reader is None:
            from .log_reading import LogReader

            self._log_reader = LogReader(self.schd.service_directory.parent / "log")
        return self._log_reader

    @expose(access="control")
    async def set_verbosity(self, level: str, meta: dict[str, Any] | None = None) -> bool:
        """Log a level and above from now on; true once that is so. As ``command`` with this name, without the receipt.

        Arguments:
            level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        """
        await self._command("set_verbosity", {"level": level}, meta)
        return True

    @expose(access="control")
    async def pause_workflow(self, meta: dict[str, Any] | None = None) -> str:
        """Submit no more jobs until resumed; active ones go on. Returns the command's id."""
        return str((await self._command("pause", {}, meta))["id"])

    @expose(access="control")
    async def resume_workflow(self, meta: dict[str, Any] | None = None) -> str:
        """Submit jobs again. Returns the command's id."""
        return str((await self._command("resume", {}, meta))["id"])

    @expose(access="stop")
    async def stop_workflow(
        self,
        mode: str = "clean",
        cycle_point: str | None = None,
        clock_time: float | None = None,
        task: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> str:
        """Stop the run. Returns the command's id; the stop itself follows.

        Arguments:
            mode: ``clean`` (when active jobs are done), ``kill`` (end them first), ``now`` (leave them) or
                ``now-now`` (wait for nothing).
            cycle_point: stop after this point instead.
            clock_time: stop at this time instead, in seconds since the epoch.
            task: stop when this ``CYCLE/TASK`` has finished instead.
        """
        arguments = {"mode": mode, "cycle_point": cycle_point, "clock_time": clock_time, "task": task}
        return str((await self._command("stop", arguments, meta))["id"])

    @expose(access="control")
    async def put_messages(
        self,
        task_job: str,
        messages: list[Any],
        event_time: str | float | None = None,
    ) -> bool:
        """Take messages of a job, as ``tidemill message`` sends them; true once they are on disk.

        Arguments:
            task_job: the job, ``CYCLE/TASK/NN``.
            messages: pairs of severity and text.
            event_time: when they were sent: ISO 8601, or seconds since the epoch; now if left out.
        """
        pairs = [(str(pair[0]), str(pair[1])) for pair in messages if isinstance(pair, list) and len(pair) == 2]
        if len(pairs) != len(messages):
            raise RequestRefused("put_messages: each message is a pair of severity and text")
        await self.schd.put_messages(task_job, _seconds(event_time), pairs)
        return True

    def _run(self, endpoint: Endpoint, arguments: dict[str, Any], meta: dict[str, Any], caller: Caller) -> Reply:
        if endpoint.name == "graphql":
            # Most queries wait for nothing: those need no task of their own, and count among what a slice may take.
            try:
                data = self.schd.graphql_at_once(arguments["request_string"], arguments.get("variables"))
            except Exception as error:
                return self._failed(endpoint, error)
            if data is not None:
                return self._encode(data)
        return super()._run(endpoint, arguments, meta, caller)

    async def _command(
        self, name: str, arguments: dict[str, Any], meta: dict[str, Any] | None, reason: str = ""
    ) -> dict[str, Any]:
        meta = meta or {}
        identity = str(meta.get("id") or uuid.uuid4())
        user = str(meta.get("auth_user", self.schd.owner))
        result = await self.schd.command(name, arguments, id=identity, user=user, reason=reason)
        return {"id": identity, "name": name, "state": "applied", "result": result}


def _seconds(time: str | float | None) -> float | None:
    if not isinstance(time, str):
        return time
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        raise RequestRefused(f"{time!r} is not a time such as 2025-01-03T12:00:00Z") from None
