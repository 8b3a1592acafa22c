"""Charts as SVG text: a panel has axes in the data's own units and draws lines, bands, dots and cells."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

INK = "#1b2a38"
GRID = "#d9e0e6"
Points = Sequence[tuple[float, float]]


class Panel:
    """One set of axes at a place on the page."""

    def __init__(
        self,
        title: str,
        *,
        place: tuple[float, float, float, float],
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        x_label: str = "",
    ) -> None:
        self.left, self.top, self.width, self.height = place
        self.x_range, self.y_range = x_range, y_range
        self.parts: list[str] = []
        self.frame: list[str] = [
            self._text(self.left, self.top - 10, title, size=15, weight="bold"),
            self._text(self.left + self.width / 2, self.top + self.height + 34, x_label, anchor="middle"),
        ]

    def x(self, value: float) -> float:
        """Place a data value across the page."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * self.width

    def y(self, value: float) -> float:
        """Place a data value down the page."""
        low, high = self.y_range
        return self.top + (high - value) / (high - low) * self.height

    def ticks(self, *, x: Sequence[float] = (), y: Sequence[float] = (), x_names: Sequence[str] = ()) -> None:
        """Label the axes at the given values."""
        bottom = self.top + self.height
        for index, value in enumerate(x):
            name = x_names[index] if x_names else f"{value:g}"
            self.frame.append(self._text(self.x(value), bottom + 17, name, anchor="middle"))
        for value in y:
            level = self.y(value)
            right = self.left + self.width
            self.frame.append(f'<path d="M{self.left:.1f} {level:.1f}H{right:.1f}" stroke="{GRID}" fill="none"/>')
            self.frame.append(self._text(self.left - 7, level + 4, f"{value:g}", anchor="end"))

    def line(self, points: Points, colour: str, *, width: float = 2.0, dashes: str = "") -> None:
        """Draw a line through points."""
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def band(self, lower: Points, upper: Points, colour: str) -> None:
        """Fill the space between two lines."""
        outline = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in [*lower, *reversed(upper)])
        self.parts.append(f'<polygon points="{outline}" fill="{colour}" fill-opacity="0.25"/>')

    def dots(self, points: Points, colour: str) -> None:
        """Mark each point."""
        self.parts += [
            f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3.2" fill="{colour}"/>' for x, y in points
        ]

    def cell(self, x: tuple[float, float], y: tuple[float, float], colour: str) -> None:
        """Fill a rectangle given by its sides."""
        left, right, top, bottom = self.x(x[0]), self.x(x[1]), self.y(y[1]), self.y(y[0])
        self.parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left + 0.3:.1f}" '
            f'height="{bottom - top + 0.3:.1f}" fill="{colour}"/>'
        )

    def legend(self, entries: Sequence[tuple[str, str]]) -> None:
        """Name the colours, inside the top right corner."""
        across = self.left + self.width - 8
        for row, (name, colour) in enumerate(entries):
            level = self.top + 16 + 17 * row
            self.parts.append(f'<circle cx="{across:.1f}" cy="{level - 4:.1f}" r="4.5" fill="{colour}"/>')
            self.parts.append(self._text(across - 9, level, name, anchor="end"))

    def render(self) -> str:
        """Give the panel as SVG elements."""
        border = (
            f'<rect x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}" '
            f'fill="none" stroke="{INK}"/>'
        )
        return "\n".join([*self.frame, *self.parts, border])

    @staticmethod
    def _text(
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        weight: str = "normal",
        anchor: str = "start",
    ) -> str:
        return (
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
            f'text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>'
        )


def page(title: str, panels: Sequence[Panel], *, width: int, height: int) -> str:
    """Give a whole SVG document."""
    body = "\n".join(panel.render() for panel in panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n'
        f'<text x="60" y="34" font-size="20" font-weight="bold" fill="{INK}">{escape(title)}</text>\n'
        f"{body}\n</svg>\n"
    )


def diverging(value: float, limit: float) -> str:
    """Colour a value between -limit (blue), zero (white) and limit (red)."""
    share = max(-1.0, min(1.0, value / limit))
    end = (178, 24, 43) if share > 0 else (33, 102, 172)
    red, green, blue = (round(255 + (part - 255) * abs(share)) for part in end)
    return f"#{red:02x}{green:02x}{blue:02x}"
