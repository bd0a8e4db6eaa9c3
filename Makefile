# Every target sets up what it needs: a machine with Python 3.11 and make is enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

.PHONY: demo test check mutate bench fmt lock wheel clean help
.DEFAULT_GOAL := help

help:
	@echo 'make demo    set up, then replay the panic of docs/panic.log and run a hand-written scenario'
	@echo 'make test    set up, then run the tests (the long ones are left out)'
	@echo 'make check   format, lint, types, import contracts, all tests with coverage'
	@echo 'make mutate  which faults of the reference model would the tests not see (half an hour)'
	@echo 'make bench   how fast the reference model answers, beside Unicorn'
	@echo 'make fmt     put the code in the project'"'"'s format'
	@echo 'make lock    write requirements-dev.lock anew from pyproject.toml'
	@echo 'make wheel   build the wheel into dist/'
	@echo 'make clean   remove everything that the other targets made'

# The lock file carries hashes; the project itself is then installed without looking further.
$(READY): pyproject.toml requirements-dev.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/mmu-harness replay docs/panic.log
	@echo
	@$(BIN)/mmu-harness run invalid_block_store

test: $(READY)
	$(BIN)/python -m pytest -n auto -q

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m coverage run -m pytest -n auto -q -m ''
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

mutate: $(READY)
	$(BIN)/python tests/mutation/mutate.py

bench: $(READY)
	@$(BIN)/python tests/bench/speed.py

fmt: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/python -m piptools compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-options --no-header --extra dev --output-file requirements-dev.lock pyproject.toml

wheel: $(READY)
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache docs/_build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
