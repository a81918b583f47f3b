"""Variables that Arize's other clients read, or that people guess, and that are not read here."""

from __future__ import annotations

from typing import Final

from arize_mcp.settings.variables import Reader

_WHERE: Final = "Where the API is goes into ARIZE_API_HOST."
_KEY: Final = "The key goes into ARIZE_API_KEY."

INSTEAD: Final = {
    **dict.fromkeys(
        (
            "ARIZE_HOST",
            "ARIZE_ENDPOINT",
            "ARIZE_URL",
            "ARIZE_BASEURL",
            "ARIZE_API_URL",
            "ARIZE_API_BASE",
            "ARIZE_API_BASE_URL",
            "ARIZE_API_ENDPOINT",
        ),
        _WHERE,
    ),
    **dict.fromkeys(("ARIZE_KEY", "ARIZE_TOKEN", "ARIZE_API_TOKEN", "ARIZE_APIKEY"), _KEY),
    "ARIZE_SPACE_ID": "A space's id is the argument space_id of experiments_list.",
    "ARIZE_SPACE_KEY": "The API takes ARIZE_API_KEY alone.",
    "ARIZE_DEVELOPER_KEY": "The API takes ARIZE_API_KEY alone.",
}
"""What to set here instead, or why there is nothing to set."""


def refuse_base_url(read: Reader) -> None:
    """Refuse the TypeScript client's variable: if it were ignored, another installation's key would go to Arize."""
    if read.is_set("ARIZE_BASE_URL"):
        read.fail(
            "ARIZE_BASE_URL",
            "is not read: give the host in ARIZE_API_HOST, its port in ARIZE_API_PORT, http in ARIZE_API_SCHEME, or "
            "ARIZE_REGION instead, and unset it.",
        )
