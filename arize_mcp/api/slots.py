"""Whose request is sent next. All keys together have a limit, each key has one, and the keys take turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from types import TracebackType

import anyio


class Slots:
    """How many requests all keys together may have under way.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        # The keys that may have one more slot and have requests waiting, in the order of their turns.
        self._turns: OrderedDict[KeySlots, None] = OrderedDict()

    async def take(self, key: KeySlots) -> None:
        """Wait for a slot, in the order in which a key's requests came."""
        if self._free and key.free:
            # Nobody is passed over: a slot that is given back goes to a waiting request at once.
            self._free -= 1
            key.free -= 1
            return
        turn = anyio.Event()
        key.waiting.append(turn)
        self._line_up(key)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.give_back(key)
            else:
                key.waiting.remove(turn)
            raise

    def give_back(self, key: KeySlots) -> None:
        """Give a slot back; the next waiting request gets it."""
        self._free += 1
        key.free += 1
        self._line_up(key)
        while self._free and self._turns:
            first, _ = self._turns.popitem(last=False)
            if first.waiting:
                self._free -= 1
                first.free -= 1
                first.waiting.popleft().set()
                self._line_up(first)

    def _line_up(self, key: KeySlots) -> None:
        if key.waiting and key.free:
            self._turns.setdefault(key)


class KeySlots:
    """The slots of one key, inside those of all; ``async with`` it takes one.

    Args:
        slots: those of all.
        most: how many the key may have at a time.

    Attributes:
        free: how many more it may have.
        waiting: its requests that wait, each as the event that tells it that it has a slot.
    """

    def __init__(self, slots: Slots, most: int) -> None:
        self._slots = slots
        self.free = most
        self.waiting: deque[anyio.Event] = deque()

    async def __aenter__(self) -> None:
        await self._slots.take(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._slots.give_back(self)
