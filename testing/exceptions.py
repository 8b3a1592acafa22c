"""What can be wrong with a test of a workflow itself, as against the workflow."""

from __future__ import annotations

from ..exceptions import TidemillError


class WorkflowTestError(TidemillError):
    """The test asks for something that makes no sense for this workflow."""


class RunDidNotEnd(WorkflowTestError):
    """The run goes on and on."""
