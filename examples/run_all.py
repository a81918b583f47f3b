"""Runs every example, each in an environment of its own, and says which of them pass.

    python examples/run_all.py --command .venv/bin/arize-mcp --work DIR

DIR takes the environments; what is already installed there is used again. Needs Python, Node.js and npm, and what pip
and npm get from their registries. Exit code 1 where an example fails: its whole output is printed then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import venv
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON_EXAMPLES = {
    "python_client.py": ["mcp>=2.3,<3"],
    "langchain_agent.py": ["langchain>=1.4,<2", "langchain-mcp-adapters>=0.3,<0.4"],
    "openai_agents.py": ["openai-agents>=0.24,<0.25"],
    "pydantic_ai_agent.py": ["pydantic-ai-slim[mcp]>=2.68,<3"],
}
TYPESCRIPT_EXAMPLE = "typescript/client.mjs"
AT_A_TIME = 2
INSTALL_TIMEOUT_S = 300
RUN_TIMEOUT_S = 60


class StepError(Exception):
    """A step of an example failed; the message is its output."""


def step(arguments: list[str | Path], timeout_s: float, cwd: Path, **environment: str) -> str:
    try:
        done = subprocess.run(
            arguments,
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout or ""
        if isinstance(output, bytes):  # as it is here on POSIX, whatever the encoding
            output = output.decode("utf-8", "replace")
        raise StepError(f"{output}\n{arguments[0]} was ended after {timeout_s} seconds.") from error
    except OSError as error:
        raise StepError(f"{arguments[0]} could not be started: {error}") from error
    if done.returncode != 0:
        raise StepError(f"{done.stdout}\n{arguments[0]} ended with exit code {done.returncode}.")
    return done.stdout


def run_python(name: str, command: Path, work: Path) -> str:
    home = work / Path(name).stem
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(home, with_pip=True, symlinks=os.name != "nt")
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    step([*install, *PYTHON_EXAMPLES[name]], INSTALL_TIMEOUT_S, home)
    return step([python, HERE / name], RUN_TIMEOUT_S, home, ARIZE_MCP_COMMAND=str(command), PYTHONUTF8="1")


def run_typescript(command: Path, work: Path) -> str:
    # In a copy: node finds packages beside the program, and the source folder stays as it is.
    home = work / "typescript"
    home.mkdir(exist_ok=True)
    for file in ("package.json", "client.mjs"):
        shutil.copy(HERE / "typescript" / file, home)
    npm = shutil.which("npm") or "npm"  # npm.cmd on Windows, which is started only by its full name
    step([npm, "install", "--silent", "--no-audit", "--no-fund"], INSTALL_TIMEOUT_S, home)
    return step(["node", "client.mjs"], RUN_TIMEOUT_S, home, ARIZE_MCP_COMMAND=str(command))


def main() -> int:
    parser = argparse.ArgumentParser(description="Run every example, each in an environment of its own.")
    parser.add_argument("--command", type=Path, required=True, help="path of the arize-mcp command")
    parser.add_argument("--work", type=Path, required=True, help="folder for the environments")
    options = parser.parse_args()
    command, work = options.command.absolute(), options.work.absolute()
    if not command.is_file():
        parser.error(f"There is no {command}.")
    work.mkdir(parents=True, exist_ok=True)

    failed = 0
    started = time.monotonic()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        runs = {pool.submit(run_python, name, command, work): name for name in PYTHON_EXAMPLES}
        runs[pool.submit(run_typescript, command, work)] = TYPESCRIPT_EXAMPLE
        for run in as_completed(runs):
            seconds = time.monotonic() - started
            error = run.exception()
            failed += error is not None
            print(f"{'failed' if error else 'passed'}  {runs[run]}  (after {seconds:.0f} s)", flush=True)
            if error:
                print(str(error) if isinstance(error, StepError) else repr(error), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
