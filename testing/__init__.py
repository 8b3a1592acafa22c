"""Tests of workflows as code: a run on a virtual clock with fake jobs, and what is to be expected of it.

See docs/testing.md. With pytest the fixture ``workflow_run`` is there as soon as Tidemill is installed.
"""

from __future__ import annotations

from .exceptions import RunDidNotEnd, WorkflowTestError
from .expectations import Expectations
from .jobs import JobRule, XtriggerRule
from .run import WorkflowRun
from .told import Told

__all__ = [
    "Expectations",
    "JobRule",
    "RunDidNotEnd",
    "Told",
    "WorkflowRun",
    "WorkflowTestError",
    "XtriggerRule",
]
