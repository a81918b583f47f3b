"""docs/architecture.svg: the rooms of the package and the arrows between them, from the table in test_architecture.

Run: python -m tests.architecture OUT.svg
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

_HALL: Final = "cli"
"""The room of the modules that are in none."""

_BOX_WIDTH: Final = 600
_BOX_HEIGHT: Final = 62
_GAP: Final = 22
_LEFT: Final = 10
_LANE: Final = 22
# Told apart by colour-blind readers too (Okabe and Ito).
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def rooms(ours: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """What each room imports of the others, from what each module imports."""
    found: dict[str, set[str]] = {}
    for module, imported in ours.items():
        room = _room_of(module)
        found.setdefault(room, set()).update({_room_of(name) for name in imported} - {room})
    return found


def path_of(room: str) -> str:
    """Where a room is in the package."""
    return f"{room}.py" if room == _HALL else f"{room}/"


def svg(ours: Mapping[str, set[str]], theirs: Mapping[str, set[str]], package: Path) -> str:
    """The picture: a box a room, those that import above those that are imported, and an arrow for each import."""
    arrows = rooms(ours)
    levels: dict[str, int] = {}
    for room in TopologicalSorter(arrows).static_order():
        levels[room] = 1 + max((levels[other] for other in arrows[room]), default=0)
    # Of two rooms on one level, the one that imports more stands above.
    order = sorted(arrows, key=lambda room: (-levels[room], -len(arrows[room]), room))
    tops = {room: _LEFT + row * (_BOX_HEIGHT + _GAP) for row, room in enumerate(order)}
    sources = [room for room in order if arrows[room]]
    width = _LEFT + _BOX_WIDTH + (len(sources) + 2) * _LANE
    height = 2 * _LEFT + len(order) * (_BOX_HEIGHT + _GAP) - _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#1a1a1a" role="img">',
        "<title>The rooms of arize_mcp: an arrow leads from a room to one that it imports</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for room in order:
        libraries = sorted(name for name, users in theirs.items() if room in {_room_of(user) for user in users})
        parts += _box(tops[room], f"arize_mcp/{path_of(room)}", _sentence(package / path_of(room)), libraries)
    for number, room in enumerate(sources):
        # The lowest room has the lane nearest to the boxes: its arrows are the shortest.
        lane = _LEFT + _BOX_WIDTH + (len(sources) - number + 1) * _LANE
        # Arrows of several rooms into one box lie beside each other.
        into = (number + 1) * _BOX_HEIGHT // (len(sources) + 1)
        ends = sorted(tops[other] + into for other in arrows[room])
        parts += _arrows(tops[room] + _BOX_HEIGHT - 5, ends, lane, _COLOURS[number % len(_COLOURS)])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _room_of(module: str) -> str:
    room, _, rest = module.partition(".")
    return room if rest else _HALL


def _sentence(path: Path) -> str:
    """What a room says that it is: the first line of its docstring."""
    module = path if path.suffix else path / "__init__.py"
    return (ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def _box(top: int, title: str, sentence: str, libraries: Sequence[str]) -> list[str]:
    left = _LEFT + 12
    return [
        f'<rect x="{_LEFT}" y="{top}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="4" fill="#f6f6f6" '
        'stroke="#767676"/>',
        f'<text x="{left}" y="{top + 25}" font-weight="bold" font-size="15">{escape(title)}</text>',
        f'<text x="{_LEFT + _BOX_WIDTH - 12}" y="{top + 25}" text-anchor="end" fill="#595959">'
        f"{escape(', '.join(libraries))}</text>",
        f'<text x="{left}" y="{top + 48}">{escape(sentence)}</text>',
    ]


def _arrows(start: int, ends: Sequence[int], lane: int, colour: str) -> list[str]:
    """The arrows of one room: out of its box, down its lane, into the boxes that it imports."""
    right = _LEFT + _BOX_WIDTH
    branches = "".join(f" M{lane} {end} H{right + 8}" for end in ends)
    path = f"M{right} {start} H{lane} V{ends[-1]}{branches}"
    heads = [f'<path d="M{right} {end} l9 -4 v8 z" fill="{colour}"/>' for end in ends]
    return [f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>', *heads]


def main(arguments: Sequence[str]) -> None:
    """Draw the picture into a file."""
    from tests.test_architecture import OURS, PACKAGE, THEIRS  # noqa: PLC0415 - which itself draws the picture

    Path(arguments[0]).write_text(svg(OURS, THEIRS, PACKAGE), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
