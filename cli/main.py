"""The way in: finds the command a line means, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from .commands import COMMANDS, Command, candidates
from .exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "tidemill"
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell reports for a program ended by SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    0 is success; 1 an error, said in one line ``ClassName: message`` on standard error; 130 an interrupt
    from the keyboard; 141 a reader that closed its end of the pipe.

    Arguments:
        argv: the arguments without the program's name; those of this process if None.
    """
    # What a command imports stays: to look through it for garbage again and again would cost a tenth of its start.
    gc.set_threshold(50_000, 20, 20)
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more: the interpreter must not flush into the closed pipe again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:
        return _report(error, debug=_wants_traceback(arguments))


def run(arguments: list[str]) -> int:
    """Run one command line; errors are raised."""
    if not arguments or arguments[0] in ("-h", "--help"):
        arguments = ["help", *arguments[1:]]
    elif arguments[0] in ("-V", "--version"):
        arguments = ["version", *arguments[1:]]
    word, *rest = arguments
    if word.startswith("-"):
        raise UsageError(f"{word} must come after a command: {PROGRAM} COMMAND {word} ... (see '{PROGRAM} help')")
    return run_command(find(word), rest)


def find(word: str) -> Command:
    """The command a word means: its name, an alias, or a beginning that fits one command only."""
    found = candidates(word)
    if len(found) == 1:
        return COMMANDS[found[0]]
    if found:
        raise UsageError(f"{word} may mean {_listing(found)}: give more letters")
    from difflib import get_close_matches

    close = get_close_matches(word, list(COMMANDS), n=3, cutoff=0.6)
    hint = f"did you mean {_listing(close)}?" if close else f"'{PROGRAM} help' lists the commands"
    raise UsageError(f"no command is called {word}; {hint}")


def run_command(command: Command, arguments: list[str]) -> int:
    """Import a command and run it with its own arguments."""
    from importlib import import_module

    module = import_module(command.module, __package__)
    if command.plain:
        code: int | None = module.main(arguments)
    else:
        from click.exceptions import Exit

        # Not by click's own main, which prints an empty line when interrupted.
        try:
            with module.command.make_context(f"{PROGRAM} {command.name}", arguments) as context:
                code = module.command.invoke(context)
        except Exit as end:
            code = end.exit_code
    return code if isinstance(code, int) else 0


def _report(error: Exception, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
        return 1
    from ..exceptions import TidemillError

    name, message = type(error).__name__, str(error)
    if click := sys.modules.get("click"):
        if isinstance(error, click.exceptions.Abort):
            return INTERRUPTED
        if isinstance(error, click.ClickException):
            name, message = "UsageError", error.format_message()
            context = getattr(error, "ctx", None)
            if context is not None:
                message += f"\n{context.get_usage()}\nTry '{context.command_path} --help'."
    expected = (TidemillError, OSError, *((click.ClickException,) if click else ()))
    if not isinstance(error, expected):
        message += f"\nThis is a fault of {PROGRAM}: run it again with --debug for the traceback, and report it."
    sys.stdout.flush()
    print(f"{name}: {message}", file=sys.stderr)
    return 1


def _wants_traceback(arguments: list[str]) -> bool:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--debug" in options


def _listing(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


if __name__ == "__main__":
    sys.exit(main())
