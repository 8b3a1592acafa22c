"""Options as scripts written for Cylc give them: cut short, or without meaning here."""

from __future__ import annotations

from importlib import import_module

import pytest
from click import Command, Context

from tidemill.cli.abbreviations import expand
from tidemill.cli.exceptions import UsageError
from tidemill.cli.hold import make_parser
from tidemill.cli.options import cli_command
from tidemill.cli.printer import Printer


def test_a_clear_beginning_of_an_option_is_the_option() -> None:
    """--max-p=3 is --max-polls=3; nothing after -- and no clear option is touched."""
    options = {"--max-polls": 1, "--max-tries": 2, "--no-detach": 3}
    assert expand(["--max-p=3", "--no", "x", "--max", "--", "--no"], options) == [
        "--max-polls=3",
        "--no-detach",
        "x",
        "--max",
        "--",
        "--no",
    ]


def test_names_of_one_meaning_do_not_make_a_beginning_unclear() -> None:
    """--col is --color or --colour, which are the same."""
    assert expand(["--col=never"], {"--color": 1, "--colour": 1})[0] in ("--color=never", "--colour=never")


def test_commands_of_both_kinds_take_options_cut_short() -> None:
    """argparse and click commands alike."""
    _, values = make_parser().parse(["--aft=3", "ocean"])
    assert values.after == "3"

    @cli_command()
    def shown(printer: Printer) -> None:
        """Show something."""

    assert shown.make_context("shown", ["--verb", "--tim"]).params["timestamp"] is True
    with pytest.raises(UsageError, match="unrecognized"):
        make_parser().parse(["--co=never", "ocean"])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("play", ["--non-daemon", "--host=localhost", "--format=json", "--upgrade", "--main-loop=health check", "wf"]),
        ("play", ["--starttask=1/a", "--profile", "--downgrade", "--comms-timeout=9", "wf"]),
        ("cat_log", ["-o", "-f", "e", "wf//1/a"]),
        ("clean", ["--timeout=PT1M", "--remote-only", "wf"]),
        ("config", ["--icp=20300101", "--print-filenames", "--against-source", "wf"]),
        ("validate", ["--mode=dummy", "--profile", "--against-source", "wf"]),
        ("vip", ["--no-ping", "--check-circular", "--starttask=1/a", "."]),
        ("vr", ["--check-circular", "--non-daemon", "wf"]),
        ("list", ["--against-source", "wf"]),
        ("graph", ["--against-source", "-r", "wf"]),
        ("install", ["--comms-timeout=3", "."]),
        ("reinstall", ["--comms-timeout=3", "wf"]),
    ],
)
def test_options_of_cylc_are_taken(name: str, options: list[str]) -> None:
    """No option that Cylc's commands have is unknown here."""
    command: Command = import_module(f"tidemill.cli.{name}").command
    assert isinstance(command.make_context(name, options), Context)
