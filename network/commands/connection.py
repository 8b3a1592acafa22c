"""A connection to a command server, whose commands are its methods."""

from __future__ import annotations

import difflib
import os
from typing import Any

from .listener import AsynchronousListener, Listener
from .session import Heartbeat, Session
from .steps import carry_out, carry_out_asynchronously

CLIENT_COMMANDS = ("fetch", "transfer")


class Connection:
    """A connection to the command server at a host and port. The server's commands are its methods once connected.

    Every command takes, besides its own arguments:

        complete: wait for its end and return the list of all it put out; otherwise return a `Listener` at once.
        timeout: seconds in which the server must have taken it up.
        echo_response: print what it puts out as it comes.
        max_interval: seconds to wait for the next of what it puts out; `ClientTimeout` is raised when they are over,
            and a job runs on.
        raise_error: raise `CommandFailed` if it fails. Otherwise the error, if there is one, is the last of the list,
            and `exit_code` of the listener tells.

    It can be used by any thread, and by several at once.

    Arguments:
        session: where it goes.
        enter_connect: whether ``with`` connects.
        enter_connect_timeout: seconds it has for that.
    """

    def __init__(
        self, session: Session, *, enter_connect: bool = True, enter_connect_timeout: float | None = None
    ) -> None:
        self._session = session
        self._enter_connect = enter_connect
        self._enter_connect_timeout = enter_connect_timeout
        self._methods: dict[str, Any] = {}

    @property
    def hostname(self) -> str:
        """Where the server is."""
        return self._session.host

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._session.port

    @property
    def connected(self) -> bool:
        """Whether commands can be sent."""
        return self._session.commands is not None

    @property
    def patience_seconds(self) -> float:
        """How long listeners wait for a server that is gone before they raise `ServerLost`."""
        return self._session.patience_seconds

    @patience_seconds.setter
    def patience_seconds(self, seconds: float) -> None:
        self._session.patience_seconds = seconds

    @property
    def asynchronous(self) -> AsynchronousConnection:
        """The same connection for event loops: its methods are awaited."""
        return AsynchronousConnection(self._session, enter_connect_timeout=self._enter_connect_timeout)

    def connect(self, timeout: float | None = None) -> None:
        """Connect, and learn the server's commands.

        Arguments:
            timeout: seconds to try for; None or 0 for as long as it takes.

        Raises:
            NotConnected: a `ConnectionError`: nobody answered in time, or we are not let in.
        """
        carry_out(self._session.connect(timeout), self._session.ask_anyhow)
        self._forget_methods()

    def disconnect(self) -> None:
        """Close the connection; `connect` makes it again. Jobs run on."""
        self._session.disconnect()
        self._forget_methods()

    close = disconnect

    def heartbeat(self, timeout: float | None = None) -> Heartbeat:
        """Whether the loop that does the server's work answers in time, and how late it was.

        Arguments:
            timeout: seconds; 5 by default.
        """
        return carry_out(self._session.heartbeat(timeout), self._session.ask)

    def server_methods(self) -> list[str]:
        """The names of the commands, sorted; among them what the client does by itself."""
        return _names(self._session)

    def command(self, name: str, /, *arguments: Any, complete: bool = True, **keywords: Any) -> Any:
        """Send a command by its name; what a method of that name does, also where this class has one of its own."""
        if complete and not keywords:
            # What most calls are: nothing to hand over step by step.
            outputs = self._session.plain(name, arguments)
            if outputs is not None:
                return outputs
        output = carry_out(_command(self._session, name, arguments, keywords), self._session.ask)
        listener = Listener(output)
        return list(listener) if complete else listener

    def attach(
        self,
        job: int,
        *,
        stream: str | None = None,
        offset: int = 0,
        max_interval: float | None = None,
        echo_response: bool = False,
        raise_error: bool = False,
    ) -> Listener:
        """A listener of a job that was started before, by whomever, from the beginning or an offset on.

        Arguments:
            job: its number.
            stream: ``out``, or ``err`` of a command whose errors are apart; what it yields if it is a method.
            offset: in bytes.
        """
        steps = self._session.attach(
            job, stream, offset, max_interval=max_interval, echo_response=echo_response, raise_error=raise_error
        )
        return Listener(carry_out(steps, self._session.ask))

    def transfer(
        self,
        src: str | os.PathLike[str],
        dest: str,
        chunk: int | None = None,
        timeout: float | None = None,
        *,
        progress: bool | None = None,
    ) -> Any:
        """Copy a file to the server's host; returns its size and SHA-256.

        Arguments:
            src: the file here.
            dest: its name there; the directories above it are made.
            chunk: bytes in a piece; 1 MiB by default.
            timeout: seconds in which the server must answer to a piece.
            progress: show how far it is on standard error; by default if that is a terminal.

        Raises:
            CommandFailed: the destination cannot be written; says why. It is then as it was.
            ClientError: the source cannot be read, or the server is gone: repeated, it goes on where it was.
        """
        from .transfer import in_own_loop, transfer

        work = transfer(self._session, os.fspath(src), dest, chunk, timeout, progress=progress)
        return in_own_loop(self._session, work)

    def fetch(
        self,
        src: str,
        dest: str | os.PathLike[str],
        chunk: int | None = None,
        timeout: float | None = None,
        *,
        progress: bool | None = None,
    ) -> Any:
        """Copy a file from the server's host: the way back of `transfer`."""
        from .transfer import fetch, in_own_loop

        work = fetch(self._session, src, os.fspath(dest), chunk, timeout, progress=progress)
        return in_own_loop(self._session, work)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        _check_name(self._session, name)

        def command(*arguments: Any, complete: bool = True, **keywords: Any) -> Any:
            return self.command(name, *arguments, complete=complete, **keywords)

        # Not to be made again for every call; a name of the server's is no attribute of ours.
        self.__dict__[name] = self._methods[name] = _described(command, self._session, name)
        return command

    def _forget_methods(self) -> None:
        for name in self._methods:
            self.__dict__.pop(name, None)
        self._methods.clear()

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_names(self._session)})

    def __repr__(self) -> str:
        return f"<connection to {self._session.where}, {'connected' if self.connected else 'not connected'}>"

    def __enter__(self) -> Connection:
        if self._enter_connect:
            self.connect(self._enter_connect_timeout)
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()


