"""Jobs as the picture shows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from ...contact.identifiers import format_job
from ..engine.proxy import ACTIVE, FAILED, FINAL, RUNNING, SUBMIT_FAILED, SUBMITTED, SUCCEEDED, JobTimes, TaskProxy
from ..engine.text import utc
from . import wire
from .elements import JobElement, TaskProxyElement
from .encode_instances import news_of

if TYPE_CHECKING:
    from .picture import Picture

SILENT_OUTPUTS = frozenset({"submitted", "started"})
"""Outputs that are no message of the job."""


class Jobs:
    """Keeps the jobs of all instances in step with the engine."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._directory = picture.identity.job_log_directory

    def update(self, proxy: TaskProxy, element: TaskProxyElement, times: JobTimes | None) -> None:
        """Show how a job of an instance stands: the latest that is shown, or one after it."""
        if times is None:
            return
        state = job_state(times)
        if not state:
            return
        job = element.jobs[-1] if element.jobs else None
        if job is None or job.submit_num != times.submit_number:
            job = self._create(element, times, proxy.definition.runtime.get("execution time limit"))
        else:
            self.picture.jobs.touch(job)
        before, job.state = job.state, state
        job.submitted_time = _time_text(times.submitted)
        job.started_time = _time_text(times.started)
        job.finished_time = _time_text(times.finished)
        job.job_id = times.job_id
        job.job_runner_name = times.runner
        job.platform = times.platform
        task = element.task
        if times.started is not None and task.mean_elapsed_time:
            job.estimated_finish_time = _time_text(times.started + task.mean_elapsed_time)
        if state == SUCCEEDED != before and times.started is not None and times.finished is not None:
            task.add_elapsed(times.finished - times.started)
            self.picture.tasks.touch(task)

    def _create(self, element: TaskProxyElement, times: JobTimes, limit: float | None) -> JobElement:
        picture = self.picture
        messages = element.task.output_messages
        number = format_job(times.submit_number)
        id = f"{element.id}/{number}"
        job = JobElement(
            id,
            wire.reference(id),
            times.submit_number,
            element,
            execution_time_limit=float(limit or 0.0),
            job_log_dir=f"{self._directory}/{element.cycle_point}/{element.name}/{number}",
        )
        is_new = picture.jobs.is_news_of(id)
        picture.jobs.add(job)
        if element.jobs is None:
            element.jobs = []
            # The first that is seen of it: what it completed before was said by this job.
            job.messages = tuple([messages[label] for label in element.outputs or () if label not in SILENT_OUTPUTS])
        element.jobs.append(job)
        if is_new and picture.task_proxies.touch(element):
            news_of(element).jobs.append(job.reference)
        return job

    def inherit(self, before: Mapping[str, TaskProxyElement]) -> None:
        """After a reload: take over the jobs that were shown of instances that are shown again."""
        picture = self.picture
        for element in picture.task_proxies.elements.values():
            known = before.get(element.id)
            if known is None or not known.jobs:
                continue
            own = {job.submit_num for job in element.jobs or ()}
            older = [job for job in known.jobs if job.submit_num not in own]
            for job in older:
                if job.state in ACTIVE and element.state in FINAL:
                    # It ended in the very turn of the reload.
                    job.state = element.state
                job.task_proxy, job.own, job.chunk = element, None, None
                picture.jobs.add(job)
            element.jobs = [*older, *(element.jobs or ())]


def job_state(times: JobTimes) -> str:
    """The state of a job; empty until it was submitted."""
    if times.finished is not None:
        return SUCCEEDED if times.run_status == 0 else FAILED
    if times.started is not None:
        return RUNNING
    if times.submit_status:
        return SUBMIT_FAILED
    return SUBMITTED if times.submitted is not None else ""


def _time_text(seconds: float | None) -> str:
    return "" if seconds is None else _second_text(int(seconds))


_second_text = lru_cache(maxsize=4096)(utc)
