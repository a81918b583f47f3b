"""Profiles of Arize's own command line tool (``ax``), read only when they are asked for by name.

Source: the package arize-ax-cli 0.39: ``~/.arize/profiles/<name>.toml`` with the tables ``auth`` (``auth_method``,
``api_key``) and ``routing``; ``${VAR}`` and ``${VAR:default}`` in their values stand for environment variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

_VARIABLES: Final = {
    ("auth", "api_key"): "ARIZE_API_KEY",
    ("routing", "region"): "ARIZE_REGION",
    ("routing", "single_host"): "ARIZE_SINGLE_HOST",
    ("routing", "single_port"): "ARIZE_SINGLE_PORT",
    ("routing", "base_domain"): "ARIZE_BASE_DOMAIN",
    ("routing", "api_host"): "ARIZE_API_HOST",
    ("routing", "api_scheme"): "ARIZE_API_SCHEME",
}
_REGION_ALIASES: Final = {"US": "us-east-1b", "CA": "ca-central-1a", "EU": "eu-west-1a"}
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}]*))?\}")


class ProfileError(ValueError):
    """A profile that can't be used; the text holds no secret."""


def names(home: Path) -> list[str]:
    """The profiles there are, by the names of their files; none is opened."""
    return sorted(path.stem for path in (home / ".arize" / "profiles").glob("*.toml"))


def load(home: Path, name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Read a profile.

    Args:
        home: the user's home directory.
        name: the profile's.
        environ: what ``${VAR}`` in it stands for.

    Returns:
        The environment variables that say the same.

    Raises:
        ProfileError: there is no such profile, or it holds no API key, or can't be read.
    """
    if name not in names(home):
        known = ", ".join(names(home)) or "there are none"
        raise ProfileError(f"names no profile of the ax command line tool ({known}).")
    import tomllib  # noqa: PLC0415 - most have no profile

    try:
        text = (home / ".arize" / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except (OSError, ValueError):
        raise ProfileError("names a profile that can't be read; `ax profiles show` may tell more.") from None
    found: dict[str, str] = {}
    for (table, key), variable in _VARIABLES.items():
        values: Any = tables.get(table)
        value: Any = cast("dict[str, Any]", values).get(key) if isinstance(values, dict) else None
        if value not in (None, ""):
            found[variable] = _REFERENCE.sub(lambda match: environ.get(match[1], match[2] or ""), str(value))
    found["ARIZE_REGION"] = _REGION_ALIASES.get(found.get("ARIZE_REGION", ""), found.get("ARIZE_REGION", ""))
    if not found.get("ARIZE_API_KEY"):
        raise ProfileError("names a profile without an API key: a login (OAuth) can't be used here, set ARIZE_API_KEY.")
    return found
