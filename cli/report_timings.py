"""`tidemill report-timings`: how long jobs waited and ran."""

from __future__ import annotations

from pathlib import Path

import click

from ..contact.paths import run_root
from ..flow.record.clock import TimeText
from ..flow.record.reader import RunReader
from .exceptions import InputError
from .options import cli_command
from .printer import JsonPrinter, Printer
from .timings import KINDS, Timing, summarise, summary_text, table, timings_of
from .workflows import find_run


@cli_command(
    epilog="""
  tidemill report-timings ocean              mean, spread and quartiles by task
  tidemill report-timings --raw ocean        one line a job, for other programs
  tidemill report-timings -O timings ocean   into a file
  tidemill report-timings -w -O timings.html ocean   a page with box plots
"""
)
@click.argument("workflow")
@click.option("-r", "--raw", is_flag=True, help="One line for each job, with the times.")
@click.option("-s", "--summary", is_flag=True, help="Statistics by host, job runner and task (the default).")
@click.option("-w", "--web-summary", is_flag=True, help="The statistics as an HTML page with box plots.")
@click.option("-O", "--output-file", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
def command(
    printer: Printer, workflow: str, raw: bool, summary: bool, web_summary: bool, output_file: Path | None
) -> int:
    """Print how long the jobs of a run waited and ran, of those that succeeded; the run may be going on."""
    if raw + summary + web_summary > 1:
        raise InputError("--raw, --summary and --web-summary exclude each other")
    run = find_run(workflow)
    with RunReader(run_root() / run) as reader:
        timings = timings_of(reader.jobs())
    if not timings:
        raise InputError(f"{run}: no job has succeeded yet")
    text = _raw_text(timings) if raw else _summary(run, timings, as_page=web_summary)
    if output_file is not None:
        output_file.write_text(text + "\n", encoding="utf-8")
        printer.info(f"written to {output_file}")
    if isinstance(printer, JsonPrinter):
        printer.result([_data(timing) for timing in timings], "")
    elif output_file is None:
        printer.result(None, text)
    return 0


def _summary(run: str, timings: list[Timing], *, as_page: bool) -> str:
    summary = summarise(timings)
    if not as_page:
        return summary_text(summary)
    from .timings_page import page

    return page(run, summary)


def _raw_text(timings: list[Timing]) -> str:
    write = TimeText()
    header = ("name", "cycle", "host", "job_runner", "submit_time", "start_time", "succeed_time")
    return table(header, ((*timing[:4], *map(write, timing[4:])) for timing in timings))


def _data(timing: Timing) -> dict[str, object]:
    return {**timing._asdict(), "seconds": {kind: timing.seconds(kind) for kind, _ in KINDS}}
