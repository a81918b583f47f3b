"""Whether what a Python program imports is compiled: an import that compiles is four times slower, and not measured.

Run by the interpreter of an environment: python -B bytecode.py MODULE... It imports the modules, prints the files of
those that came along without a current .pyc, and ends with exit code 1 where there are any.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path


def is_compiled(source: Path) -> bool:
    cached = Path(importlib.util.cache_from_source(str(source)))
    if not cached.exists():
        return False
    header = cached.read_bytes()[:16]
    stat = source.stat()
    expected = b"".join(int(n).to_bytes(4, "little") for n in (0, int(stat.st_mtime), stat.st_size & 0xFFFFFFFF))
    return header == importlib.util.MAGIC_NUMBER + expected


def main() -> int:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    sources = [
        Path(name)
        for module in list(sys.modules.values())
        # What is frozen into the interpreter names its source, which nobody compiles.
        if getattr(getattr(module, "__spec__", None), "origin", None) != "frozen"
        and (name := getattr(module, "__file__", None))
        and name.endswith(".py")
        and Path(name) != Path(__file__)
    ]
    stale = [file for file in sources if not is_compiled(file)]
    for file in stale:
        print(file)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