class AsynchronousConnection:
    """`Connection` for event loops: the same methods, to be awaited."""

    def __init__(self, session: Session, *, enter_connect_timeout: float | None = None) -> None:
        self._session = session
        self._enter_connect_timeout = enter_connect_timeout

    @property
    def connected(self) -> bool:
        """Whether commands can be sent."""
        return self._session.commands is not None

    async def connect(self, timeout: float | None = None) -> None:
        """Connect, as `Connection.connect`."""
        await carry_out_asynchronously(self._session.connect(timeout), self._session.ask_anyhow_asynchronously)

    def disconnect(self) -> None:
        """Close the connection; `connect` makes it again."""
        self._session.disconnect()

    close = disconnect

    async def heartbeat(self, timeout: float | None = None) -> Heartbeat:
        """As `Connection.heartbeat`."""
        return await carry_out_asynchronously(self._session.heartbeat(timeout), self._session.ask_asynchronously)

    def server_methods(self) -> list[str]:
        """The names of the commands."""
        return _names(self._session)

    async def command(self, name: str, /, *arguments: Any, complete: bool = True, **keywords: Any) -> Any:
        """Send a command by its name; without `complete` an `AsynchronousListener` is returned."""
        steps = _command(self._session, name, arguments, keywords)
        output = await carry_out_asynchronously(steps, self._session.ask_asynchronously)
        listener = AsynchronousListener(output)
        return [message async for message in listener] if complete else listener

    async def attach(
        self, job: int, *, stream: str | None = None, offset: int = 0, **settings: Any
    ) -> AsynchronousListener:
        """A listener of a job that was started before, as `Connection.attach`."""
        steps = self._session.attach(job, stream, offset, **settings)
        return AsynchronousListener(await carry_out_asynchronously(steps, self._session.ask_asynchronously))

    async def transfer(
        self,
        src: str | os.PathLike[str],
        dest: str,
        chunk: int | None = None,
        timeout: float | None = None,
        *,
        progress: bool | None = None,
    ) -> Any:
        """Copy a file to the server's host, as `Connection.transfer`."""
        from .transfer import transfer

        return await transfer(self._session, os.fspath(src), dest, chunk, timeout, progress=progress)

    async def fetch(
        self,
        src: str,
        dest: str | os.PathLike[str],
        chunk: int | None = None,
        timeout: float | None = None,
        *,
        progress: bool | None = None,
    ) -> Any:
        """Copy a file from the server's host, as `Connection.fetch`."""
        from .transfer import fetch

        return await fetch(self._session, src, os.fspath(dest), chunk, timeout, progress=progress)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        _check_name(self._session, name)

        async def command(*arguments: Any, complete: bool = True, **keywords: Any) -> Any:
            return await self.command(name, *arguments, complete=complete, **keywords)

        return _described(command, self._session, name)

    async def __aenter__(self) -> AsynchronousConnection:
        await self.connect(self._enter_connect_timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.disconnect()


def _command(session: Session, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    _check_name(session, name)
    settings = {key: keywords.pop(key) for key in _SETTINGS if key in keywords}
    return session.command(name, arguments, keywords, **settings)


_SETTINGS = ("timeout", "echo_response", "max_interval", "raise_error")


def _names(session: Session) -> list[str]:
    if session.commands is None:
        return []
    shown = [about.name for about in session.commands.values() if not about.hidden]
    return sorted({*shown, *(CLIENT_COMMANDS if "put_begin" in session.commands else ())})


def _check_name(session: Session, name: str) -> None:
    # Without a connection nobody knows: the call will say that there is none.
    if session.commands is None or name in session.commands:
        return
    close = difflib.get_close_matches(name, _names(session), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "server_methods() lists them"
    raise AttributeError(f"The server at {session.where} has no command {name!r}: {hint}")


def _described(command: Any, session: Session, name: str) -> Any:
    command.__name__ = name
    if session.commands is not None:
        about = session.commands[name]
        command.__doc__ = f"{about.signature}\n\n{about.documentation}"
    return command
