"""Variables that Arize's other clients read, and this one doesn't."""

from __future__ import annotations

from typing import Final

from arize_mcp.settings.variables import Reader

INSTEAD: Final = {
    "ARIZE_HOST": "Where the API is goes into ARIZE_API_HOST.",
    "ARIZE_ENDPOINT": "Where the API is goes into ARIZE_API_HOST.",
    "ARIZE_SPACE_ID": "A space's id is the argument space_id of experiments_list.",
    "ARIZE_SPACE_KEY": "The API takes ARIZE_API_KEY alone.",
    "ARIZE_DEVELOPER_KEY": "The API takes ARIZE_API_KEY alone.",
}
"""What says the same here, or why nothing does."""


def refuse_base_url(read: Reader) -> None:
    """Refuse the TypeScript client's variable: passed over, it would send the key of another installation to Arize."""
    if read.is_set("ARIZE_BASE_URL"):
        read.fail(
            "ARIZE_BASE_URL",
            "is not read: give the host in ARIZE_API_HOST, its port in ARIZE_API_PORT, http in ARIZE_API_SCHEME, or "
            "ARIZE_REGION instead, and unset it.",
        )
