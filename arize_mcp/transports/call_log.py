"""One line in the log for each call."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from arize_mcp.api.http import REQUEST_IDS
from arize_mcp.api.problems import quoted
from arize_mcp.transports.keys import api_of

logger = logging.getLogger(__name__)


async def logged(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """Log what a call was, what came of it and how long it took (a middleware of the SDK's server)."""
    if ctx.request_id is None or not logger.isEnabledFor(logging.INFO):
        return await call_next(ctx)
    started_s = time.perf_counter()
    request_ids: list[str] = []
    token = REQUEST_IDS.set(request_ids)
    outcome = "cancelled"
    try:
        result = await call_next(ctx)
        outcome = _outcome(cast("Mapping[str, Any]", result))
        return result
    except MCPError as error:
        outcome = f"error {error.code}"
        raise
    except Exception:
        outcome = "failed"
        raise
    finally:
        REQUEST_IDS.reset(token)
        name = (ctx.params or {}).get("name") if ctx.method == "tools/call" else None
        logger.info(
            "%s %s: %s in %d ms, key %s, Arize's request ids: %s",
            quoted(ctx.method),
            quoted(name) if name is not None else "-",
            outcome,
            (time.perf_counter() - started_s) * 1000,
            api_of(ctx).key_hash,
            ", ".join(request_ids) or "none",
        )


def _outcome(result: Mapping[str, Any]) -> str:
    """The outcome of a call: ok, asked, or the problem's status or type."""
    if result.get("resultType") == "input_required":
        return "asked"
    if not result.get("isError"):
        return "ok"
    problem = cast("dict[str, Any]", result.get("structuredContent") or {})
    return str(problem.get("status") or str(problem.get("type")).rpartition(":")[2])
