"""The command line: serve over stdio or HTTP, demo, check, sandbox."""

from __future__ import annotations

import argparse
import functools
import gc
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TextIO, cast

_EPILOG = """\
environment:
  ARIZE_API_KEY   the key of your Arize account (the server starts without it and says so when called)
  ARIZE_REGION    us-central-1a, us-east-1b, eu-west-1a or ca-central-1a, if your account has one
  All variables are in the README's table.

examples:
  arize-mcp --sandbox      try it without an account
  arize-mcp demo           watch all five tools work
  arize-mcp check          find out why it doesn't
  arize-mcp http           one server for a team, each with their own key
  claude mcp add arize --env ARIZE_API_KEY=... -- uvx arize-mcp
"""


# A page of 500 runs makes some thousands of objects, none of which becomes part of a cycle.
_GC_THRESHOLD = 10_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments after the program's name; None takes the process's own.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.sandbox and arguments.command not in (None, "http"):
        parser.error(f"argument --sandbox: can't be used with the command {arguments.command}")
    if arguments.command == "check" and arguments.http is not None and arguments.regions:
        parser.error("argument --http: can't be used with --regions")
    if arguments.command is None and not arguments.version:
        return _serve_stdio(sandbox=arguments.sandbox)
    with _printing():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.version:
        from importlib.metadata import version  # noqa: PLC0415 - as little as can be before the wire is safe

        sys.stdout.write(f"arize-mcp {version('arize-mcp')}\n")
        return 0
    match arguments.command:
        case "demo":
            from arize_mcp.commands.demo import run_demo  # noqa: PLC0415 - the server never needs it

            return run_demo()
        case "sandbox":
            return _serve_sandbox(arguments.host, arguments.port, arguments.db)
        case "http":
            return _serve_http(arguments.host, arguments.port, sandbox=arguments.sandbox or arguments.http_sandbox)
        case _:
            if arguments.http is not None:
                from arize_mcp.commands.check_http import run_check_http  # noqa: PLC0415

                return run_check_http(arguments.http, as_json=arguments.json)
            from arize_mcp.commands.check import run_check  # noqa: PLC0415

            return run_check(regions=arguments.regions, as_json=arguments.json)


@contextmanager
def _printing() -> Generator[None]:
    """Print as escapes what stdout can't encode. If stdout can't be written, end with a line on stderr and code 1."""
    stdout = cast("io.TextIOWrapper | None", sys.stdout)
    if stdout is None:
        sys.exit("arize-mcp: stdout is closed.")
    stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        stdout.flush()
    except OSError as error:
        # What is left in the buffer would fail once more when Python ends, and then with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        # A reader that has left, such as head, wants to hear no more.
        sys.exit(1 if isinstance(error, BrokenPipeError) else f"arize-mcp: {error.strerror or error}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arize-mcp",
        description="MCP server for LLM experiments in Arize AX. Without a command it serves MCP over stdio, as hosts "
        "such as Claude Desktop start it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "--sandbox",
        nargs="?",
        type=_switch,
        const=True,
        default=False,
        metavar="true|false",
        help="serve the embedded sandbox instead of Arize: no account, no key",
    )
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    commands.add_parser(
        "demo",
        help="start the server on the sandbox and call all five tools",
        description="Start the server on the sandbox, as a host would, call all five tools and print what happened.",
        allow_abbrev=False,
    )
    check = commands.add_parser(
        "check",
        help="check the settings, the way to the API and the key",
        description="Check the settings, the way to the API and the key, with one request that reads. Exit code 0 if "
        "the tools would work, else 1.",
        allow_abbrev=False,
    )
    check.add_argument("--regions", action="store_true", help="also ask the other regions whether they know the key")
    check.add_argument(
        "--http", metavar="URL", help="check a server that arize-mcp http has started instead, by the URL it printed"
    )
    check.add_argument("--json", action="store_true", help="print one JSON object, for machines")
    http = commands.add_parser(
        "http",
        help="serve MCP over streamable HTTP, for a team",
        description="Serve MCP over streamable HTTP: every caller sends their own Arize API key with each request. "
        "When it listens, the URL stands on stdout.",
        allow_abbrev=False,
    )
    http.add_argument("--host", help="address to listen on (default: ARIZE_MCP_HTTP_HOST, or 127.0.0.1)")
    http.add_argument("--port", type=_port, help="port to listen on (default: ARIZE_MCP_HTTP_PORT, PORT, or 8000)")
    http.add_argument(
        "--sandbox",
        dest="http_sandbox",
        action="store_true",
        help="serve the embedded sandbox instead of Arize, to whoever sends its public key",
    )
    sandbox = commands.add_parser(
        "sandbox",
        help="serve the sandbox's REST API over HTTP",
        description="Serve the sandbox's REST API over HTTP on loopback. When it listens, one line of JSON on stdout "
        "tells base_url, api_key, spaces and datasets.",
        allow_abbrev=False,
    )
    sandbox.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default 127.0.0.1)")
    sandbox.add_argument("--port", type=_port, default=0, help="port to listen on (default 0: any free one)")
    sandbox.add_argument("--db", metavar="FILE", help="SQLite file to keep the data in (default: in memory)")
    return parser


