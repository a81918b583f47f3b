"""Opaque page cursors, bound to the query that they continue."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from arize_mcp.sandbox.problems import RequestError

_SIGNATURE_BYTES = 12


def encode(secret: bytes, query: tuple[str | None, ...], position: int) -> str:
    """A cursor to the items behind position. The page's size isn't part of the query, so it may change."""
    key = str(position).encode()
    return base64.urlsafe_b64encode(_signature(secret, query, key) + key).decode().rstrip("=")


def decode(secret: bytes, query: tuple[str | None, ...], cursor: str | None) -> int | None:
    """The position that a cursor holds; None without a cursor.

    Raises:
        RequestError: 400, for a cursor that is broken or belongs to another query.
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    signature, key = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(secret, query, key)):
        raise RequestError(400, "The cursor is not valid for this query.")
    return int(key)


def _signature(secret: bytes, query: tuple[str | None, ...], key: bytes) -> bytes:
    message = json.dumps(query).encode() + key
    return hashlib.blake2b(message, key=secret, digest_size=_SIGNATURE_BYTES).digest()
