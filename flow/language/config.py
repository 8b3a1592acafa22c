"""`load_config`: a workflow directory to its validated, typed and fully inherited configuration."""

from __future__ import annotations

import contextlib
import gc
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from .exceptions import ConfigError
from .globals import GlobalConfig, merge
from .items import RUNTIME_SPECIFICATION, SPECIFICATION
from .namespaces import read_runtime
from .parameters import complete_templates, expand_member
from .preprocess import process
from .sections import Entry, Section, parse_sections
from .source import Location, Origin, Source, read_source
from .specification import defaults, fill_defaults, validate, where_written
from .upgrades import apply_upgrades

FLOW_FILE = "flow.cylc"
OLD_FLOW_FILE = "suite.rc"
_SECTIONS_READ_APART = ("runtime", "task parameters")


class GraphText(Struct, frozen=True):
    """One ``recurrence = graph string`` as written; repeated recurrences stay apart."""

    recurrence: str
    text: str
    """The graph string, quotes and common indentation removed, comments still inside."""
    location: Location
    """Of the item."""
    origins: tuple[Origin, ...] = ()

    def line_of(self, index: int) -> Location:
        """The location of a line of `text`, counted from 0."""
        return Location(*self.origins[index]) if 0 <= index < len(self.origins) else self.location


class WorkflowConfig(Struct, eq=False):
    """A workflow as configured: everything the definition is built from.

    Namespaces that change nothing share the dicts of their parents: treat all of it as read-only.
    """

    items: dict[str, Any]
    """By section names as in Cylc, typed, defaults filled in; without runtime, graph and task parameters."""
    graphs: list[GraphText]
    """In file order."""
    runtime: dict[str, dict[str, Any]]
    """Settings of every namespace, its own and inherited; only what is set."""
    runtime_defaults: dict[str, Any]
    """Defaults of one namespace, nested alike."""
    ancestors: dict[str, tuple[str, ...]]
    """Resolution order by namespace, itself first, ``root`` last; namespaces in definition order."""
    first_parents: dict[str, str | None]
    parameters: dict[str, tuple[int | str, ...]]
    parameter_templates: dict[str, str]
    task_parameters: dict[str, dict[str, int | str]]
    """Concrete namespace to its parameter values, for ``CYLC_TASK_PARAM_*``."""
    source_file: str
    directory: str
    processed_text: str
    """What was parsed: includes, template and continuation lines resolved."""
    compatibility: bool
    """Read from ``suite.rc``."""
    template_variables: dict[str, Any]
    warnings: list[str]
    _tree: Section
    _headings: dict[str, list[Section]]

    def implicit_runtime(self, name: str) -> dict[str, Any]:
        """The settings of a task: its own, or those of ``root`` where ``[runtime]`` does not have it."""
        return self.runtime.get(name) or self.runtime["root"]

    def where(self, *path: str) -> Location | None:
        """Where an item or section is written; for a namespace's setting the nearest ancestor that has it.

        Args:
            path: Names from the top, such as ``"runtime", "foo", "script"``.
        """
        if len(path) < 2 or path[0] != "runtime":
            return where_written(self._tree, path)
        for namespace in self.ancestors.get(path[1], (path[1],)):
            for heading in reversed(self._headings.get(namespace, ())):
                location = where_written(heading, path[2:])
                if location is not None:
                    return location
        return None


def load_config(
    directory: str,
    *,
    template_variables: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    global_config: GlobalConfig | None = None,
) -> WorkflowConfig:
    """Read the ``flow.cylc`` (or ``suite.rc``) of a directory.

    Args:
        directory: The workflow directory.
        template_variables: Values for the template, already typed; see `parse_template_variables`.
        environment: The process environment the template may see; none if left out.
        global_config: Site settings that fill in what the workflow leaves unset; built-in values if left out.

    Raises:
        LanguageError: The workflow is not valid; the message has file and line.
    """
    with _without_collection():
        return _load(
            os.path.abspath(directory),
            template_variables or {},
            environment or {},
            global_config or GlobalConfig(),
        )


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage collection meanwhile: reading keeps all it makes, the collector would walk it each time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load(
    directory: str,
    template_variables: Mapping[str, Any],
    environment: Mapping[str, str],
    global_config: GlobalConfig,
) -> WorkflowConfig:
    path, compatibility = find_workflow_file(directory)
    variables = dict(template_variables)
    source = process(read_source(path, directory), directory, variables, environment)
    tree = parse_sections(source)
    warnings = apply_upgrades(tree)
    return _assemble(
        tree,
        source,
        path=path,
        directory=directory,
        compatibility=compatibility,
        variables=variables,
        warnings=warnings,
        global_config=global_config,
    )


