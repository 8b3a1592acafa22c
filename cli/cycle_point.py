"""`tidemill cycle-point`: calculate with cycle points, and write them as file names want them."""

from __future__ import annotations

import os

from .cycle_point_text import PointText, fill_template, read_point_text
from .exceptions import InputError
from .plain import Parser

PARTS = {"year": "CCYY", "month": "MM", "day": "DD", "hour": "Thh"}


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "cycle-point",
        "Print a cycle point, moved or written in another way. In a job, POINT is that of the task if left out,\n"
        "and the calendar that of the workflow.",
        json=True,
        examples="""
  tidemill cycle-point 20300101T00Z --offset=PT6H              20300101T06Z
  tidemill cycle-point --offset-hours=-6                       six hours before the task's own
  tidemill cycle-point --template=in-CCYY-MM-DD-Thh.nc         in a file name; strftime's %Y-%m works, too
  tidemill cycle-point 20300101T00Z --equal=2030-01-01T00:00Z  exit code 0 if they are the same
""",
    )
    parser.add_argument("point", nargs="?", metavar="POINT")
    for unit in ("hours", "days", "months", "years"):
        parser.add_argument(f"--offset-{unit}", type=int, metavar="N", help=f"move it by N {unit}")
    parser.add_argument("--offset", metavar="DURATION", help="move it by an ISO 8601 duration: PT6H, -P1D")
    parser.add_argument("--equal", metavar="POINT", help="print nothing; succeed if both are the same time")
    parser.add_argument("--template", metavar="TEXT", help="put it into this text, or that of the variable so named")
    parser.add_argument("--time-zone", metavar="ZONE", help="write it in this zone: Z, +0100")
    parser.add_argument(
        "--num-expanded-year-digits", type=int, default=0, metavar="N", help="digits of years beyond four"
    )
    for part in PARTS:
        parser.add_argument(f"--print-{part}", action="store_true", help=f"print its {part} only")
    return parser


def main(argv: list[str]) -> int:
    """Print the point."""
    printer, values = make_parser().parse(argv)
    text = values.point or os.environ.get("CYLC_TASK_CYCLE_POINT")
    if not text:
        raise InputError("give a cycle point; there is no $CYLC_TASK_CYCLE_POINT: this is not a job")
    mode = os.environ.get("CYLC_CYCLING_MODE") or "gregorian"
    read = read_point_text(text, mode=mode, expanded_year_digits=values.num_expanded_year_digits)
    offsets = [f"PT{values.offset_hours}H", f"P{values.offset_days}D"]
    offsets += [f"P{values.offset_months}M", f"P{values.offset_years}Y"]
    for offset in (*offsets, values.offset):
        if offset is not None and "None" not in offset:
            read = read.moved(_signed(offset))
    if values.equal is not None:
        other = read_point_text(values.equal, mode=mode, expanded_year_digits=values.num_expanded_year_digits)
        return 0 if other.point == read.point else 1
    if values.time_zone is not None:
        read = read.in_zone(values.time_zone)
    written = _written(read, values.template, [part for part in PARTS if getattr(values, f"print_{part}")])
    printer.result({"point": written}, written)
    return 0


def _signed(offset: str) -> str:
    """An interval with its sign in front: ``P-6D`` as ``-P6D``."""
    return f"-{offset.replace('-', '')}" if "-" in offset else offset


def _written(read: PointText, template: str | None, parts: list[str]) -> str:
    if template is not None and parts:
        raise InputError("--template and --print-... exclude each other")
    if len(parts) > 1:
        raise InputError("print one part of the point at a time, or use --template")
    if parts:
        return fill_template(PARTS[parts[0]], read).lstrip("T")
    if template is not None:
        return fill_template(os.environ.get(template, template), read)
    return read.text
