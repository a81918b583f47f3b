"""Environment variables, read once, into Settings."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from arize_mcp.settings import endpoint, foreign, profiles
from arize_mcp.settings.variables import Reader, key_fault

TOOLSETS = ("analysis", "datasets", "files")
"""The toolsets there are beside the five tools, in the order in which they are listed; each is a module of
``server/tools``."""

CONFIRM_DELETE = ("auto", "always", "never")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ALSO = {"WARN": "WARNING", "FATAL": "CRITICAL"}

_OURS = re.compile(r"ARIZE_MCP_\w+")
_PREFIX = re.compile(r"\AARIZE_(MCP_)?")


class SettingsError(ValueError):
    """Settings that can't be used, all of them at once.

    Attributes:
        errors: pairs of (environment variable, what is wrong and what to do). No text holds a secret.
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name} {detail}" for name, detail in errors))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says. Names and defaults: the README's table; ``repr`` shows no secret."""

    base_url: str = f"https://{endpoint.HOSTS[None]}"
    api_key: str | None = field(default=None, repr=False)
    verify_tls: bool = True
    ca_path: str | None = None
    proxy_url: str | None = field(default=None, repr=False)
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    deadline_s: float = 50.0
    max_response_bytes: int = 33_554_432
    max_connections: int = 64
    max_result_chars: int = 40_000
    max_runs: int = 20_000
    confirm_delete: Literal["auto", "always", "never"] = "auto"
    confirm_timeout_s: float = 120.0
    read_only: bool = False
    toolsets: tuple[str, ...] = ()
    files_dir: str = ""
    max_file_bytes: int = 268_435_456
    view: bool = False
    shared: bool = False
    """Whether one process serves many callers, each with their own key."""
    log_level: str = "WARNING"
    profile: str | None = None
    unfilled: tuple[str, ...] = ()


def load(*, sandbox_key: str | None = None, other_url: str | None = None) -> Settings:
    """Turn the process's environment variables into Settings.

    The endpoint variables follow the official Python client (contract, 4.2): one of region, single host and base domain
    overrides the API host; a port replaces one inside the host.

    Args:
        sandbox_key: the key of the embedded sandbox; then the variables that say where Arize is and how to reach it are
            not read.
        other_url: a server to reach instead of Arize, with Arize's key.

    Raises:
        SettingsError: with every variable that can't be used.
    """
    read = Reader(os.environ)
    settings = read_settings(read, sandbox_key, other_url)
    if read.errors:
        raise SettingsError(read.errors)
    return settings


def read_settings(read: Reader, sandbox_key: str | None, other_url: str | None = None) -> Settings:
    """Read all variables; what is wrong with them is in the reader's errors."""
    remote = sandbox_key is None
    if remote:
        _use_profile(read)
        foreign.refuse_base_url(read)
    base_url = endpoint.base_url(read) if remote else "http://sandbox"
    if other_url is not None:
        base_url = endpoint.other_url(read, other_url)
    toolsets = read.words("ARIZE_MCP_TOOLSETS", TOOLSETS)
    files_dir = _files_dir(read, toolsets)
    return Settings(
        base_url=base_url,
        api_key=_api_key(read) if remote else sandbox_key,
        verify_tls=read.switch("ARIZE_REQUEST_VERIFY", default=True, empty_is_default=False) if remote else True,
        ca_path=endpoint.ca_path(read) if remote else None,
        proxy_url=endpoint.proxy_url(read, base_url) if remote else None,
        connect_timeout_s=read.seconds("ARIZE_MCP_CONNECT_TIMEOUT_S", 5.0),
        read_timeout_s=read.seconds("ARIZE_MCP_READ_TIMEOUT_S", 30.0),
        deadline_s=read.seconds("ARIZE_MCP_DEADLINE_S", 50.0),
        max_response_bytes=read.whole("ARIZE_MCP_MAX_RESPONSE_BYTES", 33_554_432, minimum=1),
        max_connections=read.whole("ARIZE_MCP_MAX_CONNECTIONS", 64, minimum=1, maximum=1000),
        max_result_chars=_max_result_chars(read),
        max_runs=read.whole("ARIZE_MCP_MAX_RUNS", 20_000, minimum=1),
        confirm_delete=cast(
            "Literal['auto', 'always', 'never']", read.choice("ARIZE_MCP_CONFIRM_DELETE", CONFIRM_DELETE, "auto")
        ),
        confirm_timeout_s=read.seconds("ARIZE_MCP_CONFIRM_TIMEOUT_S", 120.0),
        read_only=read.switch("ARIZE_MCP_READ_ONLY", default=False),
        toolsets=tuple(name for name in toolsets if name != "files" or files_dir),
        files_dir=files_dir,
        max_file_bytes=read.whole("ARIZE_MCP_MAX_FILE_BYTES", 268_435_456, minimum=1),
        view=read.switch("ARIZE_MCP_VIEW", default=False),
        log_level=_log_level(read),
        profile=read.profile,
        unfilled=tuple(sorted(read.unfilled)),
    )


