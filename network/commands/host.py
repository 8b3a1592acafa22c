"""The command server of a host: runs commands, and handles files. `tidemill serve-commands` starts one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from ..envelope import Attached
from ..exceptions import RequestRefused
from ..expose import expose
from . import files
from .jobs import PROCESS
from .server import CommandServer, shape
from .transfers import Transfers

SHELL = "/bin/sh"
Meta = dict[str, Any] | None
Value = TypeVar("Value")


class HostServer(CommandServer):
    """Runs commands, and handles files, as the user it runs as.

    A path that is not absolute begins in the caller's directory: where the server was started, until he changes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._home = os.getcwd()
        self._transfers = Transfers()

    async def close(self) -> None:
        await super().close()
        self._transfers.close()

    # --- commands ---

    @shape(starts_job=True)
    @expose
    async def exec(
        self,
        command: str | list[str],
        cwd: str | None = None,
        env: dict[str, str | None] | None = None,
        time_limit: float | None = None,
        merge: bool = True,
        input: bool = True,
        meta: Meta = None,
    ) -> dict[str, Any]:
        """Run a command; its output is that of the job.

        Arguments:
            command: a text is given to the shell, a list of words is a program and its arguments.
            cwd: the directory it begins in.
            env: variables to add to the environment it gets, or, where null, to leave out.
            time_limit: seconds after which it is ended.
            merge: whether its standard error goes where its standard output does.
            input: whether it can be sent input; it has none at all otherwise.
        """
        argv = [SHELL, "-c", command] if isinstance(command, str) else command
        if not argv or not argv[0]:
            raise RequestRefused("exec: there is no command")
        if time_limit is not None and not time_limit > 0:
            raise RequestRefused(f"exec: {time_limit} is not a time limit in seconds")
        meta = meta or {}
        # Answered from the server's memory too, but that ends with the server.
        request = str(meta.get("id", ""))
        job = self.jobs_table.find_request(request) if request else None
        if job is None:
            environment = dict(os.environ)
            for name, value in (env or {}).items():
                if value is None:
                    environment.pop(name, None)
                else:
                    environment[name] = value
            directory = files.resolve(self._directory(meta), cwd or ".")
            job = self.jobs_table.add(
                PROCESS, command, client=str(meta.get("key", "")), request=request, working_directory=directory
            )
            await self.jobs_table.start(
                job, argv, environment=environment, merge=merge, input=input, time_limit_seconds=time_limit
            )
        return {"job": job.number, "stream": "out"}

    # --- the host ---

    @expose(access="read")
    def os_info(self) -> dict[str, str]:
        """Tell what system this is."""
        about = os.uname()
        return {"system": about.sysname, "release": about.release, "machine": about.machine, "host": about.nodename}

    @expose(access="read")
    def user_name(self) -> str:
        """Tell whom commands run as."""
        return self.place.owner

    @expose(access="read")
    def get_time(self) -> str:
        """Tell the time of this host, in ISO 8601 with its offset."""
        return datetime.now().astimezone().isoformat()

    # --- directories and files ---

    @expose(access="read")
    def cwd(self, meta: Meta = None) -> str:
        """Tell the caller's directory."""
        return self._directory(meta)

    @expose(access="read")
    async def cd(self, dest: str = "~", meta: Meta = None) -> str:
        """Change the caller's directory, and nobody else's; returns it."""
        return await _in_thread(partial(files.change_directory, self._directory(meta), dest))

    @shape(listed=True)
    @expose(access="read")
    async def ls(self, src: str = ".", meta: Meta = None) -> list[dict[str, Any]]:
        """List a directory: name, kind, size, mode and time of each entry."""
        return await _in_thread(partial(files.list_directory, self._resolve(src, meta)))

    @expose
    async def mkdir(self, path: str, mode: int | None = None, meta: Meta = None) -> str:
        """Make a directory; returns its path."""
        target = self._resolve(path, meta)
        await _in_thread(partial(files.make_directory, target, mode))
        return target

    @expose
    async def mkdirs(self, path: str, exist_ok: bool = False, meta: Meta = None) -> str:
        """Make a directory with those above it; returns its path."""
        target = self._resolve(path, meta)
        await _in_thread(partial(files.make_directory, target, None, parents=True, exist_ok=exist_ok))
        return target

    @expose
    async def rm(self, path: str, recursive: bool = False, meta: Meta = None) -> str:
        """Remove a file, or a directory: with all that is in it only if `recursive`."""
        target = self._resolve(path, meta)
        await _in_thread(partial(files.remove, target, recursive=recursive))
        return target

    @expose(once=False)
    async def rdfile(self, path: str, limit: int = 1 << 20, meta: Meta = None) -> Attached:
        """Return the bytes of a file, in pieces.

        Arguments:
            limit: bytes in a piece.
        """
        if limit < 1:
            raise RequestRefused(f"rdfile: pieces of {limit} bytes are none")
        return Attached({"pieces": limit}, await _in_thread(partial(files.read_file, self._resolve(path, meta))))

    @expose
    async def wrfile(
        self,
        path: str,
        data: str | None = None,
        append: bool = False,
        meta: Meta = None,
        attachment: memoryview | bytes = b"",
    ) -> int:
        """Write a file; returns how many bytes.

        Arguments:
            data: text, written as UTF-8, or bytes.
            append: add it to what is there.
        """
        content = attachment if data is None else data.encode("utf-8", "surrogateescape")
        return await _in_thread(partial(files.write_file, self._resolve(path, meta), content, append=append))

    @expose
    async def touch(self, path: str, meta: Meta = None) -> str:
        """Make an empty file, or give one the time of now."""
        target = self._resolve(path, meta)
        await _in_thread(partial(files.touch, target))
        return target

    # --- copying files ---

    @shape(hidden=True)
    @expose(once=False)
    async def put_begin(self, path: str, size: int, mode: int, key: str, meta: Meta = None) -> dict[str, Any]:
        """Begin to receive a file, or go on with it."""
        if size < 0 or not key.isalnum():
            raise RequestRefused("put_begin: a size and a key of letters and digits are needed")
        return await self._transfers.begin_put(self._resolve(path, meta), size=size, mode=mode, key=key)

    @shape(hidden=True)
    @expose(once=False)
    async def put_restart(self, transfer: str) -> bool:
        """Begin again with what was begun before."""
        await self._transfers.restart_put(transfer)
        return True

    @shape(hidden=True)
    @expose(once=False)
    async def put(self, transfer: str, offset: int, attachment: memoryview | bytes = b"") -> int:
        """Receive the next piece; returns the offset reached."""
        return await self._transfers.put(transfer, offset, attachment)

    @shape(hidden=True)
    @expose
    async def put_end(self, transfer: str, sha256: str) -> dict[str, Any]:
        """Check what came, and put it in its place."""
        return await self._transfers.end_put(transfer, sha256)

    @shape(hidden=True)
    @expose(once=False)
    async def get_begin(self, path: str, meta: Meta = None) -> dict[str, Any]:
        """Begin to send a file."""
        return await self._transfers.begin_get(self._resolve(path, meta))

    @shape(hidden=True)
    @expose(once=False)
    async def get_skip(self, transfer: str, offset: int) -> str:
        """Pass over what the client has; returns its SHA-256."""
        return await self._transfers.skip(transfer, offset)

    @shape(hidden=True)
    @expose(once=False)
    async def get(self, transfer: str, offset: int, length: int) -> bytes:
        """Send the next piece."""
        return await self._transfers.get(transfer, offset, length)

    @shape(hidden=True)
    @expose(once=False)
    async def get_end(self, transfer: str) -> str:
        """Return the SHA-256 of what was sent."""
        return await self._transfers.end_get(transfer)

    def _directory(self, meta: Meta) -> str:
        given = (meta or {}).get("cwd")
        return given if isinstance(given, str) and os.path.isabs(given) else self._home

    def _resolve(self, path: str, meta: Meta) -> str:
        return files.resolve(self._directory(meta), path)


async def _in_thread(work: Callable[[], Value]) -> Value:
    return await asyncio.get_running_loop().run_in_executor(None, work)
