"""Ids: finds the one that is meant in what people give for it."""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import unquote

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_LINK: Final = re.compile(r"/|\S*://|[^\s/]*\barize\.com\b", re.IGNORECASE)
_RESOURCE: Final = re.compile(r"arize://experiments/([^/?#\s]+)(/runs|/summary)?/?", re.IGNORECASE)
_QUOTED: Final = re.compile(r"""["'`<\\\u2018\u201c]{1,4}\s*([\w.:%+=-]+)\s*["'`>\\\u2019\u201d]{1,4}""", re.ASCII)
_MAX_LISTED: Final = 10

TO_FIND: Final = {
    "Experiment": "experiments_list shows the ids, and has a name argument to find its id by its name.",
    "Dataset": "a dataset's id is in its link in the Arize UI, in the SDK, and in any of its experiments (dataset_id).",
    "Space": "a space's id is in its link in the Arize UI, and in any of its experiments (space_id).",
}
"""How an id of each kind is found."""


def id_of(kind: str) -> BeforeValidator:
    """Finds the id of a kind in what was given for it.

    An id loses the white space and quotation marks around it and its percent-encoding, and gets back the "=" at its
    end. Out of a link to Arize's user interface, or of this server's own resource, comes the one id of that kind.

    Args:
        kind: as the API writes it, such as ``Experiment``. Ids are base64 of ``<kind>:<number>:<suffix>``; none holds
            white space, a name may.
    """

    def find(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = value.strip()
        if quoted := _QUOTED.fullmatch(text):
            text = quoted[1]
        if _LINK.match(text):
            text = _of_link(text, kind)
        elif len(text.split()) > 1:
            raise PydanticCustomError("name_for_id", "Input is a name", {"kind": kind})
        # HTTP clients and servers resolve these two even when they are percent-encoded (RFC 3986, 6.2.2.3).
        if text in (".", ".."):
            raise PydanticCustomError("no_id", "Input can't be an id", {"kind": kind})
        return _whole(_unquoted(text), kind) or text

    return BeforeValidator(find)


def _of_link(text: str, kind: str) -> str:
    # No id has a "+", which in a link is a space.
    parts = re.split(r"[^A-Za-z0-9]+", _unquoted(text))
    found = list(dict.fromkeys(filter(None, (_whole(part, kind) for part in parts))))
    if not found and kind == "Experiment" and (resource := _RESOURCE.fullmatch(text)):
        # Its ids may be of any form.
        return _unquoted(resource[1])
    if not found:
        raise PydanticCustomError("link", "Input is a link", {"kind": kind})
    if len(found) > 1:
        told = ", ".join(found[:_MAX_LISTED]) + (", ..." if len(found) > _MAX_LISTED else "")
        raise PydanticCustomError("many_ids", "Input has several ids", {"kind": kind.lower(), "ids": told})
    return found[0]


def _whole(text: str, kind: str) -> str | None:
    """The text with the "=" at its end, if it is an id of that kind."""
    padded = text.rstrip("=")
    padded += "=" * (-len(padded) % 4)
    try:
        decoded = base64.b64decode(padded, validate=True).decode()
    except ValueError:
        return None
    return padded if decoded.startswith(f"{kind}:") else None


def _unquoted(text: str) -> str:
    """The text without percent-encoding, also where that was done twice."""
    return unquote(unquote(text))
