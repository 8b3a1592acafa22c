"""Which outputs an instance must complete."""

from __future__ import annotations

from ..language.definition import EXPIRED, SUCCEEDED
from .proxy import TaskProxy


def required_outputs(proxy: TaskProxy) -> list[str]:
    """Labels of the outputs that an instance must complete."""
    definition = proxy.definition
    required = [output.label for output in definition.outputs.values() if output.required]
    if definition.outputs[SUCCEEDED].required is None and SUCCEEDED not in required:
        required.append(SUCCEEDED)
    return [label for label in required if label != EXPIRED]
