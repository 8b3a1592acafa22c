#!/usr/bin/env python3
"""Close the experiment: the scores of all cycles in one chart, and a page with every cycle's chart."""

import os
from pathlib import Path

import archive
from chart import Panel, page

BLUE, GREEN, GREY = "#2166ac", "#1b7837", "#6b7885"

files = sorted(Path(os.environ["CYCLE_DATA"]).glob("*/scores.json"))
cycles = [(file.parent.name, archive.read(file)) for file in files]


def series(lead_hours: int, value: str) -> list[tuple[float, float]]:
    """Collect one score at one lead, by cycle number."""
    return [
        (number, score[value])
        for number, (_, each) in enumerate(cycles)
        for score in each["scores"]
        if score["lead_hours"] == lead_hours
    ]


panel = Panel(
    "Root-mean-square error against nature",
    place=(60, 80, 860, 280),
    x_range=(0, max(1, len(cycles) - 1)),
    y_range=(0, 4),
    x_label="cycle",
)
panel.ticks(x=range(len(cycles)), x_names=[name[4:11] for name, _ in cycles], y=range(5))
panel.line([(number, each["observation_error"]) for number, (_, each) in enumerate(cycles)], GREY, dashes="5 3")
for lead_hours, colour in ((0, BLUE), (6, GREEN)):
    panel.line(series(lead_hours, "error"), colour)
    panel.dots(series(lead_hours, "error"), colour)
panel.legend([("analysis", BLUE), ("six-hour forecast", GREEN), ("observation error", GREY)])
title = f"{len(cycles)} cycles of data assimilation"
archive.write_text(archive.products / "scores.svg", page(title, [panel], width=960, height=420))

charts = sorted(archive.products.glob("forecast_*.svg"))
pictures = "\n".join(f'<img src="{file.name}" alt="{file.stem}">' for file in charts)
archive.write_text(
    archive.products / "index.html",
    "<!doctype html>\n<meta charset=utf-8>\n<title>Lorenz-96 ensemble forecasts</title>\n"
    "<style>img { display: block; margin: 1em auto; max-width: 100% }</style>\n"
    f'<img src="scores.svg" alt="scores">\n{pictures}\n',
)
