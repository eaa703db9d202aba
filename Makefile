# One command for each thing one does here. A fresh Debian needs python3 and make; the rest is
# installed on first use, into .venv and .tools, or through apt-get where that is allowed.

PYTHON ?= python3
TYPESCRIPT := 5.9.3
AXE := 4.14.1
MARKED := 18.2.1
DOMPURIFY := 3.4.18
ARGS ?=

BIN := .venv/bin
TSC := .tools/typescript-$(TYPESCRIPT)/node_modules/.bin/tsc
JS_TESTS := $(wildcard tests/web/*.test.js)
AXE_JS := .tools/axe-$(AXE)/node_modules/axe-core/axe.min.js
WHOLE_PAGE := .tools/page-bench/node_modules/.versions-$(MARKED)-$(DOMPURIFY)
BENCHES := bench/retrieval.py bench/streams.py bench/page.py bench/kills.py bench/relevance.py bench/families.py
REFERENCE := .tools/reference

# $(call need,command that fails when it is missing,Debian packages,what it is needed for)
define need
@$(1) >/dev/null 2>&1 || { \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "Installing $(2), needed for $(3)."; \
    apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2); \
  else \
    echo "For $(3), install this first:  sudo apt-get install $(2)" >&2; exit 1; \
  fi; }
endef

# $(call tested,which tests): what fails is tried once more; no test at all is right where ARGS chose others.
define tested
@pytest="$(BIN)/pytest --durations=12 -o cache_dir=.pytest_cache/$@ $(1)"; \
  $$pytest $(ARGS) || [ $$? -eq 5 ] || \
  $$pytest --last-failed --last-failed-no-failures none
endef

.PHONY: run test page-tests request-tests other-tests lint audit format bench screenshots clean
.DELETE_ON_ERROR:

run: .venv/run.stamp  ## start the server; ARGS="--port 9000" passes options on
	$(BIN)/python server.py serve $(ARGS)

test: lint $(AXE_JS)  ## every check and every test; the last line is pytest's
	@test -n "$(JS_TESTS)" || { echo "tests/web has no tests" >&2; exit 1; }
	node --experimental-detect-module --test $(JS_TESTS)
	$(call need,command -v chromium,chromium fonts-dejavu-core,the tests in a browser)
	$(call need,test -x /usr/sbin/nginx,nginx-light,the tests behind a proxy)
	$(call need,command -v soffice,libreoffice-writer-nogui,the tests of Word files)
	$(call need,command -v pdftotext,poppler-utils,the tests of PDF files)
	# Side by side; on two cores a fourth lane makes all of them slower.
	$(MAKE) --jobs=3 --output-sync=target page-tests request-tests other-tests

page-tests:  ## the tests in a browser alone
	$(call tested,tests/browser)

request-tests:  ## the tests that ask a server over HTTP
	$(call tested,tests/handlers tests/test_*.py)

other-tests:  ## all other tests of Python
	$(call tested,--ignore=tests/browser --ignore=tests/handlers --ignore-glob=tests/test_*.py)

lint: .venv/dev.stamp $(TSC)  ## style and types, Python and JavaScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(TSC) -p jsconfig.json

audit: .venv/dev.stamp  ## known vulnerabilities of the packages; needs the network
	$(BIN)/python .ci/audit

format: .venv/dev.stamp  ## put all Python into its one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev.stamp $(REFERENCE).stamp $(WHOLE_PAGE)  ## every benchmark, one after the other
	@set -e; for bench in $(BENCHES); do echo "== $$bench"; $(BIN)/python $$bench $(ARGS); done

screenshots: .venv/dev.stamp  ## docs/screenshots anew, or ARGS="name ..." of them
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

clean:  ## remove what was installed and cached, never ./data
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, as python3 or by: make PYTHON=/path/to/python" >&2; exit 1; }
	$(call need,$(PYTHON) -c "import ensurepip",python3-venv,the virtual environment)
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	@touch $@ .venv/run.stamp

# What the load benchmark compares with has an environment of its own.
$(REFERENCE).stamp: bench/requirements.txt | $(BIN)/python
	$(BIN)/python -m venv $(REFERENCE)
	$(REFERENCE)/bin/python -m pip install --quiet -r bench/requirements.txt
	@touch $@

$(TSC):
	$(call need,command -v node,nodejs,the checks of the scripts)
	$(call need,command -v npm,npm,the checks of the scripts)
	npm install --silent --no-save --no-package-lock --no-audit --no-fund \
	  --prefix .tools/typescript-$(TYPESCRIPT) typescript@$(TYPESCRIPT)

# What the tests look for faults of accessibility with.
$(AXE_JS):
	npm install --silent --no-save --no-package-lock --no-audit --no-fund \
	  --prefix .tools/axe-$(AXE) axe-core@$(AXE)

# What the benchmark of the page compares with.
$(WHOLE_PAGE):
	npm install --silent --no-save --no-package-lock --no-audit --no-fund \
	  --prefix .tools/page-bench marked@$(MARKED) dompurify@$(DOMPURIFY)
	@touch $@
