"""``tidemill server``: run a server of suites."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from .options import cli_command
from .printer import Printer


@cli_command(
    json=False,
    epilog="""
  tidemill server                                  on port 3141, or ECF_PORT; ECF_HOME is the current directory
  tidemill server --port=0 --home=suites           on any free port
  tidemill server --halted --port=3142             jobs wait for 'ecflow --restart'
  tidemill server --ecfinterval=1 --port=3143      to try a suite out: an hour of it lasts a minute
""",
)
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port; ECF_PORT or 3141, 0 for any.")
@click.option("--host", default=None, help="Name to listen and be known as; localhost by default.")
@click.option("--home", type=click.Path(path_type=Path), default=None, help="ECF_HOME; else the current directory.")
@click.option("--halted", is_flag=True, help="Begin halted, as ecflow_server does; ecflow --restart lets it go.")
@click.option(
    "--ecfinterval",
    type=click.FloatRange(0.1, 60),
    default=60.0,
    help="Seconds that a minute of the suites lasts; less than 60 plays suites with times in fast motion.",
)
@click.option("--log", "log_path", type=click.Path(path_type=Path), default=None, help="Where to write the log.")
def command(
    printer: Printer,
    port: int | None,
    host: str | None,
    home: Path | None,
    halted: bool,
    ecfinterval: float,
    log_path: Path | None,
) -> int:
    """Run a server of ecFlow suites until it is told to terminate.

    It begins with the suites that the last server of its host and port had, or with none: 'ecflow --load' and
    'ecflow --begin' give it some. Its log goes to the terminal, too, unless that is to be quiet. 'tidemill scan' finds
    it; scan, dump, show, why, receipts, ping and stop call it HOST:PORT.
    """
    from ..ecflow.settings import settings_of
    from ..flow.suite_scheduler import SuitePlan, SuiteServer

    settings = settings_of()
    environment = settings.environment
    chosen = settings.port if port is None else port
    where = home or Path(environment.get("ECF_HOME") or ".")
    files = ("ECF_LISTS", "ECF_PASSWD", "ECF_CUSTOM_PASSWD")
    variables = {name: environment[name] for name in files if name in environment}
    plan = SuitePlan(
        host=host or "localhost",
        port=chosen,
        home=where.absolute(),
        is_halted=halted,
        minute_seconds=ecfinterval,
        variables=variables,
        log_path=log_path.absolute() if log_path else None,
        terminal=None if printer.verbosity < 0 else sys.stdout,
    )
    return asyncio.run(SuiteServer(plan).run())
