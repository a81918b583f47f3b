"""A host that shows the view: in a real browser, over a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.stdio_process import Session

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Dialog, FrameLocator, Locator, Page

URI = "ui://arize-mcp/runs.html"
PAGE = (Path(__file__).parent / "host.html").read_text(encoding="utf-8")
SCRIPT = (Path(__file__).parent / "host.js").read_text(encoding="utf-8")

JSONObject = dict[str, Any]
Refuse = Callable[[JSONObject], JSONObject | None]


class Host:
    """A page that plays the host.

    Args:
        page: of the browser.
        session: with the server.
        theme: the host's.
        server_tools: whether it lets views call the server's tools.
        context: what else it tells of itself.
        script: how it speaks with the view: host.js, or the reference implementation.
        prelude: a script that it puts into the view before anything else.
        refuse: gives the error with which it refuses a call of the view's, or None.

    Attributes:
        calls: what the view called, and with which arguments.
        requested: the addresses that were asked for.
        trouble: errors, warnings and dialogs of the page.
    """

    def __init__(
        self,
        page: Page,
        session: Session,
        *,
        theme: Literal["light", "dark"] = "light",
        server_tools: bool = True,
        context: JSONObject | None = None,
        script: str = SCRIPT,
        prelude: str = "",
        refuse: Refuse = lambda _: None,
    ) -> None:
        self.page = page
        self.calls: list[tuple[str, JSONObject]] = []
        self.requested: list[str] = []
        self.trouble: list[str] = []
        self._session = session
        self._refuse = refuse
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("console", self._console)
        page.on("dialog", self._dialog)
        page.emulate_media(color_scheme=theme)
        page.set_content(PAGE.replace("SCRIPT", script))
        page.expose_function("callTool", self._call)  # pyright: ignore[reportUnknownMemberType] - its callback is untyped
        (read,) = session.request("resources/read", {"uri": URI})["result"]["contents"]
        html = read["text"].replace("<head>", f"<head><script>{prelude}</script>") if prelude else read["text"]
        capabilities: JSONObject = {"serverTools": {}} if server_tools else {}
        told = {"theme": theme, "displayMode": "inline", **(context or {})}
        page.evaluate("([html, can, context]) => open(html, can, context)", [html, capabilities, told])

    @property
    def view(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    @property
    def title(self) -> Locator:
        return self.view.get_by_role("heading")

    @property
    def status(self) -> Locator:
        return self.view.get_by_role("status")

    def button(self, name: str) -> Locator:
        return self.view.get_by_role("button", name=name)

    def tell(self, notification: str, params: JSONObject) -> None:
        self.page.evaluate("([method, params]) => tell(method, params)", [notification, params])

    def ask(self, method: str) -> JSONObject:
        """Ask the view something; returns its message."""
        return self.page.evaluate("(method) => ask('host-1', method)", method)

    def sent(self, method: str) -> list[JSONObject]:
        """The params of the messages of a method that the view sent."""
        messages: list[JSONObject] = self.page.evaluate("sent")
        return [message.get("params", {}) for message in messages if message.get("method") == method]

    def answer(self, tool: str, arguments: JSONObject) -> JSONObject:
        """The server's answer to a call of which the view knows nothing."""
        return self._session.request("tools/call", {"name": tool, "arguments": arguments})["result"]

    def call(self, tool: str, arguments: JSONObject) -> JSONObject:
        """Call a tool as the model does, and show its answer."""
        result = self.answer(tool, arguments)
        self.tell("tool-input", {"arguments": arguments})
        self.tell("tool-result", result)
        return result

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(message.text)

    def _dialog(self, dialog: Dialog) -> None:
        self.trouble.append(dialog.message)
        dialog.dismiss()

    def _call(self, params: JSONObject) -> JSONObject:
        self.calls.append((params["name"], params["arguments"]))
        refusal = self._refuse(params)
        if refusal is not None:
            return {"error": refusal}
        answer = self._session.request("tools/call", params)
        return {key: answer[key] for key in ("result", "error") if key in answer}