def find_workflow_file(directory: str) -> tuple[str, bool]:
    """The workflow file of a directory, and whether it is a ``suite.rc``, which asks for Cylc 7 behaviour.

    Raises:
        ConfigError: None is there, or both are.
    """
    new, old = os.path.join(directory, FLOW_FILE), os.path.join(directory, OLD_FLOW_FILE)
    has_new, has_old = os.path.isfile(new), os.path.isfile(old)
    if has_new and has_old:
        if os.path.samefile(new, old):
            return old, True
        raise ConfigError(
            f"both {FLOW_FILE} and {OLD_FLOW_FILE} are in {directory}",
            hint=f"Keep {FLOW_FILE}; keep {OLD_FLOW_FILE} alone only for the behaviour of Cylc 7.",
        )
    if not has_new and not has_old:
        raise ConfigError(f"no {FLOW_FILE} in {directory}", hint="Name the directory of a workflow.")
    return (new, False) if has_new else (old, True)


def _assemble(
    tree: Section,
    source: Source,
    *,
    path: str,
    directory: str,
    compatibility: bool,
    variables: dict[str, Any],
    warnings: list[str],
    global_config: GlobalConfig,
) -> WorkflowConfig:
    parameters, templates = _read_parameters(tree)
    items = _read_items(tree)
    graphs = _read_graphs(tree, items)
    namespaces = read_runtime(tree, parameters, templates)
    _expand_members(items, tree, parameters, templates)
    _finish_xtriggers(items, tree)
    compatible_implicit = compatibility and not os.path.exists(os.path.join(directory, "rose-suite.conf"))
    _inherit_from_site(items, global_config, compatibility, compatible_implicit)
    return WorkflowConfig(
        items=items,
        graphs=graphs,
        runtime=namespaces.runtime,
        runtime_defaults=_runtime_defaults(global_config),
        ancestors=namespaces.ancestors,
        first_parents=namespaces.first_parents,
        parameters=parameters,
        parameter_templates=templates,
        task_parameters=namespaces.parameters,
        source_file=path,
        directory=directory,
        processed_text="".join(f"{line.rstrip()}\n" for line in source.lines),
        compatibility=compatibility,
        template_variables=variables,
        warnings=warnings,
        _tree=tree,
        _headings=namespaces.headings,
    )


def _read_items(tree: Section) -> dict[str, Any]:
    """Everything but ``[runtime]`` and ``[task parameters]``, with defaults."""
    for name, child in tree.children.items():
        if name in _SECTIONS_READ_APART and isinstance(child, Entry):
            raise ConfigError(
                f"{name} is a section, not an item",
                location=child.location,
                hint=f"Write it as a heading: [{name}]",
            )
    rest = Section("", 0, tree.source, {n: c for n, c in tree.children.items() if n not in _SECTIONS_READ_APART})
    items = fill_defaults(validate(rest, SPECIFICATION), SPECIFICATION)
    for name in _SECTIONS_READ_APART:
        del items[name]
    return items


def _read_parameters(tree: Section) -> tuple[dict[str, tuple[int | str, ...]], dict[str, str]]:
    section = tree.children.get("task parameters")
    if not isinstance(section, Section):
        return {}, {}
    specification = SPECIFICATION.section("task parameters")
    values = validate(section, specification, ("task parameters",))
    templates = values.pop("templates", {})
    for name in values:
        if not re.match(r"\w+\Z", name):
            raise ConfigError(
                f"not a parameter name: {name!r}",
                location=section.children[name].location,
                hint="A name holds letters, digits and _.",
            )
    for name in templates:
        if name not in values:
            location = where_written(section, ("templates", name))
            raise ConfigError(f"template of a parameter that is not defined: {name}", location=location)
    completed = complete_templates(values, {name: text for name, text in templates.items() if text})
    for name, choices in values.items():
        if choices:
            _check_template(name, completed[name], choices[0], where_written(section, ("templates", name)))
    return values, completed


def _check_template(name: str, template: str, value: int | str, location: Location | None) -> None:
    try:
        template % {name: value}
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"bad template of task parameter {name}: {template!r}",
            location=location,
            hint=f"A template looks like _{name}%({name})s or, for numbers, _{name}%({name})03d.",
        ) from error


