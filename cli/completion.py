"""`tidemill completion`: scripts that let a shell complete commands, options and workflows."""

from __future__ import annotations

import click

from .commands import ALIASES, COMMANDS, candidates
from .options import cli_command
from .printer import Printer

BASH = """\
# Completion of tidemill for bash. Put in ~/.bashrc:  eval "$(tidemill completion bash)"
_tidemill() {
    local IFS=$'\\n'
    # Workflow ids hold colons and equals signs nowhere, so the words are taken as bash parts them.
    COMPREPLY=($(tidemill completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then compopt -o nospace; fi
}
complete -o default -F _tidemill tidemill
"""

ZSH = """\
#compdef tidemill
# Completion of tidemill for zsh. Put in ~/.zshrc, after compinit:  eval "$(tidemill completion zsh)"
_tidemill() {
    local -a found
    found=("${(@f)$(tidemill completion words -- "${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
    if [[ -n ${found[1]} ]]; then compadd -a found; else _files; fi
}
compdef _tidemill tidemill
"""

FISH = """\
# Completion of tidemill for fish. Put in ~/.config/fish/completions/tidemill.fish:  tidemill completion fish
function __tidemill_words
    set -l found (commandline -opc)
    tidemill completion words -- $found[2..-1] (commandline -ct) 2>/dev/null
end
complete -c tidemill -a '(__tidemill_words)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
SOURCES_TOO = frozenset({"validate", "config", "list", "graph"})
SOURCES_ONLY = frozenset({"install"})
NO_WORKFLOWS = frozenset({"scan", "version", "completion", "cycle-point"})


@cli_command(
    json=False,
    epilog="""
  eval "$(tidemill completion bash)"
  tidemill completion fish > ~/.config/fish/completions/tidemill.fish
""",
)
@click.argument("what", type=click.Choice([*SCRIPTS, "words"]), metavar="bash|zsh|fish")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="")
def command(printer: Printer, what: str, words: tuple[str, ...]) -> int:
    """Print a script that lets your shell complete commands, options and workflows of tidemill."""
    if what == "words":
        found = complete(list(words))
        printer.result(found, "\n".join(found))
    else:
        printer.result(SCRIPTS[what], SCRIPTS[what])
    return 0


def complete(words: list[str]) -> list[str]:
    """What the last of some words may become.

    Arguments:
        words: those after ``tidemill`` up to the cursor, the last one unfinished and perhaps empty.
    """
    *before, last = words or [""]
    if not before:
        found = [name for name in COMMANDS if name.startswith(last)]
        return sorted(found or [alias for alias in ALIASES if alias.startswith(last)])
    found = candidates(before[0])
    if len(found) != 1:
        return []
    name = found[0]
    if last.startswith("-"):
        return [option for option in options_of(name) if option.startswith(last)]
    if name == "help":
        return sorted(word for word in [*COMMANDS, "all", "id", "license"] if word.startswith(last))
    if name == "completion":
        return sorted(word for word in SCRIPTS if word.startswith(last))
    if name in NO_WORKFLOWS or last.startswith((".", "/", "~")):
        return []
    return sorted({word for word in workflow_words(name) if word.startswith(last)})


def options_of(name: str) -> list[str]:
    """The long options of a command."""
    from importlib import import_module

    entry = COMMANDS[name]
    if entry.plain:
        return _plain_options(name)
    module = import_module(entry.module, __package__)
    found = {"--help"}
    for parameter in module.command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            found.update(option for option in [*parameter.opts, *parameter.secondary_opts] if option.startswith("--"))
    return sorted(found)


def _plain_options(name: str) -> list[str]:
    """A plain command tells its options in its help only."""
    import contextlib
    import io
    import re

    from .main import run_command

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        run_command(COMMANDS[name], ["--help"] if name != "help" else ["help"])
    return sorted(set(re.findall(r"--[a-z][a-z-]+", text.getvalue())))


def workflow_words(name: str) -> list[str]:
    """The workflows a command may be about: runs, and latest runs by their short name, or sources."""
    from .workflows import installed_runs, installed_sources

    words: list[str] = []
    if name not in SOURCES_ONLY:
        for run in installed_runs():
            words.append(run)
            parent, _, last = run.rpartition("/")
            if parent and last.startswith("run"):
                words.append(parent)
    if name in SOURCES_TOO or name in SOURCES_ONLY:
        words += installed_sources()
    return words
