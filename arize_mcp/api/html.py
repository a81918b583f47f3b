"""The text of a web page that came in place of an answer."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

_MAX_CHARS: Final = 50_000


def text_of(html: str) -> str:
    """The text of a page's beginning, without markup, scripts and styles."""
    parser = _Text()
    parser.feed(html[:_MAX_CHARS])
    return " ".join(parser.parts)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