def _switch(text: str) -> bool:
    # Installers that follow a registry's entry give every flag a value.
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError("takes true or false, or nothing; commands such as check go without it")
    return text.lower() == "true"


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _serve_stdio(*, sandbox: bool) -> int:
    # Before the imports below, which may print and take a while.
    from arize_mcp.transports.wire import Wire  # noqa: PLC0415

    stdin, stderr = cast("TextIO | None", sys.stdin), cast("TextIO | None", sys.stderr)
    is_by_hand = stdin is not None and stdin.isatty()
    _import_lightly()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit_at_once)
    try:
        wire = Wire()
    except OSError:
        sys.stderr.write("arize-mcp: stdin and stdout must be open: a host speaks MCP over them.\n")
        return 2
    if is_by_hand and stderr is not None:
        # Whoever started it would see nothing at all.
        stderr.write("arize-mcp: waiting for an MCP host on stdin; to look around: arize-mcp demo\n")

    import asyncio  # noqa: PLC0415

    import anyio  # noqa: PLC0415 - the other commands don't need what the server does

    from arize_mcp.api import problems  # noqa: PLC0415
    from arize_mcp.api.client import ExperimentsAPI  # noqa: PLC0415
    from arize_mcp.server.app import create_server  # noqa: PLC0415
    from arize_mcp.settings import settings  # noqa: PLC0415
    from arize_mcp.transports.stdio import serve  # noqa: PLC0415
    from arize_mcp.transports.streams import AS_TEXT  # noqa: PLC0415

    logger = logging.getLogger(__name__)
    log = _log_to_stderr(lambda: None, settings.log_level())
    app = sandbox_key = None
    if sandbox:
        from arize_mcp.sandbox.app import create_app  # noqa: PLC0415
        from arize_mcp.sandbox.seed import API_KEY as sandbox_key  # noqa: N811, PLC0415

        app = create_app()
    # No more is fetched than the host reads.
    drained = asyncio.Event()
    drained.set()
    try:
        found = settings.load(sandbox_key=sandbox_key)
        log.setFormatter(_RedactingFormatter(lambda: found.api_key))
        for name in found.unfilled:
            logger.warning("%s holds an unfilled placeholder and counts as not set", name)
        api = ExperimentsAPI(found, app=app, ready=drained.wait)
        if settings.without_files():
            logger.warning("the toolset files is left out: ARIZE_MCP_FILES_DIR is not set")
    except settings.SettingsError as error:
        # A server that exits at start shows its user only "disconnected": this one says why when called.
        logger.error("unusable settings: %s", error)
        api = problems.unusable_settings(error.errors)
        found = settings.Settings(read_only=settings.read_only(), view=settings.view())

    server = create_server(api, found, as_text=AS_TEXT)
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()
    anyio.run(functools.partial(serve, is_local=sandbox), server, wire, drained)
    return 0


def _import_lightly() -> None:
    """Make the imports that follow cheaper; together a fifth of the time in which a host waits for the server."""
    import pydantic  # noqa: PLC0415 - see above: after the wire is safe

    # Next to nothing that is imported ever becomes garbage.
    gc.disable()
    # The SDK has hundreds of models, of which a session uses a few: each is built when it is first used.
    pydantic.BaseModel.model_config["defer_build"] = True


def _log_to_stderr(key: Callable[[], str | None], level: str) -> logging.Handler:
    from arize_mcp.transports.stderr import StderrHandler  # noqa: PLC0415

    log = StderrHandler()
    log.setFormatter(_RedactingFormatter(key))
    logging.basicConfig(handlers=[log], level=level)
    return log


class _RedactingFormatter(logging.Formatter):
    """Takes the key out of whatever is logged, tracebacks too: at DEBUG, libraries log what servers echo.

    Args:
        key: gives the key of the call under way.
    """

    def __init__(self, key: Callable[[], str | None]) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._key = key

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        key = self._key()
        return text.replace(key, "[redacted]") if key else text


def _serve_http(host: str | None, port: int | None, *, sandbox: bool) -> int:
    # uvicorn takes the signals over, ends in order, and then passes them on.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit_with_its_log)
    from dataclasses import replace  # noqa: PLC0415 - as little as can be before the signals are heeded

    from arize_mcp.settings import http, settings  # noqa: PLC0415

    api_app = sandbox_key = None
    if sandbox:
        from arize_mcp.sandbox.seed import API_KEY as sandbox_key  # noqa: N811, PLC0415
    try:
        found = http.load(sandbox_key=sandbox_key)
    except settings.SettingsError as error:
        for name, detail in error.errors:
            sys.stderr.write(f"arize-mcp http: {name} {detail}\n")
        return 2
    found = replace(found, host=host or found.host, port=found.port if port is None else port)

    # Whoever has to mend a setting doesn't wait for these.
    _import_lightly()
    from arize_mcp.transports.http import create_app  # noqa: PLC0415
    from arize_mcp.transports.keys import KEY  # noqa: PLC0415
    from arize_mcp.transports.listening import ListenError, listen, serve  # noqa: PLC0415

    _log_to_stderr(KEY.get, settings.log_level())
    if sandbox:
        from arize_mcp.sandbox.app import create_app as create_sandbox  # noqa: PLC0415

        api_app = create_sandbox()
    try:
        listener = listen(found)
    except (settings.SettingsError, ListenError) as error:
        sys.stderr.write(f"arize-mcp http: {error}\n")
        return 2
    app = create_app(found, api_app=api_app)
    if sandbox:
        sys.stderr.write(f"arize-mcp http: the sandbox's key is {sandbox_key}\n")
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()
    serve(app, found, listener)
    return 0


def _exit_at_once(_: int, __: object) -> None:
    os._exit(0)


def _exit_with_its_log(_: int, __: object) -> None:
    # An exception here would end in a traceback where the event loop is just being made.
    logging.shutdown()
    os._exit(0)


def _serve_sandbox(host: str, port: int, db: str | None) -> int:
    from arize_mcp.sandbox.serve import SandboxError, serve  # noqa: PLC0415

    try:
        serve(host, port, db)
    except SandboxError as error:
        print(f"arize-mcp sandbox: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0
