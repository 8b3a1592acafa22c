"""Options that several commands share, and the decorator that makes a function a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .abbreviations import expand
from .exceptions import InputError
from .printer import make_printer

Function = TypeVar("Function", bound=Callable[..., Any])
COMMON = ("verbose", "quiet", "debug", "color", "timestamp")


class _Command(click.Command):
    """A command whose long options may be cut short."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        names = {
            name: parameter
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            for name in (*parameter.opts, *parameter.secondary_opts)
        }
        # Both names of a switch (--timestamp, --no-timestamp) are the same parameter, not the same meaning.
        meanings = {name: (id(one), name in one.secondary_opts) for name, one in names.items()}
        return super().parse_args(ctx, expand(args, meanings))


def cli_command(*, json: bool = True, epilog: str | None = None) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command: its docstring the help, its first argument a `Printer`.

    Arguments:
        json: whether to offer ``--json``; every command that reads does.
        epilog: examples, shown after the options as they are.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        parameters = list(reversed(getattr(function, "__click_params__", [])))
        parameters += common_options(json=json)

        def callback(**values: Any) -> Any:
            settings = {name: values.pop(name) for name in COMMON}
            if json:
                settings["json"] = values.pop("json")
            return function(make_printer(**settings), **values)

        return _Command(
            name=function.__name__,
            callback=callback,
            params=parameters,
            help=function.__doc__,
            epilog="\b\nExamples:\n" + epilog.strip("\n") if epilog else None,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )

    return decorate


def common_options(*, json: bool) -> list[click.Parameter]:
    """The options every command has."""
    options: list[click.Parameter] = []
    if json:
        options.append(click.Option(["--json"], is_flag=True, help="Print the result as JSON."))
    options += [
        click.Option(["-v", "--verbose"], count=True, help="Say more; twice for details."),
        click.Option(["-q", "--quiet"], count=True, help="Say less: only results, warnings and errors."),
        click.Option(["--debug"], is_flag=True, help="Say everything, and show the traceback of an error."),
        click.Option(
            ["--color", "--colour"],
            type=click.Choice(["never", "auto", "always"]),
            default="auto",
            show_default=True,
            help="When to use colour.",
        ),
        click.Option(["--timestamp/--no-timestamp"], default=False, help="Begin remarks with the time."),
    ]
    return options


def template_options(function: Function) -> Function:
    """``-s``, ``-z`` and ``--set-file``: values for the template variables of a workflow definition."""
    function = click.option(
        "--set-file", metavar="FILE", help="Read template variables from a file of NAME=VALUE lines."
    )(function)
    function = click.option(
        "-z",
        "--set-list",
        "--template-list",
        multiple=True,
        metavar="NAME=A,B,...",
        help="Set a template variable to a list of strings.",
    )(function)
    return click.option(
        "-s",
        "--set",
        "set_values",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a template variable to a Python literal: strings in quotes.",
    )(function)


def initial_point_option(function: Function) -> Function:
    """``--icp``: where the definition leaves the initial cycle point open, or to look from another one."""
    return click.option(
        "--initial-cycle-point",
        "--icp",
        metavar="POINT",
        help="Use this initial cycle point instead of the one defined.",
    )(function)


def against_source_option(function: Function) -> Function:
    """``--against-source``: the source of an installed workflow in place of its copy."""
    return click.option(
        "--against-source",
        is_flag=True,
        help="Look at the source that WORKFLOW was installed from, with the template variables of the run.",
    )(function)


def template_variables(
    set_values: tuple[str, ...], set_list: tuple[str, ...] = (), set_file: str | None = None
) -> dict[str, Any]:
    """The template variables of the command line, by name.

    Order of precedence, last wins: the file, ``-z``, ``-s``.

    Raises:
        InputError: a setting is not ``NAME=VALUE``, or its value not a Python literal.
    """
    variables: dict[str, Any] = {}
    if set_file is not None:
        try:
            with open(set_file, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except OSError as error:
            raise InputError(f"--set-file {set_file}: {error.strerror}") from error
        for number, line in enumerate(lines, 1):
            setting = line.strip()
            if setting and not setting.startswith("#"):
                name, value = _split(setting, f"{set_file}:{number}")
                variables[name] = _literal(name, value, f"{set_file}:{number}")
    for setting in set_list:
        import csv

        name, value = _split(setting, f"-z {setting}")
        row = next(csv.reader([value], quotechar="'", skipinitialspace=True), [])
        variables[name] = [item.strip() for item in row]
    for setting in set_values:
        name, value = _split(setting, f"-s {setting}")
        variables[name] = _literal(name, value, f"-s {setting}")
    return variables


def _split(setting: str, where: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals or not name.strip().isidentifier():
        raise InputError(f"{where}: expected NAME=VALUE with a variable name before the '='")
    return name.strip(), value.strip()


def _literal(name: str, value: str, where: str) -> Any:
    import ast

    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        quoted = f"{name}={value.strip(chr(34) + chr(39))!r}"
        raise InputError(
            f"{where}: {value or 'nothing'} is not a Python literal; for a string write {quoted}"
        ) from None
