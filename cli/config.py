"""`tidemill config`: print a configuration as it was understood."""

from __future__ import annotations

import os
from typing import Any

import click

from .options import against_source_option, cli_command, initial_point_option, template_options, template_variables
from .printer import Printer


@cli_command(
    epilog="""
  tidemill config ocean                              all of a workflow's configuration
  tidemill config ocean -i '[runtime][relax]script'  one item
  tidemill config ocean -i '[scheduling][graph]'     one section
  tidemill config                                    the site's configuration
"""
)
@click.argument("workflow", required=False, metavar="[WORKFLOW | PATH]")
@click.option(
    "-i",
    "--item",
    "items",
    multiple=True,
    metavar="[SECTION...]ITEM",
    help="Print this item or section only.",
)
@click.option("-d", "--defaults", is_flag=True, help="Print what is not set, too, with its default.")
@click.option("-n", "--null-value", default="", metavar="TEXT", help="Print this where a value is unset.")
@click.option("-o", "--one-line", is_flag=True, help="Print several single values on one line.")
@click.option(
    "--print-hierarchy",
    "--print-filenames",
    "--hierarchy",
    is_flag=True,
    help="Print where the site's files are looked for.",
)
@click.option("--platform-names", is_flag=True, help="Print the names of the site's platforms and platform groups.")
@click.option("--platforms", is_flag=True, help="Print the configuration of the site's platforms and platform groups.")
@against_source_option
@initial_point_option
@template_options
def command(
    printer: Printer,
    workflow: str | None,
    items: tuple[str, ...],
    defaults: bool,
    null_value: str,
    one_line: bool,
    print_hierarchy: bool,
    platform_names: bool,
    platforms: bool,
    against_source: bool,
    initial_cycle_point: str | None,
    set_values: tuple[str, ...],
    set_list: tuple[str, ...],
    set_file: str | None,
) -> int:
    """Print a workflow's configuration after templates and inheritance, or the site's if none is named."""
    from ..flow.language.globals import global_config_paths, load_global_config
    from . import config_text

    if print_hierarchy:
        paths = list(global_config_paths(os.environ))
        printer.result(paths, "\n".join(paths))
        return 0
    if workflow is None or platform_names or platforms:
        data = config_text.global_data(load_global_config(os.environ))
        if platform_names or platforms:
            data = {name: data.get(name, {}) for name in ("platforms", "platform groups")}
        if platform_names:
            names = {name: list(section) for name, section in data.items()}
            printer.result(names, "\n".join(name for section in names.values() for name in section))
            return 0
    else:
        from .definitions import load

        _, config = load(workflow, template_variables(set_values, set_list, set_file), against_source=against_source)
        for warning in config.warnings:
            printer.warn(warning)
        data = config_text.workflow_data(config, defaults=defaults)
        if initial_cycle_point is not None:
            data["scheduling"] = {**data["scheduling"], "initial cycle point": initial_cycle_point}
    if not items:
        printer.result(data, lambda: "\n".join(config_text.lines(data, null=null_value)))
        return 0
    found = [config_text.item_of(data, item) for item in items]
    result: Any = found[0] if len(items) == 1 else dict(zip(items, found, strict=True))
    texts = [_text(value, item, null_value) for value, item in zip(found, items, strict=True)]
    printer.result(result, (" " if one_line else "\n").join(texts) + "\n")
    return 0


def _text(value: Any, item: str, null: str) -> str:
    from . import config_text

    if isinstance(value, dict):
        return "\n".join(config_text.lines(value, depth=item.count("["), null=null))
    # Alone, a text of several lines needs no quotes.
    return value if isinstance(value, str) else config_text.value_text(value, null=null)
