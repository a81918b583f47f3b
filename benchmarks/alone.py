"""One part of the benchmark by itself: the command line that each part has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from driver import DriverError
from environments import ROOT, Environments, UnfitError
from scenarios import FULL, QUICK, Plan


def alone(
    description: str, measure: Callable[[Environments, Plan], dict[str, Any]], show: Callable[[dict[str, Any]], None]
) -> int:
    """Measure one part and print it; the exit code, which is 2 where nothing could be measured."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--environments", type=Path, default=ROOT / ".venv-bench", help="folder for the environments")
    options = parser.parse_args()
    try:
        environments = Environments(options.environments.absolute())
        environments.install()
        measured = measure(environments, QUICK if options.quick else FULL)
    except (DriverError, UnfitError) as error:
        print(f"nothing measured: {error}", file=sys.stderr)
        return 2
    show(measured)
    return 0
