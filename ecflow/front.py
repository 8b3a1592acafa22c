"""The program ``ecflow_client``: one command line in, ecFlow's texts and exit codes out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .. import __version__
from .arguments import HEADING, Invocation, parse, wrong
from .commands import CHILD, COMMANDS, LOCAL
from .exceptions import ArgumentError, EcflowError
from .settings import Settings, settings_of


def main(argv: Sequence[str]) -> int:
    """Carry out one command line; returns 0 or 1."""
    try:
        invocation = parse(argv)
        settings = settings_of().with_options(invocation.options)
        return run(invocation, settings)
    except ArgumentError as error:
        is_whole = str(error).startswith("ecflow_client:")
        print(error if is_whole else wrong(str(error).removeprefix(HEADING), argv), file=sys.stderr)
    except EcflowError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def run(invocation: Invocation, settings: Settings) -> int:
    """Carry out a command; raises `EcflowError`."""
    command = COMMANDS[invocation.command]
    if settings.is_off:
        print("NO_ECF")
        return 0
    if command.route == LOCAL:
        _local(invocation, settings)
        return 0
    if command.route == CHILD:
        return _child(invocation, settings)
    return _user(invocation, settings)


def _local(invocation: Invocation, settings: Settings) -> None:
    if invocation.command == "help":
        from .help import help_text

        print(help_text(invocation.words[0] if invocation.words else ""), end="")
    elif invocation.command == "version":
        print(f"Ecflow version(5.9.2) as spoken by Tidemill {__version__} protocol(JSON over CurveZMQ)")
    else:
        rows = {
            "host": f"{settings.host} (from {settings.host_source})",
            "port": f"{settings.port} (from {settings.port_source})",
            "user": settings.user or "the login name",
            "ECF_HOSTFILE": settings.host_file or "none",
            "ECF_NAME": settings.path or "none",
            "ECF_PASS": "set" if settings.job_password else "none",
            "ECF_TRYNO": settings.try_number,
            "ECF_RID": settings.process_id or "none",
            "ECF_TIMEOUT": f"{settings.timeout_seconds} s",
            "ECF_ZOMBIE_TIMEOUT": f"{settings.zombie_timeout_seconds} s",
            "ECF_DENIED": "set" if settings.is_denied else "not set",
        }
        for name, value in rows.items():
            print(f"{name:<20} {value}")


def _child(invocation: Invocation, settings: Settings) -> int:
    from .asking import Asking

    name = invocation.command
    needed = {"ECF_NAME": (settings.path, "No task path"), "ECF_PASS": (settings.job_password, "No job password")}
    for variable, (value, what) in needed.items():
        if not value:
            raise ArgumentError(f"{name.capitalize()}Cmd: {what} specified for {variable}")
    words = list(invocation.words)
    if name == "init" and words:
        settings.process_id = settings.process_id if "rid" in invocation.options else words[0]
        words = []
    asking = Asking(settings)
    try:
        value = asking.child(name, words, add=invocation.added, remove=list(invocation.removed))
    finally:
        asking.close()
    if value:
        print(value)
    return 0


def _user(invocation: Invocation, settings: Settings) -> int:
    from .asking import Asking, attachments_of

    name, words = invocation.command, list(invocation.words)
    command = COMMANDS[name]
    if command.confirm and "yes" not in words and not _confirmed(command.confirm, words):
        return 1
    asking = Asking(settings)
    try:
        if name == "ping":
            seconds = asking.ping()
            milliseconds = round(seconds * 1000)
            print(f"ping server({settings.where}) succeeded in {_duration(seconds)}  ~{milliseconds} milliseconds")
            return 0
        if name == "load" and not {"check_only", "print", "stats"}.isdisjoint(words[1:]):
            from .checking import check_file

            check_file(words[0], is_printed="print" in words[1:], is_counted="stats" in words[1:])
            if "check_only" in words[1:]:
                return 0
        if name == "plug" and not words[1].startswith("/"):
            from .plugging import move

            move(asking, *words[:2])
            return 0
        answer = asking.user_command(name, words, attachments=attachments_of(name, words), line=invocation.line)
    finally:
        asking.close()
    text = str(answer.get("text", ""))
    if text:
        print(text, end="" if text.endswith("\n") else "\n")
    return 0


def _confirmed(question: str, words: list[str]) -> bool:
    what = "all suites" if "_all_" in words else " ".join(word for word in words if word.startswith("/"))
    print(question.format(what=what), end=" ", flush=True)
    answer = sys.stdin.readline()
    if not answer:
        print("\nnothing was done: there is nobody to ask. Give yes among the arguments", file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def _duration(seconds: float) -> str:
    whole, part = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:06d}"
