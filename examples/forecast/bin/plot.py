#!/usr/bin/env python3
"""Plot the cycle: the analysis around the latitude circle, the five-day forecast, and how errors grow."""

import archive
import ensemble
import lorenz96
from chart import Panel, diverging, page

INK, BLUE, RED, GREEN = "#1b2a38", "#2166ac", "#b2182b", "#1b7837"

nature = archive.read(archive.path("nature.json"))
observations = archive.read(archive.path("observations.json"))["observations"]
analysis = archive.read(archive.path("analysis.json"))
products = archive.read(archive.path("products.json"))
scores = archive.read(archive.path("scores.json"))["scores"]

circle = range(lorenz96.GRID_POINTS)
now = Panel(
    "Analysis",
    place=(60, 80, 860, 230),
    x_range=(0, lorenz96.GRID_POINTS - 1),
    y_range=(-12, 18),
    x_label="grid point (stations: all of 0-19, every third of 20-39)",
)
now.ticks(x=range(0, 40, 5), y=range(-10, 16, 5))
centre, spread = ensemble.mean(analysis), ensemble.spread(analysis)
now.band([(i, centre[i] - 2 * spread[i]) for i in circle], [(i, centre[i] + 2 * spread[i]) for i in circle], BLUE)
now.line([(i, nature[i]) for i in circle], INK, width=1.5, dashes="5 3")
now.line([(i, centre[i]) for i in circle], BLUE)
now.dots([(each["station"], each["value"]) for each in observations], RED)
now.legend([("ensemble mean, 2 spreads", BLUE), ("nature", INK), ("observations", RED)])

days = [lead * lorenz96.STEP_HOURS / 24 for lead in range(len(products["mean"]))]
half = days[1] / 2
ahead = Panel(
    "Ensemble-mean forecast (red above, blue below climate)",
    place=(60, 390, 520, 300),
    x_range=(-0.5, lorenz96.GRID_POINTS - 0.5),
    y_range=(days[-1] + half, -half),
    x_label="grid point (downwards: lead time in days)",
)
for day, state in zip(days, products["mean"], strict=True):
    for i in circle:
        # 2.3 is the long-term mean of the model with this forcing
        ahead.cell((i - 0.5, i + 0.5), (day + half, day - half), diverging(state[i] - 2.3, 8.0))
ahead.ticks(x=range(0, 40, 5), y=range(6))

growth = Panel(
    "Error growth",
    place=(640, 390, 280, 300),
    x_range=(0, days[-1]),
    y_range=(0, 5),
    x_label="lead (days)",
)
growth.ticks(x=range(6), y=range(6))
growth.line([(day, ensemble.root_mean_square(each)) for day, each in zip(days, products["spread"], strict=True)], BLUE)
growth.line([(each["lead_hours"] / 24, each["error"]) for each in scores], GREEN)
growth.dots([(each["lead_hours"] / 24, each["error"]) for each in scores], GREEN)
growth.legend([("spread of this forecast", BLUE), ("error of forecasts for now", GREEN)])

title = f"Lorenz-96 ensemble forecast from {archive.label(archive.point)}"
archive.write_text(
    archive.products / f"forecast_{archive.label(archive.point)}.svg",
    page(title, [now, ahead, growth], width=960, height=750),
)
