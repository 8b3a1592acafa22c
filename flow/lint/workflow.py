"""Rules on the workflow as a whole: what it defines and never uses, and what goes wrong without a word."""

from __future__ import annotations

from collections.abc import Iterator

from ..language.config import WorkflowConfig
from ..language.definition import FAILED, STANDARD_OUTPUTS, SUCCEEDED, WorkflowDefinition, leaves
from .finding import WORKFLOW, Finding, Rule


def _rule(code: str, name: str, summary: str) -> Rule:
    return Rule(code, name, WORKFLOW, summary)


INVALID = _rule("W001", "not-valid", "the workflow is not valid; the other rules on it as a whole are not checked")
UNUSED_TASK = _rule("W002", "unused-task", "a namespace of [runtime] that is neither in the graph nor inherited")
UNUSED_XTRIGGER = _rule("W003", "unused-xtrigger", "an xtrigger that no task waits for")
UNUSED_OUTPUT = _rule("W004", "unused-output", "a custom output that nothing waits for and no completion names")
UNUSED_PARAMETER = _rule("W005", "unused-parameter", "a task parameter that no task name has")
SILENT_FAILURE = _rule("W006", "silent-failure", "a task that may fail, where nothing follows and nobody is told")
IMPLICIT_TASK = _rule("W007", "implicit-task", "a task of the graph that [runtime] does not have: a typing error?")

RULES = (
    INVALID,
    UNUSED_TASK,
    UNUSED_XTRIGGER,
    UNUSED_OUTPUT,
    UNUSED_PARAMETER,
    SILENT_FAILURE,
    IMPLICIT_TASK,
)


def check_workflow(config: WorkflowConfig, definition: WorkflowDefinition) -> Iterator[Finding]:
    """What a valid workflow could do without, or should not."""
    yield from _tasks(config, definition)
    used = {label for task in definition.tasks.values() for _, label in task.xtriggers}
    for label in definition.xtriggers:
        if label not in used and config.where("scheduling", "xtriggers", label):
            yield _found(config, UNUSED_XTRIGGER, f"no task waits for @{label}", "scheduling", "xtriggers", label)
    for name in config.parameters:
        if not any(name in values for values in config.task_parameters.values()):
            yield _found(config, UNUSED_PARAMETER, f"no task name has <{name}>", "task parameters", name)


def _tasks(config: WorkflowConfig, definition: WorkflowDefinition) -> Iterator[Finding]:
    inherited = {name for names in config.ancestors.values() for name in names[1:]}
    for name in config.ancestors:
        if name not in definition.tasks and name not in inherited and name != "root":
            yield _found(config, UNUSED_TASK, f"[{name}] is neither in the graph nor inherited", "runtime", name)
    waited_for = {
        (leaf.task, leaf.output) for dependency in definition.dependencies for leaf in leaves(dependency.expression)
    }
    for name, task in definition.tasks.items():
        if name not in config.ancestors and config.items["scheduler"]["allow implicit tasks"]:
            yield Finding(IMPLICIT_TASK, config.source_file, 0, f"{name} is in the graph, but not in [runtime]")
        for label, output in task.outputs.items():
            if label in STANDARD_OUTPUTS or (name, label) in waited_for or output.required is not None:
                continue
            if label.replace("-", "_") not in task.completion:
                text = f"{name}: nothing waits for the output {label}, and its completion does not need it"
                yield _found(config, UNUSED_OUTPUT, text, "runtime", name, "outputs", label)
        events = task.runtime.get("events") or {}
        is_told = (
            events.get("failed handlers")
            or FAILED in (events.get("mail events") or ())
            or FAILED in (events.get("handler events") or ())
        )
        if task.outputs[SUCCEEDED].required is False and (name, FAILED) not in waited_for and not is_told:
            text = f"{name} may fail ({name}?), and then nothing follows and nobody is told"
            yield _found(config, SILENT_FAILURE, text, "runtime", name)


def _found(config: WorkflowConfig, rule: Rule, text: str, *path: str) -> Finding:
    location = config.where(*path) or config.where(*path[:2])
    if location is None:
        return Finding(rule, config.source_file, 0, text)
    return Finding(rule, location.file, location.line, text)
