"""``python -m arize_mcp``: the same as the console script ``arize-mcp``."""

import sys

from arize_mcp.cli import main

sys.exit(main())
