"""The fields of a run: what each is by its name, and what it is called in answers."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

JSONObject = dict[str, Any]
"""A JSON object exactly as the API sent it."""

MARK: Final = "…"
"""Ends a text that was cut."""

_EVALUATION: Final = re.compile(r"eval\.(.+)\.(score|label|explanation)", re.DOTALL)
_METADATA: Final = ".metadata."
_ANNOTATION: Final = "annotation."
_PREFIXES: Final = ("eval.", _ANNOTATION)
_ERROR_LIKE: Final = frozenset({"errortext", "errormessage", "exception", "exceptions"})


class Kind(Enum):
    """What a field is by its name; its value's type decides the rest."""

    ID = auto()
    EXAMPLE_ID = auto()
    OUTPUT = auto()
    ERROR = auto()
    ANNOTATIONS = auto()
    SCORE = auto()
    LABEL = auto()
    EXPLANATION = auto()
    ERROR_LIKE = auto()
    OTHER = auto()


_KNOWN: Final = {
    "id": Kind.ID,
    "example_id": Kind.EXAMPLE_ID,
    "output": Kind.OUTPUT,
    "error": Kind.ERROR,
    "annotations": Kind.ANNOTATIONS,
    "explanation": Kind.EXPLANATION,
}


class Field(NamedTuple):
    """A field's kind, and its name in answers: an evaluation's own name, else the whole name of the field."""

    kind: Kind
    name: str


@lru_cache(maxsize=4096)
def field_of(full_name: str) -> Field:
    """What a top-level field of a run is.

    ``eval.correctness.score`` is the score ``correctness``. ``eval.<name>.metadata.<key>`` is no score, even where the
    key is ``score``.
    """
    known = _KNOWN.get(full_name)
    if known is not None:
        return Field(known, full_name)
    match = _EVALUATION.fullmatch(full_name)
    if match is not None and _METADATA not in match[1] + ".":
        # An evaluation whose name begins like another kind of field keeps its prefix.
        name = f"eval.{match[1]}" if match[1].startswith(_PREFIXES) else match[1]
        return Field(Kind[match[2].upper()], name)
    if re.sub(r"[\W_]", "", full_name).lower() in _ERROR_LIKE:
        return Field(Kind.ERROR_LIKE, full_name)
    return Field(Kind.OTHER, full_name)


def resolve(argument: str, what: str, name: str, known: Collection[str], part: str | None = None) -> str:
    """Find the known name that is meant, which may be given as its field's name.

    Args:
        argument: which argument holds it, as a JSON Pointer (RFC 6901).
        what: what it should be the name of, for the error.
        name: what was given.
        known: the names there are, as in answers.
        part: ``score`` or ``label``, the end of the field's name; an annotation's name is as in the API's search.

    Raises:
        UnknownNameError: it is none of them.
    """
    if name in known:
        return name
    for other in known if part else ():
        if name == (f"{other}.{part}" if other.startswith(_PREFIXES) else f"eval.{other}.{part}"):
            return other
    raise UnknownNameError(argument, what, name, known)


def annotations_of(run: Mapping[str, Any]) -> Iterator[tuple[str, JSONObject]]:
    """The annotations of a run that have a name: ``annotation.<name>`` and the annotation."""
    annotations: Any = run.get("annotations")
    for item in cast("list[Any]", annotations) if isinstance(annotations, list) else ():
        annotation = cast("JSONObject", item) if isinstance(item, dict) else {}
        name = annotation.get("name")
        if isinstance(name, str) and name:
            yield _ANNOTATION + name, annotation


def is_failed(run: Mapping[str, Any]) -> bool:
    """Whether a run's ``error`` is there and not empty, or, without one, its ``execution_status`` is FAILED."""
    return bool(error_text(run.get("error"))) or run.get("execution_status") == "FAILED"


def error_text(value: Any) -> str:
    """An error as a text; empty for a value that means no error: null, false, 0, blanks, an empty array or object."""
    return as_text(value).strip() if value else ""


def as_text(value: Any) -> str:
    """A value as a text: a string as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def excerpt(value: Any, max_chars: int) -> str | None:
    """The beginning of a value's text, at most max_chars with the mark of a cut; None for null."""
    if value is None:
        return None
    text = as_text(value)
    return text if len(text) <= max_chars else text[: max_chars - 1] + MARK


class UnknownNameError(ValueError):
    """A name that no run has.

    Attributes:
        argument: which argument holds it, as a JSON Pointer (RFC 6901).
        detail: what is wrong, with the nearest names there are.
    """

    def __init__(self, argument: str, what: str, name: str, known: Iterable[str]) -> None:
        self.argument = argument
        self.detail = f"No run has {what} of this name. {nearest(name, known)}"
        super().__init__(self.detail)


def nearest(name: str, known: Iterable[str], count: int = 5) -> str:
    """The known names that may be meant by another one, or some of them, in a sentence."""
    names = sorted(known)
    folded = {other.lower(): other for other in names}
    near = [folded[match] for match in get_close_matches(name.lower(), folded, count, 0.6)]
    near = near or [other for other in names if name and name.lower() in other.lower()][:count]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    if not names:
        return "There is none."
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"There are: {', '.join(names[:20])}{more}."


def present(**members: Any) -> JSONObject:
    """An object without the members that are None."""
    return {name: value for name, value in members.items() if value is not None}