def unused_profiles() -> list[str]:
    """The profiles of the ax command line tool, by name and unopened, where none is in use."""
    if os.environ.get("ARIZE_PROFILE", "").strip():
        return []
    try:
        return profiles.names(_home())
    except profiles.ProfileError:
        return []


def unknown_variables(further: Collection[str] = ()) -> dict[str, str | None]:
    """The variables that look like ours and mean nothing, each with the one that may be meant.

    Args:
        further: variables that mean something elsewhere.
    """
    read = Reader(os.environ)
    read_settings(read, None)
    ours = read.known.union(further)
    unknown = [name for name in os.environ if _OURS.fullmatch(name) and name not in ours]
    # The prefix that all share would make any two short names look alike.
    known = {_PREFIX.sub("", name): name for name in ours}
    near = {name: difflib.get_close_matches(_PREFIX.sub("", name), known, 1, 0.75) for name in sorted(unknown)}
    return {name: known[found[0]] if found else None for name, found in near.items()}


def foreign_variables() -> dict[str, str]:
    """The variables of other clients that are set and not read here, each with what says the same."""
    return {name: instead for name, instead in foreign.INSTEAD.items() if os.environ.get(name, "").strip()}


def masked(secret: str) -> str:
    """A secret as it may be shown: its first four characters, if it has many more."""
    return f"{secret[:4]}..." if len(secret) >= 16 else "set"


def log_level() -> str:
    """The log level alone, for a process whose other settings can't be used; WARNING where it is itself unusable."""
    return _log_level(Reader(os.environ))


def read_only() -> bool:
    """Whether to read only, for a process whose other settings can't be used; yes where this one itself can't be."""
    read = Reader(os.environ)
    return read.switch("ARIZE_MCP_READ_ONLY", default=False) or bool(read.errors)


def view() -> bool:
    """Whether there is a view, for a process whose other settings can't be used: the view shows what is wrong."""
    return Reader(os.environ).switch("ARIZE_MCP_VIEW", default=False)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise profiles.ProfileError("can't be looked up: there is no home directory, set HOME.") from None


def _use_profile(read: Reader) -> None:
    """Take from ARIZE_PROFILE what the environment doesn't say itself."""
    name = read.text("ARIZE_PROFILE")
    if not name:
        return
    # Where the API is comes from one place: half from each would be a place that neither means.
    wanted: list[str] = (
        [] if any(read.is_set(variable) for variable in endpoint.VARIABLES) else list(endpoint.VARIABLES)
    )
    if not read.is_set("ARIZE_API_KEY"):
        wanted.append("ARIZE_API_KEY")
    try:
        read.use_profile(name, profiles.load(_home(), name, os.environ, wanted))
    except profiles.ProfileError as error:
        read.fail("ARIZE_PROFILE", str(error))


def without_files() -> bool:
    """Whether the toolset ``files`` is asked for, but left out because it has no folder."""
    read = Reader(os.environ)
    return "files" in read.words("ARIZE_MCP_TOOLSETS", TOOLSETS) and not (_files_dir(read, TOOLSETS) or read.errors)


def _files_dir(read: Reader, toolsets: tuple[str, ...]) -> str:
    """The folder of the toolset ``files``; empty where it is off."""
    name = "ARIZE_MCP_FILES_DIR"
    path = read.text(name)
    if not path:
        # A host's form with one field for the folder leaves it empty: then the toolset is off.
        if "files" in read.named("ARIZE_MCP_TOOLSETS") and not read.is_there(name):
            read.fail(name, "must be set to the folder of the toolset files, which ARIZE_MCP_TOOLSETS names.")
        return ""
    if "files" not in toolsets:
        read.fail("ARIZE_MCP_TOOLSETS", f"must name files too, because {name} is set; or unset {name}.")
    elif not Path(path).is_absolute():
        read.fail(name, "must be an absolute path.")
    elif not Path(path).is_dir():
        read.fail(name, "must be a folder that exists.")
    return path


def _log_level(read: Reader) -> str:
    return read.choice(
        "ARIZE_MCP_LOG_LEVEL", LOG_LEVELS, "WARNING", fold=lambda text: _ALSO.get(text.upper(), text.upper())
    )


def _max_result_chars(read: Reader) -> int:
    rule = "0, for no limit, or a whole number from 1000"
    return read.number("ARIZE_MCP_MAX_RESULT_CHARS", int, 40_000, rule, lambda value: value == 0 or value >= 1000)


def _api_key(read: Reader) -> str | None:
    name = "ARIZE_API_KEY"
    key = read.text(name)
    if fault := key_fault(key):
        read.fail(name, fault)
        return None
    return key or None
