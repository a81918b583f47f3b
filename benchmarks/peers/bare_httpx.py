"""Requests with a bare httpx.AsyncClient, one at a time: the second of the two parts of a call.

Run: python bare_httpx.py URL. For each number on a line of stdin it makes that many requests, and prints how many
milliseconds each took, as a JSON array.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx


async def main(url: str) -> None:
    async with httpx.AsyncClient(headers={"Authorization": "Bearer k"}) as client:
        for line in sys.stdin:
            latencies_ms: list[float] = []
            for _ in range(int(line)):
                started = time.perf_counter()
                response = await client.get(url)
                latencies_ms.append((time.perf_counter() - started) * 1000)
                response.raise_for_status()
            print(json.dumps(latencies_ms), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
