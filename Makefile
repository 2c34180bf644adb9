# A fresh machine needs only Python 3.11 or newer and make:
#
#   make verify     run the main job and write report.html
#   make test       pass the tests
#
# Each makes .venv if it is not there and installs into it only when pyproject.toml has changed.
# Another Python: `make test PYTHON=python3.13` (.venv is made anew when PYTHON changes).
# The tests run on all cores; on one, in order: `make test WORKERS=0`. More of pytest: `make test ARGS="-k conv"`.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= auto
ARGS    ?=

BIN    := $(VENV)/bin
MADE   := $(VENV)/.made-with-$(subst /,_,$(PYTHON))
TESTS  := $(VENV)/.installed-test
TOOLS  := $(VENV)/.installed-dev
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

.PHONY: help verify test coverage lint format types contracts proofs pages wheel bench clean

help:
	@sed -n 's/^# \{0,1\}//p; /^$$/q' Makefile
	@echo 'Also: coverage, lint, format, types, contracts, proofs, pages, wheel, bench, clean'

# ---------------------------------------------------------------- what is installed

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"convmath needs Python 3.11 or newer; $(PYTHON) is {sys.version.split()[0]}")'
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

$(TESTS): pyproject.toml $(MADE)
	$(PIP) install --editable '.[test,fast]' --group test
	@touch $@

$(TOOLS): pyproject.toml $(TESTS)
	$(PIP) install --group dev
	@touch $@

# ---------------------------------------------------------------- what is run

verify: $(TESTS)
	$(BIN)/convmath verify -o report.html

test: $(TESTS)
	$(PYTEST) $(ARGS)

coverage: $(TOOLS)
	$(PYTEST) --cov --cov-report=term-missing $(ARGS)

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(TOOLS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(TOOLS)
	$(BIN)/pyright --pythonpath $(BIN)/python

contracts: $(TOOLS)
	$(BIN)/lint-imports --no-logo

proofs: $(TESTS)
	$(BIN)/python proofs/make.py
	$(BIN)/python -I -S convmath/integers/checker.py proofs/ledger.json

pages: $(TESTS)
	$(BIN)/python docs/make.py

# The wheel alone, in an empty environment, away from the checkout: what a stranger installs has to work.
define SMOKE
import importlib.resources, sys
import convmath
from convmath.integers import checker
home = importlib.resources.files("convmath")
assert not str(home).startswith(sys.argv[1]), f"{home} is the checkout, not the wheel"
derivation = convmath.operator("conv", ndim=1).vjp("X")
print(derivation.to_text())
verdict = derivation.verify()
assert verdict, verdict
assert checker.main(str(home / "proofs" / "ledger.json")) == 0
assert (home / "py.typed").is_file()
print("convmath", convmath.__version__, "works from the wheel:", verdict)
endef
export SMOKE

wheel: $(TOOLS)
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	@set -e; wheel=$$(echo "$(CURDIR)"/dist/*.whl); away=$$(mktemp -d); trap 'rm -rf "$$away"' EXIT; \
	$(PYTHON) -m venv "$$away/venv"; cd "$$away"; unset PYTHONPATH; \
	venv/bin/python -m pip --disable-pip-version-check --quiet install "$$wheel"; \
	venv/bin/python -c "$$SMOKE" "$(CURDIR)"; \
	venv/bin/convmath shape conv --ndim 2 n=224 k=7 s=2 p=3

# what is missing beside them (torch, jax) is said and passed over
bench: $(TESTS)
	@set -e; for name in budgets engine elementary accuracy scipy torch jax gpu signals; do \
	  echo "== $$name"; $(BIN)/python -m "tests.bench.$$name"; \
	done

clean:
	rm -rf $(VENV) dist build htmlcov report.html .coverage .coverage.* .hypothesis
	rm -rf .import_linter_cache .pytest_cache .ruff_cache
	find convmath tests -name __pycache__ -prune -exec rm -rf {} +
