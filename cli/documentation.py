"""The reference page of the commands, made from the table and the commands themselves.

``python -m tidemill.cli.documentation > docs/commands.md`` writes it again.
"""

from __future__ import annotations

import contextlib
import io

from .commands import COMMANDS, GROUPS, Command

INTRODUCTION = """\
# Commands

This page is made from the commands themselves: `python -m tidemill.cli.documentation > docs/commands.md`.

A command may be shortened as long as it stays clear: `tidemill val` is `tidemill validate`. Results go to
standard output, remarks and errors to standard error. The exit code is 0 for success, 1 for an error, which is
told in one line `ClassName: message`, and 130 if interrupted from the keyboard. Every command that reads prints
JSON with `--json`. `tidemill help id` tells how workflows, cycles, tasks and jobs are named.
"""


def commands_page() -> str:
    """The page, in Markdown."""
    parts = [INTRODUCTION]
    for group in GROUPS:
        members = [command for command in COMMANDS.values() if command.group == group]
        if not members:
            continue
        rows = "".join(f"| [`{command.name}`](#{command.name}) | {command.summary} |\n" for command in members)
        parts.append(f"## {group}\n\n| command | |\n|---|---|\n{rows}")
        parts += [_chapter(command) for command in members]
    return "\n".join(parts)


def _chapter(command: Command) -> str:
    aliases = ", ".join(f"`{alias}`" for alias in command.aliases)
    also = f"Also called {aliases}.\n\n" if aliases else ""
    return f"### {command.name}\n\n{also}```text\n{help_text(command)}```\n"


def help_text(command: Command) -> str:
    """What ``--help`` of a command prints, at a fixed width."""
    from importlib import import_module

    if not command.plain:
        import click

        module = import_module(command.module, __package__)
        # With the settings of the command: else what it prints would depend on whether it was run before.
        context = click.Context(
            module.command,
            info_name=f"tidemill {command.name}",
            terminal_width=100,
            help_option_names=module.command.context_settings.get("help_option_names"),
        )
        texts = [module.command.get_help(context)]
        for name, part in getattr(module.command, "commands", {}).items():
            texts.append(part.get_help(click.Context(part, context, info_name=name, terminal_width=100)))
        return "\n\n".join(texts) + "\n"
    from .main import run_command

    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.suppress(SystemExit):
        run_command(command, ["--help"])
    return written.getvalue()


if __name__ == "__main__":
    print(commands_page(), end="")
