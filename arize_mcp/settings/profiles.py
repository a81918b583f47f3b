"""Profiles of Arize's own command line tool (``ax``), read only when they are asked for by name.

Source: the package arize-ax-cli 0.39: ``~/.arize/profiles/<name>.toml`` with the tables ``auth`` (``auth_method``,
``api_key``) and ``routing``; ``${VAR}`` and ``${VAR:default}`` in their values stand for environment variables.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
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
FIELDS: Final = {variable: key for (_, key), variable in _VARIABLES.items()}
"""The field of a profile that says the same as an environment variable."""

REGION_ALIASES: Final = {"US": "us-east-1b", "CA": "ca-central-1a", "EU": "eu-west-1a"}
"""What ax takes for a region besides the regions' own names."""

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}]*))?\}")


class ProfileError(ValueError):
    """A profile that can't be used; the text holds no secret."""


def names(home: Path) -> list[str]:
    """The profiles there are, by the names of their files; none is opened.

    Raises:
        ProfileError: their folder can't be read.
    """
    try:
        return sorted(path.stem for path in (home / ".arize" / "profiles").iterdir() if path.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ProfileError(f"can't be looked up in ~/.arize/profiles: {error.strerror}.") from None


def load(home: Path, name: str, environ: Mapping[str, str], wanted: Collection[str]) -> dict[str, str]:
    """Read a profile.

    Args:
        home: the user's home directory.
        name: the profile's.
        environ: what ``${VAR}`` in it stands for.
        wanted: the environment variables that it is to stand in for; nothing else in it matters.

    Returns:
        The wanted variables that it sets.

    Raises:
        ProfileError: there is no such profile, or it can't be read, or its API key is wanted and it has none.
    """
    known = names(home)
    if name not in known:
        raise ProfileError(f"names no profile of the ax command line tool ({', '.join(known) or 'there are none'}).")
    import tomllib  # noqa: PLC0415 - most have no profile

    this = f"names the profile '{name}',"
    try:
        tables = tomllib.loads((home / ".arize" / "profiles" / f"{name}.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ProfileError(f"{this} which can't be read; `ax profiles show` may tell more.") from None
    found: dict[str, str] = {}
    for (table, key), variable in _VARIABLES.items():
        values: Any = tables.get(table)
        value: Any = cast("dict[str, Any]", values).get(key) if isinstance(values, dict) else None
        if variable not in wanted or value in (None, ""):
            continue
        text, missing = _filled_in(str(value), environ)
        if missing:
            raise ProfileError(f"{this} whose {key} refers to {missing}, which isn't set.")
        if text:
            found[variable] = REGION_ALIASES.get(text.upper(), text) if key == "region" else text
    if "ARIZE_API_KEY" in wanted and "ARIZE_API_KEY" not in found:
        raise ProfileError(f"{this} which has no api_key: a login (OAuth) can't be used here, set ARIZE_API_KEY.")
    return found


def _filled_in(text: str, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """The text with its references filled in, and the first variable that it refers to in vain."""
    missing: list[str] = []

    def value(reference: re.Match[str]) -> str:
        name, default = reference[1], cast("str | None", reference[2])
        found = environ.get(name, default)
        if found is None:
            missing.append(name)
        return found or ""

    return _REFERENCE.sub(value, text).strip(), next(iter(missing), None)
