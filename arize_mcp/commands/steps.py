"""What a preflight found, step by step, for a person or a machine."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from typing import Final, Literal

_MARKS: Final = {"ok": "ok  ", "failed": "FAIL", "skipped": "-   ", "note": "note"}


@dataclass(frozen=True)
class Step:
    """One thing that was checked, what came of it, and what to do; ``ms`` is how long the API took to answer."""

    name: str
    outcome: Literal["ok", "failed", "skipped", "note"]
    detail: str
    hint: str = ""
    ms: int | None = None


async def show(steps: AsyncGenerator[Step], *, as_json: bool) -> int:
    """Print the steps as they come, or one JSON object when all are there.

    Returns:
        0 if none failed, else 1.
    """
    shown: list[Step] = []
    async for step in steps:
        shown.append(step)
        if not as_json:
            _show(step)
    works = all(step.outcome != "failed" for step in shown)
    if as_json:
        sys.stdout.write(json.dumps({"ok": works, "steps": [asdict(step) for step in shown]}, indent=2) + "\n")
    else:
        sys.stdout.write("\nReady.\n" if works else "\nNot ready.\n")
    return 0 if works else 1


def _show(step: Step) -> None:
    # What the API says must not look like lines of ours.
    sys.stdout.write(f"{_MARKS[step.outcome]}  {step.name:<10} {' '.join(step.detail.split())}\n")
    if step.hint:
        sys.stdout.write(f"{'':<17}{step.hint}\n")
    # The next step may take a while.
    sys.stdout.flush()