def _read_graphs(tree: Section, items: dict[str, Any]) -> list[GraphText]:
    items["scheduling"].pop("graph", None)
    scheduling = tree.children.get("scheduling")
    section = scheduling.children.get("graph") if isinstance(scheduling, Section) else None
    if not isinstance(section, Section):
        return []
    entries = [entry for first in section.entries() for entry in (first, *first.continued)]
    return [_graph_text(entry) for entry in sorted(entries, key=lambda entry: entry.index)]


def _graph_text(entry: Entry) -> GraphText:
    try:
        text, origins = entry.text_and_origins()
    except ValueError as error:
        raise ConfigError(
            f"[scheduling][graph]{entry.key} = {entry.value}\n  not a valid string: {error}",
            location=entry.location,
        ) from error
    return GraphText(entry.key, text, entry.location, tuple(origins))


def _expand_members(
    items: dict[str, Any],
    tree: Section,
    parameters: Mapping[str, tuple[int | str, ...]],
    templates: Mapping[str, str],
) -> None:
    """Parameters in the members of queues and special tasks."""
    scheduling = items["scheduling"]
    lists: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
        (scheduling["queues"][name], "members", ("queues", name)) for name in scheduling["queues"]
    ]
    lists += [(scheduling["special tasks"], name, ("special tasks",)) for name in scheduling["special tasks"]]
    for section, name, path in lists:
        members: Iterable[str] = section[name]
        if not any("<" in member for member in members):
            continue
        expanded: list[str] = []
        for member in members:
            name_part, parenthesis, rest = member.partition("(")
            try:
                names = expand_member(name_part.strip(), parameters, templates)
            except ConfigError as error:
                raise error.at(where_written(tree, ("scheduling", *path, name))) from None
            expanded += [full + parenthesis + rest for full in names]
        section[name] = expanded


_XTRIGGER_LABEL = re.compile(r"[A-Za-z0-9_]+\Z", re.ASCII)


def _finish_xtriggers(items: dict[str, Any], tree: Section) -> None:
    """Labels checked and set; ``sequential=`` taken out of the arguments, or the workflow's default."""
    scheduling = items["scheduling"]
    for label, definition in scheduling["xtriggers"].items():
        location = where_written(tree, ("scheduling", "xtriggers", label))
        if not _XTRIGGER_LABEL.match(label) or label.startswith("_cylc"):
            raise ConfigError(
                f"not a valid xtrigger label: {label}",
                location=location,
                hint="Letters, digits and _ are allowed; it may not start with _cylc.",
            )
        if definition is None:
            raise ConfigError(f"xtrigger {label} has no function", location=location)
        definition.label = label
        sequential = definition.kwargs.pop("sequential", None)
        if sequential is not None and not isinstance(sequential, bool):
            raise ConfigError(f"xtrigger {label}: sequential={sequential!r} is not True or False", location=location)
        if sequential is None:
            # The clock reaches one cycle point after the other (Cylc 8.5 behaviour).
            sequential = scheduling["sequential xtriggers"] or definition.function == "wall_clock"
        definition.sequential = bool(sequential)


def _inherit_from_site(
    items: dict[str, Any], global_config: GlobalConfig, compatibility: bool, implicit_tasks: bool
) -> None:
    """What the workflow leaves unset comes from ``global.cylc``."""
    scheduler = items["scheduler"]
    site = global_config.section("scheduler")
    if scheduler["UTC mode"] is None:
        scheduler["UTC mode"] = site["UTC mode"]
    if scheduler["allow implicit tasks"] is None:
        scheduler["allow implicit tasks"] = implicit_tasks
    if scheduler["cycle point time zone"] is None and (scheduler["UTC mode"] or not compatibility):
        scheduler["cycle point time zone"] = "Z"
    for section in ("events", "mail"):
        for name, value in site[section].items():
            if name in scheduler[section] and scheduler[section][name] is None:
                scheduler[section][name] = value
    loop = scheduler["main loop"]
    for name, plugin in site["main loop"].items():
        if isinstance(plugin, dict) and loop.setdefault(name, {}).get("interval") is None:
            loop[name]["interval"] = plugin["interval"]


def _runtime_defaults(global_config: GlobalConfig) -> dict[str, Any]:
    result = defaults(RUNTIME_SPECIFICATION)
    merge(result["events"], global_config.section("task events"))
    return result
