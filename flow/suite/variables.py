"""The variables of a node: what it is given, what is generated for it, where a name is looked for, and substitution.

A name is looked for among a node's own variables, its repeat and what is generated for it, then likewise in its
parents, then on the server: there what users set hides what the server says of itself (ecFlow behaviour).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import repeating
from .calendar import calendar_variables
from .exceptions import SuiteError
from .nodes import Alias, Defs, Family, Node, Submittable, Suite

SUBSTITUTIONS = 1000
"""How many substitutions one text may take before it is thought to refer to itself (ecFlow behaviour)."""

SuiteTime = Callable[[Suite], int]
"""The time of a suite, in its own seconds since 1970."""


class SubstitutionError(SuiteError):
    """A text cannot be substituted."""


def family_variables(family: Family) -> dict[str, str]:
    """What is generated for a family: its path below the suite, and its name."""
    return {"FAMILY": family.path.split("/", 2)[-1], "FAMILY1": family.name}


def task_variables(task: Submittable, scope: Mapping[str, str]) -> dict[str, str]:
    """What is generated for a task or an alias.

    Args:
        task: as it is about to be submitted, or was.
        scope: everything else it sees; ECF_HOME, ECF_OUT and ECF_EXTN are looked up there.
    """
    path, number = task.path, str(task.try_number)
    home = _looked_up("ECF_HOME", scope, "")
    output = _looked_up("ECF_OUT", scope, "") or home
    extension = scope.get("ECF_EXTN", ".usr" if isinstance(task, Alias) else ".ecf")
    if isinstance(task, Alias):
        extension = ".usr"
    return {
        "TASK": task.parent.name if isinstance(task, Alias) and task.parent is not None else task.name,
        "ECF_JOB": f"{home}{path}.job{number}",
        "ECF_SCRIPT": f"{home}{path}{extension}",
        "ECF_JOBOUT": f"{output}{path}.{number}",
        "ECF_TRYNO": number,
        "ECF_RID": task.process_id,
        "ECF_NAME": path,
        "ECF_PASS": task.password,
    }


def _looked_up(name: str, scope: Mapping[str, str], otherwise: str) -> str:
    text = scope.get(name, otherwise)
    if scope.get("ECF_MICRO", "%") not in text:
        return text
    try:
        return substitute(text, scope)
    except SubstitutionError:
        return text


def generated_variables(node: Node, suite_time: SuiteTime) -> dict[str, str]:
    """What is generated for one node, without its repeat's."""
    if isinstance(node, Suite):
        made = {"SUITE": node.name}
        return made | calendar_variables(suite_time(node)) if node.begun else made
    if isinstance(node, Family):
        return family_variables(node)
    if isinstance(node, Submittable):
        return task_variables(node, visible(node.parent, suite_time))
    return {}


def own_variables(node: Node, suite_time: SuiteTime) -> dict[str, str]:
    """What a node brings by itself: generated, then its repeat, then its own, each hiding those before."""
    return generated_variables(node, suite_time) | repeating.variables(node.repeat) | node.variables


def visible(node: Node | Defs | None, suite_time: SuiteTime) -> dict[str, str]:
    """Everything a node sees, as one mapping."""
    if node is None:
        return {}
    if isinstance(node, Defs):
        return node.server_variables | node.user_variables
    return visible(node.parent, suite_time) | own_variables(node, suite_time)


def find_variable(node: Node | Defs | None, name: str, suite_time: SuiteTime) -> str | None:
    """The value of a name as a node sees it; None if there is none."""
    while isinstance(node, Node):
        found = own_variable(node, name, suite_time)
        if found is not None:
            return found
        node = node.parent
    if node is None:
        return None
    return node.user_variables.get(name, node.server_variables.get(name))


def own_variable(node: Node, name: str, suite_time: SuiteTime) -> str | None:
    """The value of a name of one node alone; None if it has none such."""
    found = node.variables.get(name)
    if found is not None:
        return found
    if node.repeat is not None:
        found = repeating.variables(node.repeat).get(name)
        if found is not None:
            return found
    return generated_variables(node, suite_time).get(name)


def substitute(text: str, variables: Mapping[str, str], *, micro: str = "") -> str:
    """A text with ``%NAME%`` and ``%NAME:default%`` replaced, again and again until none is left; ``%%`` is ``%``.

    Args:
        text: one line, or one value.
        variables: by name.
        micro: what stands for ``%``; that of the variable ECF_MICRO, else ``%``.

    Raises:
        SubstitutionError: a variable is not defined and has no default, a ``%`` has no partner, or variables go round
            in circles (ecFlow gives up after 1000 substitutions).
    """
    micro = micro or variables.get("ECF_MICRO", "%")
    if micro not in text:
        return text
    done: list[str] = []
    rest = text
    count = 0
    while True:
        before, found, after = rest.partition(micro)
        done.append(before)
        if not found:
            return "".join(done)
        if after.startswith(micro):
            done.append(micro)
            rest = after[len(micro) :]
            continue
        inside, closed, rest = after.partition(micro)
        if not closed:
            raise SubstitutionError(f"a '{micro}' has no partner in '{text}': write '{micro}{micro}' for a plain one")
        name, has_default, default = inside.partition(":")
        value = variables.get(name)
        if value is None:
            if not has_default:
                raise SubstitutionError(f"variable '{name}' is not defined, and has no default, in '{text}'")
            value = default
        count += 1
        if count > SUBSTITUTIONS:
            raise SubstitutionError(f"variables in '{text}' refer to each other without end")
        rest = value + rest
