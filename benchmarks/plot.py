"""The growth of a result as an SVG picture: three log-log panels, a line for each server, and one that is linear.

Run: python benchmarks/plot.py RESULT.json OUT.svg
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from servers import TITLES

Points = list[tuple[float, float]]

# Told apart by colour-blind readers too (Okabe and Ito), and by their marks in print.
_STYLES: Final = {
    "ours_unlimited": ("#0072b2", "circle"),
    "fastmcp": ("#d55e00", "square"),
    "typescript": ("#009e73", "triangle"),
}
_PANELS: Final = (
    ("in_flight", "Calls in flight", "calls", "calls by calls/s, in ms"),
    ("runs", "Runs a page, 2 kB each", "runs", "p50 in ms"),
    ("chars", "Output of one run", "characters", "p50 in ms"),
)
_WIDTH: Final = 300
_HEIGHT: Final = 260
_LEFT: Final = 70
_TOP: Final = 50
_GAP: Final = 90
_BELOW: Final = 90
_GREY: Final = "#767676"


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis over whole decades, from one pixel to another."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> Axis:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def decades(self) -> list[float]:
        return [10.0**exponent for exponent in range(self.low, self.high + 1)]


def svg(result: dict[str, Any]) -> str:
    """The picture."""
    width = _LEFT + len(_PANELS) * (_WIDTH + _GAP) - _GAP + 30
    height = _TOP + _HEIGHT + _BELOW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#1a1a1a" role="img">',
        "<title>How cost grows</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (dimension, title, x_label, y_label) in enumerate(_PANELS):
        by_server: dict[str, Points] = {
            server: [(float(size), entry["median"]) for size, entry in by_size.items()]
            for server, by_size in result["growth"][dimension].items()
        }
        parts += _panel(_LEFT + number * (_WIDTH + _GAP), by_server, title, x_label, y_label)
    parts += _legend(list(result["growth"][_PANELS[0][0]]), _TOP + _HEIGHT + 68)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(left: int, by_server: dict[str, Points], title: str, x_label: str, y_label: str) -> list[str]:
    points = [point for line in by_server.values() for point in line]
    x = Axis.over([size for size, _ in points], left, left + _WIDTH)
    y = Axis.over([cost for _, cost in points], _TOP + _HEIGHT, _TOP)
    middle = left + _WIDTH / 2
    parts = [_text(middle, _TOP - 18, title, weight="bold", size=14)]
    for value in x.decades():
        parts.append(_line(x.at(value), _TOP, x.at(value), _TOP + _HEIGHT, "#e3e3e3"))
        parts.append(_text(x.at(value), _TOP + _HEIGHT + 18, _number(value)))
    for value in y.decades():
        parts.append(_line(left, y.at(value), left + _WIDTH, y.at(value), "#e3e3e3"))
        parts.append(_text(left - 8, y.at(value) + 4, _number(value), anchor="end"))
    parts.append(f'<rect x="{left}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="{_GREY}"/>')
    parts.append(_text(middle, _TOP + _HEIGHT + 36, x_label))
    turned = f"rotate(-90 {left - 48} {_TOP + _HEIGHT / 2})"
    parts.append(_text(left - 48, _TOP + _HEIGHT / 2, y_label, transform=turned))
    parts += _linear(next(iter(by_server.values())), x, y)
    for server, line in by_server.items():
        colour, mark = _STYLES[server]
        path = " ".join(f"{x.at(size):.1f},{y.at(cost):.1f}" for size, cost in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [_mark(mark, x.at(size), y.at(cost), colour) for size, cost in line]
    return parts


def _linear(line: Points, x: Axis, y: Axis) -> list[str]:
    """What would be linear, through the last point: a line that comes to it less steeply grows better than that."""
    size, cost = line[-1]
    least = max(min(size for size, _ in line), size * 10.0**y.low / cost)
    start = (x.at(least), y.at(cost * least / size))
    return [_line(*start, x.at(size), y.at(cost), _GREY, dash="5 4")]


def _legend(keys: list[str], y: float) -> list[str]:
    parts: list[str] = []
    left = float(_LEFT)
    for key in keys:
        colour, mark = _STYLES[key]
        parts.append(_line(left, y, left + 28, y, colour, width=2))
        parts.append(_mark(mark, left + 14, y, colour))
        parts.append(_text(left + 36, y + 4, TITLES[key], anchor="start"))
        left += 60 + 7 * len(TITLES[key])
    parts.append(_line(left, y, left + 28, y, _GREY, dash="5 4"))
    parts.append(_text(left + 36, y + 4, "linear", anchor="start"))
    return parts


def _mark(mark: str, x: float, y: float, colour: str) -> str:
    match mark:
        case "circle":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
        case "square":
            return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
        case _:
            corners = f"{x:.1f},{y - 5:.1f} {x - 5:.1f},{y + 4:.1f} {x + 5:.1f},{y + 4:.1f}"
            return f'<polygon points="{corners}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: int = 1, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "middle", weight: str = "", size: int = 0, transform: str = ""
) -> str:
    given = {"font-weight": weight, "font-size": size, "transform": transform}
    attributes = "".join(f' {name}="{value}"' for name, value in given.items() if value)
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attributes}>{escape(text)}</text>'


def _number(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.write_text(svg(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
