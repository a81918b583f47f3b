"""Environment variables read one by one, each into a value or into what is wrong with it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from arize_mcp.settings import profiles

_PLACEHOLDER: Final = re.compile(
    r"[$#]?\{.*\}|\$[A-Za-z_][A-Za-z0-9_]*|\$env:\w+|%\w+%|<.*>|\.\.\.|\*{3,}|op://.*"
    r"|(?:[a-z]+[-_ ])*your[-_ ](?:[a-z]+[-_ ])*(?:key|token|secret)(?:[-_ ]here)?|(?:[a-z]+[-_ ])*key[-_ ]here"
    r"|none|null|undefined|(?:change|replace)[-_ ]?me|todo",
    re.IGNORECASE,
)
_NEVER_UNSET: Final = frozenset(
    (
        "ARIZE_API_KEY",
        "ARIZE_API_HOST",
        "ARIZE_API_SCHEME",
        "ARIZE_BASE_URL",
        "ARIZE_SINGLE_HOST",
        "ARIZE_BASE_DOMAIN",
        "ARIZE_PROXY_URL",
        "ARIZE_REQUEST_VERIFY",
        "ARIZE_SSL_CA_CERT",
        "ARIZE_MCP_READ_ONLY",
        "ARIZE_MCP_CONFIRM_DELETE",
    )
)
"""If these counted as not set, the key would go elsewhere than was meant, or without a protection asked for."""

_MIN_KEY_CHARS: Final = 8
_QUOTES: Final = ('"', "'", "\u201c", "\u201d", "\u2018", "\u2019")

_T = TypeVar("_T")


def is_quoted(text: str) -> bool:
    """Whether a quotation mark, straight or curly, is at either end."""
    return text[:1] in _QUOTES or text[-1:] in _QUOTES


def is_placeholder(text: str) -> bool:
    """Whether a value is a template's placeholder, which nobody has filled in."""
    return _PLACEHOLDER.fullmatch(text) is not None


def key_fault(key: str) -> str | None:
    """What keeps a text from being an API key, as the end of a sentence; None where nothing does."""
    if key.lower().startswith("bearer "):
        return "must be the key alone, without 'Bearer '."
    if is_quoted(key):
        return "must be the key alone, without quotation marks."
    if not all("!" <= character <= "~" for character in key):
        return "holds a character that no API key has (a space, a line break or a non-ASCII one): copy it again."
    if key and len(key) < _MIN_KEY_CHARS:
        return "is too short to be an API key: copy it again."
    return None


class Reader:
    """Reads variables one by one and collects what is wrong with them.

    Args:
        environ: the variables.

    Attributes:
        errors: pairs of (variable, what is wrong and what to do). No text holds a value: it may be a secret.
        known: the variables that were asked for.
        unfilled: the variables that count as not set because they hold a placeholder.
        profile: the name of the profile from which something was taken.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.errors: list[tuple[str, str]] = []
        self.known: set[str] = set()
        self.unfilled: set[str] = set()
        self.profile: str | None = None
        self._environ = environ
        self._from_profile: dict[str, str] = {}

    def use_profile(self, name: str, values: Mapping[str, str]) -> None:
        """Take variables that the environment doesn't set from a profile."""
        self._from_profile = dict(values)
        self.profile = name if values else None

    def is_set(self, name: str) -> bool:
        """Whether the environment itself has a value for a variable: more than spaces or an unfilled placeholder."""
        value = self._environ.get(name, "").strip()
        return bool(value) and (name in _NEVER_UNSET or not is_placeholder(value))

    def is_there(self, name: str) -> bool:
        """Whether the environment has a variable at all, be it empty."""
        return name in self._environ

    def named(self, name: str) -> list[str]:
        """The words of a list as they were given, in lower case."""
        return [word for part in self.text(name).lower().split(",") if (word := part.strip())]

    def fail(self, name: str, detail: str) -> None:
        """Note what is wrong with a variable (or several, joined by slashes), or with the profile it comes from."""
        fields = [profiles.FIELDS[part] for part in name.split("/") if part in self._from_profile]
        if fields:
            name, detail = "ARIZE_PROFILE", f"names the profile '{self.profile}', whose {'/'.join(fields)} {detail}"
        if (name, detail) not in self.errors:  # a variable may be asked for twice
            self.errors.append((name, detail))

    def text(self, name: str) -> str:
        """A variable without the spaces around it, empty where it is not set."""
        self.known.add(name)
        value = self._environ.get(name, "").strip()
        if value and name not in _NEVER_UNSET and is_placeholder(value):
            self.unfilled.add(name)
            value = ""
        value = value or self._from_profile.get(name, "").strip()
        if is_placeholder(value) or value == name:
            self.fail(name, "holds an unfilled placeholder: put the value itself in your host's configuration.")
            return ""
        return value

    def number(self, name: str, parse: Callable[[str], _T], default: _T, rule: str, ok: Callable[[_T], bool]) -> _T:
        """A number that keeps a rule."""
        text = self.text(name)
        if not text:
            return default
        try:
            value = parse(text)
        except ValueError:
            value = None
        if value is None or not ok(value):
            self.fail(name, f"must be {rule}.")
            return default
        return value

    def seconds(self, name: str, default: float) -> float:
        """A number of seconds."""
        rule = "a number of seconds above 0, at most 86400"
        return self.number(name, float, default, rule, lambda value: 0 < value <= 86_400)

    def whole(self, name: str, default: int, *, minimum: int, maximum: int = 2**53) -> int:
        """A whole number in a range."""
        rule = f"a whole number from {minimum} to {maximum}"
        return self.number(name, int, default, rule, lambda value: minimum <= value <= maximum)

    def switch(self, name: str, *, default: bool, empty_is_default: bool = True) -> bool:
        """A truth value."""
        # The official client takes an empty or misspelt ARIZE_REQUEST_VERIFY for "off": here it is an error.
        text = self.text(name).lower()
        if text in ("1", "true", "yes", "on"):
            return True
        if text in ("0", "false", "no", "off"):
            return False
        is_empty = not self._environ.get(name, "unset").strip()
        if text or (is_empty and not empty_is_default):
            self.fail(name, "must be one of 1, true, yes, on, 0, false, no, off.")
        return default

    def choice(
        self, name: str, choices: tuple[str, ...], default: str, *, fold: Callable[[str], str] = str.lower
    ) -> str:
        """One of several words, in any case."""
        text = fold(self.text(name))
        if text and text not in choices:
            self.fail(name, f"must be one of {', '.join(choices)}.")
            return default
        return text or default

    def words(self, name: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """Several of some words, separated by commas, in any case; ``all`` means all. In the order of the choices."""
        given = self.named(name)
        for word in given:
            if word not in (*choices, "all"):
                near = difflib.get_close_matches(word, (*choices, "all"), 1)
                meant = f" Did you mean {near[0]}?" if near else ""
                self.fail(name, f"takes {', '.join(choices)} and all, separated by commas, nothing else.{meant}")
        return tuple(choice for choice in choices if choice in given or "all" in given)
