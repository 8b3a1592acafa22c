"""The client of a suite server for Python, by the names of ecFlow's own module.

    >>> from tidemill.ecflow import Client
    >>> client = Client("localhost:3141")
    >>> client.ping()
    0

The connection is made when the server is first asked, and kept. One thread at a time uses it; others wait.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve

from .asking import ATTEMPTS, RETRY_SECONDS, Asking, attachments_of
from .exceptions import ArgumentError, EcflowError
from .mirror import Mirror
from .settings import clamped, settings_of

if TYPE_CHECKING:
    from types import TracebackType

    from .definition import CheckPt, Defs, State, Variable, ZombieVec

VERSION = "5.9.2"
"""Of ecFlow, whose commands these are."""
_WITH_VALUES = ("variable", "label", "event", "meter", "limit", "limit_max", "limit_value")
"""What `alter` always needs a value for, if only an empty one."""

Paths = str | Sequence[str]


class Client:
    """Asks and tells one suite server.

    Every failure is an `EcflowError`, which is a RuntimeError: `ConnectionFailed` where the server could not be asked,
    saying whether it was refused, unknown, too slow or not to be let in to; `ServerRefused` where it said no. What has
    nothing to return returns 0.

    Arguments:
        where: ``"host:port"`` or ``"host@port"``, or host and port; else what ECF_HOST and ECF_PORT
            say, else localhost and 3141.
    """

    def __init__(self, *where: str | int) -> None:
        self._settings = settings_of()
        self._attempts, self._retry_seconds = ATTEMPTS, RETRY_SECONDS
        self._added: dict[str, str] = {}
        self._removed: list[str] = []
        self._handle = 0
        self._syncs_itself = False
        self._is_traced = False
        if where:
            self._place(where)
        self._asking = self._new_asking()
        self._mirror = Mirror(self._asking)

    def _place(self, where: tuple[str | int, ...]) -> None:
        """Set host and port; raises `ArgumentError`."""
        if len(where) == 1:
            text = str(where[0])
            host, separator, port = text.rpartition(":" if ":" in text else "@")
            if not separator:
                raise ArgumentError(f"expected <host>:<port> || <host>@<port> in {text}")
        elif len(where) == 2:
            host, port = str(where[0]), str(where[1])
        else:
            raise TypeError(f"Client takes '<host>:<port>', or host and port, not {where!r}")
        if not host:
            raise ArgumentError("Empty host specified ?")
        if not port:
            raise ArgumentError("Empty port specified ?")
        try:
            number = int(port)
        except ValueError:
            raise ArgumentError(f"Invalid port number {port}") from None
        self._settings = evolve(
            self._settings, host=host, port=number, host_source="the program", port_source="the program"
        )

    def _new_asking(self) -> Asking:
        return Asking(self._settings, attempts=self._attempts, retry_seconds=self._retry_seconds)

    # -- the connection ------------------------------------------------------------------------------------------------

    def set_host_port(self, *where: str | int) -> int:
        """Ask another server from now on: ``"host:port"``, or host and port."""
        self._place(where)
        self.reset()
        self._asking.close()
        self._asking.settings = self._settings
        return 0

    def get_host(self) -> str:
        """The server's host."""
        return self._settings.host

    def get_port(self) -> str:
        """The server's port."""
        return str(self._settings.port)

    def set_user_name(self, user: str) -> int:
        """Be known as another user."""
        self._settings.user = user
        return 0

    def set_connection_attempts(self, count: int) -> int:
        """How often to try when the server is not there; once at least."""
        self._attempts = self._asking.attempts = max(int(count), 1)
        return 0

    def set_retry_connection_period(self, seconds: float) -> int:
        """Seconds between two tries."""
        self._retry_seconds = self._asking.retry_seconds = max(float(seconds), 0.0)
        return 0

    def enable_ssl(self) -> int:
        """Accepted and not needed: every connection is encrypted."""
        return 0

    def disable_ssl(self) -> int:
        """Accepted and without effect: every connection is encrypted."""
        return 0

    def debug(self, on: bool) -> int:
        """Say on standard error what is asked, and how long the answer took."""
        self._is_traced = bool(on)
        return 0

    def version(self) -> str:
        """The version of ecFlow whose commands this client speaks."""
        return VERSION

    def server_version(self) -> str:
        """The same of the server."""
        return self._text("server_version")

    def ping(self) -> int:
        """Ask whether the server is there; raises `ConnectionFailed` if not."""
        self._asking.ping()
        return 0

    def wait_for_server_reply(self, time_out: float = 60) -> bool:
        """Whether the server answers within so many seconds; ask until then."""
        deadline = time.monotonic() + time_out
        asking = Asking(self._settings, attempts=1)
        try:
            while True:
                try:
                    asking.ping()
                    return True
                except EcflowError:
                    if time.monotonic() >= deadline:
                        return False
                    time.sleep(min(0.2, max(deadline - time.monotonic(), 0.0)))
        finally:
            asking.close()

    def close(self) -> None:
        """Close the connection; another is made when it is needed."""
        self._asking.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._handle and error is None:
                self.ch_drop()
        finally:
            self.close()

    # -- one request ---------------------------------------------------------------------------------------------------

    def _text(self, name: str, *words: str, attachments: dict[str, str] | None = None) -> str:
        """Ask or tell the server; what it prints."""
        started = time.perf_counter()
        line = f"--{name}" + (f"={' '.join(words)}" if words else "")
        answer = self._asking.user_command(name, list(words), attachments=attachments, line=line)
        if self._is_traced:
            print(f"{line}: {(time.perf_counter() - started) * 1000:.1f} ms", file=sys.stderr)
        return str(answer.get("text", ""))

    def _do(self, name: str, *words: str, attachments: dict[str, str] | None = None) -> int:
        """Tell the server to do something; 0."""
        self._text(name, *words, attachments=attachments)
        if self._syncs_itself:
            self.sync_local()
        return 0

    def _show(self, name: str, *words: str) -> int:
        """Print what the server answers."""
        text = self._text(name, *words)
        if text:
            print(text, end="" if text.endswith("\n") else "\n")
        return 0

    # -- the definition ------------------------------------------------------------------------------------------------

    def load(
        self,
        definition: str | Defs,
        force: bool = False,
        check_only: bool = False,
        print: bool = False,
        stats: bool = False,
    ) -> int:
        """Add the suites of a file, or of a `Defs`, to the server.

        Arguments:
            definition: path of the file, or the suites themselves.
            force: put them in place of suites of the same names.
            check_only: read and check the file only; nothing is loaded.
            print: print the definition.
            stats: print how many nodes there are of each kind.
        """
        options = ["force"] if force else []
        if not isinstance(definition, str):
            return self._do("load", "definition", *options, attachments=_attached(definition))
        if check_only or print or stats:
            from .checking import check_file

            check_file(definition, is_printed=print, is_counted=stats)
            if check_only:
                return 0
        return self._do("load", definition, *options, attachments=_file("load", [definition]))

    def replace(self, path: str, definition: str | Defs, create_parents: bool = True, force: bool = False) -> int:
        """Put the node at a path, as a file or `Defs` has it, in place of the server's; or add it.

        Arguments:
            path: of the node, in both.
            definition: path of the file, or the suites themselves.
            create_parents: make parents that the server lacks.
            force: even if jobs are active or submitted below the node.
        """
        options = [*(["parent"] if create_parents else []), *(["force"] if force else [])]
        if isinstance(definition, str):
            return self._do("replace", path, definition, *options, attachments=_file("replace", [path, definition]))
        return self._do("replace", path, "definition", *options, attachments=_attached(definition))

    def delete(self, paths: Paths, force: bool = False) -> int:
        """Delete nodes; without `force` not those with jobs."""
        return self._do("delete", *(["force"] if force else []), "yes", *_listed(paths))

    def delete_all(self, force: bool = False) -> int:
        """Delete all suites; without `force` not if there are jobs."""
        return self._do("delete", *(["force"] if force else []), "yes", "_all_")

    def plug(self, source: str, destination: str) -> int:
        """Move a node below another (``/suite/family``), or to another server (``host:port[/suite/family]``)."""
        if destination.startswith("/"):
            return self._do("plug", source, destination)
        from .plugging import move

        move(self._asking, source, destination)
        return 0

    def order(self, path: str, how: str) -> int:
        """Move a node among its siblings: top, bottom, alpha, order, up, down or runtime."""
        return self._do("order", path, how)

    def sort_attributes(self, paths: Paths, name: str, recursive: bool = True) -> int:
        """Sort attributes of nodes: event, meter, label, limit, variable or all."""
        return self._do("alter", "sort", name, *(["recursive"] if recursive else []), *_listed(paths))

    def suites(self) -> list[str]:
        """The names of the suites."""
        text = self._text("suites").strip()
        return [] if text == "No suites" else text.split()

    def get_server_defs(self) -> int:
        """Get everything anew; then `get_defs` has it."""
        self._mirror.forget()
        self._mirror.sync(self._handle)
        return 0

    def sync_local(self, sync_suite_clock: bool = False) -> int:
        """Get what changed since the last time (all, the first time); then `get_defs` has it.

        What it costs depends on what changed, not on how much there is. The clocks of suites come along in any case.
        """
        self._mirror.sync(self._handle)
        return 0

    def news_local(self) -> bool:
        """Whether the server has anything that `get_defs` has not."""
        return self._mirror.has_news(self._handle)

    def in_sync(self) -> bool:
        """Whether `get_defs` has what the server had when it was last asked."""
        return self._mirror.defs is not None

    def get_defs(self) -> Defs | None:
        """The suites as they were when last synchronised; None before that."""
        return self._mirror.defs

    @property
    def changed_node_paths(self) -> Iterable[str]:
        """The nodes that the last `sync_local` changed."""
        return list(self._mirror.changed)

    def set_auto_sync(self, on: bool) -> int:
        """Synchronise after everything that is told to the server."""
        self._syncs_itself = bool(on)
        return 0

    def is_auto_sync_enabled(self) -> bool:
        """Whether that is on."""
        return self._syncs_itself

    def reset(self) -> int:
        """Forget the suites, and give up the handle."""
        self._mirror.forget()
        if self._handle:
            self.ch_drop()
        return 0

    # -- handles: interest in some suites ------------------------------------------------------------------------------

    def ch_register(self, auto_add: bool, suites: Sequence[str] = ()) -> int:
        """Have `sync_local` get some suites only; with `auto_add` also those loaded later."""
        old = [str(self._handle)] if self._handle else []
        self._handle = int(self._text("ch_register", *old, _word(auto_add), *suites))
        self._mirror.forget()
        return 0

    def ch_handle(self) -> int:
        """The number of the handle; 0 if there is none."""
        return self._handle

    def _handled(self, arguments: tuple[Any, ...]) -> tuple[str, Any]:
        """A handle, ours if none is given, and what is to be done with it."""
        if len(arguments) == 2:
            return str(arguments[0]), arguments[1]
        return str(self._handle), arguments[0]

    def ch_add(self, *arguments: Any) -> int:
        """Add suites to a handle: ``ch_add([handle,] suites)``."""
        handle, suites = self._handled(arguments)
        self._text("ch_add", handle, *suites)
        self._mirror.forget()
        return 0

    def ch_remove(self, *arguments: Any) -> int:
        """Take suites from a handle: ``ch_remove([handle,] suites)``."""
        handle, suites = self._handled(arguments)
        self._text("ch_rem", handle, *suites)
        self._mirror.forget()
        return 0

    def ch_auto_add(self, *arguments: Any) -> int:
        """Say whether suites loaded later are added to a handle: ``ch_auto_add([handle,] True)``."""
        handle, on = self._handled(arguments)
        self._text("ch_auto_add", handle, _word(on))
        return 0

    def ch_drop(self, handle: int | None = None) -> int:
        """Give up a handle, ours if none is given."""
        self._text("ch_drop", str(self._handle if handle is None else handle))
        if handle is None or handle == self._handle:
            self._handle = 0
            self._mirror.forget()
        return 0

    def ch_drop_user(self, user: str = "") -> int:
        """Give up all handles of a user, our own if none is given."""
        self._text("ch_drop_user", *([user] if user else []))
        if not user:
            self._handle = 0
        return 0

    def ch_suites(self) -> int:
        """Print the handles and their suites."""
        return self._show("ch_suites")

    # -- running -------------------------------------------------------------------------------------------------------

    def begin_suite(self, name: str, force: bool = False) -> int:
        """Begin a suite; with `force` even if jobs of it run."""
        return self._do("begin", name, *(["--force"] if force else []))

    def begin_all_suites(self, force: bool = False) -> int:
        """Begin all suites; with `force` even if jobs of them run."""
        return self._do("begin", *(["--force"] if force else []))

    def requeue(self, paths: Paths, option: str = "") -> int:
        """Put nodes back to queued; `option` may be ``abort`` (aborted tasks only) or ``force`` (even with jobs)."""
        return self._do("requeue", *([option] if option else []), *_listed(paths))

    def run(self, paths: Paths, force: bool = False) -> int:
        """Submit tasks now, whatever they wait for; with `force` even if their jobs run."""
        return self._do("run", *(["force"] if force else []), *_listed(paths))

    def force_state(self, paths: Paths, state: State) -> int:
        """Put nodes into a state."""
        return self._do("force", str(state), *_listed(paths))

    def force_state_recursive(self, paths: Paths, state: State) -> int:
        """Put nodes and all below them into a state."""
        return self._do("force", str(state), "recursive", *_listed(paths))

    def force_event(self, paths: Paths, value: str) -> int:
        """``set`` or ``clear`` events, given as ``/path:event``."""
        return self._do("force", value, *_listed(paths))

    def free_trigger_dep(self, paths: Paths) -> int:
        """Release nodes from their triggers once."""
        return self._do("free-dep", "trigger", *_listed(paths))

    def free_date_dep(self, paths: Paths) -> int:
        """Release nodes from their dates, days and crons once."""
        return self._do("free-dep", "date", *_listed(paths))

    def free_time_dep(self, paths: Paths) -> int:
        """Release nodes from their times once."""
        return self._do("free-dep", "time", *_listed(paths))

    def free_all_dep(self, paths: Paths) -> int:
        """Release nodes from all they depend on once."""
        return self._do("free-dep", "all", *_listed(paths))

    def suspend(self, paths: Paths) -> int:
        """Submit no jobs below nodes."""
        return self._do("suspend", *_listed(paths))

    def resume(self, paths: Paths) -> int:
        """Let jobs below nodes be submitted again."""
        return self._do("resume", *_listed(paths))

    def kill(self, paths: Paths) -> int:
        """Run ECF_KILL_CMD for the jobs of nodes."""
        return self._do("kill", *_listed(paths))

    def status(self, paths: Paths) -> int:
        """Run ECF_STATUS_CMD for the jobs of nodes."""
        return self._do("status", *_listed(paths))

    def archive(self, paths: Paths, force: bool = False) -> int:
        """Write suites or families to disk, and drop what is below them."""
        return self._do("archive", *(["force"] if force else []), *_listed(paths))

    def restore(self, paths: Paths) -> int:
        """Bring archived nodes back."""
        return self._do("restore", *_listed(paths))

    def job_generation(self, path: str = "/") -> int:
        """Look at the dependencies of a node now, and submit what is free."""
        return self._do("job_gen", path)

    def check(self, paths: Paths = "_all_") -> str:
        """What nodes name that is not there; "" if all is well."""
        return self._text("check", *_listed(paths))

    def alter(self, paths: Paths, alter_type: str, attribute_type: str, name: str = "", value: str = "") -> int:
        """Change attributes of nodes, or variables of the server (path ``/``).

        Arguments:
            paths: of the nodes.
            alter_type: add, change, delete, set_flag, clear_flag or sort.
            attribute_type: variable, trigger, ... or a flag.
            name: of the attribute; of an expression or a time its text.
            value: what it is to be.
        """
        words = [name] if name else []
        if value or (name and alter_type in ("add", "change") and attribute_type in _WITH_VALUES):
            words.append(value)
        return self._do("alter", alter_type, attribute_type, *words, *_listed(paths))

    def query(self, query_type: str, path_to_attribute: str, attribute: str = "") -> str:
        """One value: state, dstate, repeat, event, meter, label, variable, trigger, limit or limit_max of a node.

        Arguments:
            query_type: which.
            path_to_attribute: ``/path`` or ``/path:name``.
            attribute: for trigger the expression, for repeat ``next`` or ``prev``.
        """
        return self._text("query", query_type, path_to_attribute, *([attribute] if attribute else []))

    def group(self, commands: str) -> int:
        """Carry out several commands in one go (``"get; why"``), and print what they print."""
        return self._show("group", commands)

    # -- the server ----------------------------------------------------------------------------------------------------

    def restart_server(self) -> int:
        """Have jobs submitted and listened to again."""
        return self._do("restart")

    def halt_server(self) -> int:
        """Have no jobs submitted, and jobs wait with their reports."""
        return self._do("halt", "yes")

    def shutdown_server(self) -> int:
        """Have no jobs submitted."""
        return self._do("shutdown", "yes")

    def terminate_server(self) -> int:
        """End the server; jobs go on, and report to the next one."""
        self._text("terminate", "yes")
        return 0

    def checkpt(
        self, mode: CheckPt | None = None, check_pt_interval: int = 0, check_pt_save_alarm_time: int = 0
    ) -> int:
        """Write a checkpoint now; or say when they are written, every how many seconds, and how long one may take."""
        name = "" if mode is None else mode.name.lower()
        if name in ("never", "on_time", "always"):
            return self._do("check_pt", f"{name}:{check_pt_interval}" if check_pt_interval else name)
        if check_pt_interval:
            return self._do("check_pt", str(check_pt_interval))
        if check_pt_save_alarm_time:
            return self._do("check_pt", f"alarm:{check_pt_save_alarm_time}")
        return self._do("check_pt")

    def restore_from_checkpt(self) -> int:
        """Load the checkpoint; the server must be halted and empty."""
        return self._do("restore_from_checkpt")

    def reload_wl_file(self) -> int:
        """Have the white list read again."""
        return self._do("reloadwsfile")

    def reload_passwd_file(self) -> int:
        """Have the password file read again."""
        return self._do("reloadpasswdfile")

    def reload_custom_passwd_file(self) -> int:
        """Have the password file of users with other names read again."""
        return self._do("reloadcustompasswdfile")

    def stats(self) -> int:
        """Print the server's state, and what it was asked."""
        return self._show("stats")

    def stats_reset(self) -> int:
        """Count from zero again."""
        return self._do("stats_reset")

    def debug_server_on(self) -> int:
        """Have more logged."""
        return self._do("debug_server_on")

    def debug_server_off(self) -> int:
        """Have the usual logged."""
        return self._do("debug_server_off")

    # -- files and the log ---------------------------------------------------------------------------------------------

    def get_file(
        self, path: str, file_type: str = "script", max_lines: int | str = 10_000, as_bytes: bool = False
    ) -> str | bytes:
        """A file of a task: script, job, jobout, manual, kill or stat; the last `max_lines` of it."""
        text = self._text("file", path, file_type, str(max_lines))
        return text.encode("utf-8", "surrogateescape") if as_bytes else text

    def edit_script_edit(self, path: str) -> str:
        """The script of a task, its includes put in, to be edited."""
        return self._text("edit_script", path, "edit")

    def edit_script_preprocess(self, path: str) -> str:
        """The job that would be made of the script of a task."""
        return self._text("edit_script", path, "pre_process")

    def edit_script_submit(
        self,
        path: str,
        used_variables: Sequence[Any] | Mapping[str, str],
        file_contents: Sequence[str] | str,
        create_alias: bool = False,
        run: bool = True,
    ) -> int:
        """Submit a task with another script, once.

        Arguments:
            path: of the task.
            used_variables: ``"NAME=value"``, `Variable` or pairs: they hide all others for this run.
            file_contents: the script, as lines or as a text.
            create_alias: submit a copy of the task, so that nothing depends on it.
            run: submit at once.
        """
        script = file_contents if isinstance(file_contents, str) else "".join(f"{line}\n" for line in file_contents)
        options = [*(["create_alias"] if create_alias else []), *([] if run else ["no_run"])]
        variables = json.dumps(_pairs(used_variables))
        return self._do("edit_script", path, "submit", *options, attachments={"script": script, "variables": variables})

    def get_log(self, lines: int = 100) -> str:
        """The last lines of the server's log."""
        return self._text("log", "get", str(lines))

    def new_log(self, path: str = "") -> int:
        """Have the log go on in another file, or in the same one anew."""
        return self._do("log", "new", *([path] if path else []))

    def clear_log(self) -> int:
        """Empty the log."""
        return self._do("log", "clear")

    def flush_log(self) -> int:
        """Have the log written out."""
        return self._do("log", "flush")

    def log_msg(self, text: str) -> int:
        """Write a line to the log."""
        return self._do("msg", text)

    # -- zombies -------------------------------------------------------------------------------------------------------

    def zombie_get(self, process_id: int = 0) -> ZombieVec:
        """The zombies; with a process id only that one."""
        from .definition import Zombie, ZombieVec

        found = map(Zombie, json.loads(self._text("zombie_get", "json")))
        return ZombieVec(one for one in found if not process_id or one.process_or_remote_id() == str(process_id))

    def zombie_fob(self, paths: Paths) -> int:
        """Let the zombies of tasks go on, their reports ignored."""
        return self._do("zombie_fob", *_listed(paths))

    def zombie_fail(self, paths: Paths) -> int:
        """Let the zombies of tasks end with an error."""
        return self._do("zombie_fail", *_listed(paths))

    def zombie_adopt(self, paths: Paths) -> int:
        """Let the zombies of tasks be their jobs."""
        return self._do("zombie_adopt", *_listed(paths))

    def zombie_block(self, paths: Paths) -> int:
        """Let the zombies of tasks wait."""
        return self._do("zombie_block", *_listed(paths))

    def zombie_remove(self, paths: Paths) -> int:
        """Forget the zombies of tasks."""
        return self._do("zombie_remove", *_listed(paths))

    def zombie_kill(self, paths: Paths) -> int:
        """Run ECF_KILL_CMD for the zombies of tasks."""
        return self._do("zombie_kill", *_listed(paths))

    # -- what a job reports --------------------------------------------------------------------------------------------

    def set_child_path(self, path: str) -> int:
        """The path of the task whose job this is; else ECF_NAME."""
        self._settings.path = path
        return 0

    def set_child_password(self, password: str) -> int:
        """The password of the job; else ECF_PASS."""
        self._settings.job_password = password
        return 0

    def set_child_pid(self, process_id: str | int) -> int:
        """The id of the job's process; else ECF_RID."""
        self._settings.process_id = str(process_id)
        return 0

    def set_child_try_no(self, number: int) -> int:
        """The number of the try; else ECF_TRYNO, else 1."""
        self._settings.try_number = int(number)
        return 0

    def set_child_timeout(self, seconds: int) -> int:
        """How long to go on while the server cannot be reached: 60 to 86400 s."""
        self._settings.timeout_seconds = clamped(int(seconds))
        return 0

    def set_zombie_child_timeout(self, seconds: int) -> int:
        """How long to wait while the server takes the job for a zombie: 60 to 86400 s."""
        self._settings.zombie_timeout_seconds = clamped(int(seconds))
        return 0

    def set_child_init_add_vars(self, variables: Mapping[str, str] | Sequence[Variable]) -> int:
        """Variables that `child_init` adds to the task."""
        self._added = _pairs(variables)
        return 0

    def set_child_complete_del_vars(self, names: Sequence[str]) -> int:
        """Variables that `child_complete` takes from the task."""
        self._removed = [str(name) for name in names]
        return 0

    def _child(self, name: str, *words: str, **more: Any) -> str:
        settings = self._settings
        needed = {"path": settings.path, "password": settings.job_password, "pid": settings.process_id}
        for what, value in needed.items():
            if not value:
                raise ArgumentError(f"Child {what} not set")
        return self._asking.child(name, list(words), **more)

    def child_init(self) -> int:
        """The job runs."""
        self._child("init", add=self._added)
        return 0

    def child_complete(self) -> int:
        """The job has ended well."""
        self._child("complete", remove=self._removed)
        return 0

    def child_abort(self, reason: str = "") -> int:
        """The job has failed."""
        self._child("abort", *([reason] if reason else []))
        return 0

    def child_event(self, name: str | int, value: bool = True) -> int:
        """Set an event, or clear it."""
        self._child("event", str(name), *([] if value else ["clear"]))
        return 0

    def child_meter(self, name: str, value: int) -> int:
        """Move a meter."""
        self._child("meter", name, str(value))
        return 0

    def child_label(self, name: str, value: str) -> int:
        """Change a label."""
        self._child("label", name, value)
        return 0

    def child_wait(self, expression: str) -> int:
        """Wait until an expression holds."""
        self._child("wait", expression)
        return 0

    def child_queue(self, name: str, action: str, step: str = "", path_to_node_with_queue: str = "") -> str:
        """Step through a queue: active (which returns the next step, or ``<NULL>``), aborted, complete, no_of_aborted
        or reset."""
        words = [word for word in (step, path_to_node_with_queue) if word]
        return self._child("queue", name, action, *words)


def _listed(paths: Paths) -> list[str]:
    return [paths] if isinstance(paths, str) else [str(path) for path in paths]


def _word(on: bool) -> str:
    return "true" if on else "false"


def _attached(definition: Defs) -> dict[str, str]:
    """The text of a definition, with what state it has, to go along with a command."""
    from .definition import Style
    from .definition.printing import text_of

    return {"definition": text_of(definition.core, Style.MIGRATE), "file": "definition"}


def _file(name: str, words: list[str]) -> dict[str, str]:
    return attachments_of(name, words)


def _pairs(variables: Mapping[str, str] | Sequence[Any]) -> dict[str, str]:
    """Names and values of a dictionary, of `Variable` objects, of pairs, or of ``NAME=value``."""
    if isinstance(variables, Mapping):
        return {str(name): str(value) for name, value in variables.items()}
    found = {}
    for one in variables:
        if isinstance(one, str):
            name, _, value = one.partition("=")
        elif isinstance(one, tuple | list):
            name, value = one
        else:
            name, value = one.name(), one.value()
        found[name.strip()] = str(value)
    return found
