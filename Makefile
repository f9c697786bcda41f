# On a fresh machine with Python 3.11+ and make: `make demo`, `make test`.
# Everything goes into .venv; no root, no server, no network beyond installing packages.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?=
ARGS ?=
CONFIG ?= config/tocsin.example.yaml

.PHONY: help demo run test lint format docs bench proofs torture words-train words-report clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    a recorded outage through the real daemon, in three minutes (ARGS='--speed 120')"
	@echo "make run     the daemon with $(CONFIG)"
	@echo "make test    all tests (ARGS='tests/config -x')"
	@echo "make lint    ruff, mypy and the import contracts"
	@echo "make format  lay the code out"
	@echo "make docs    write the settings tables of docs/ anew from the models"
	@echo "make bench   the speed table of docs/performance.md"
	@echo "make proofs  the reliability proofs at their short sizes, with a report (docs/reliability.md)"
	@echo "make torture the same at their long sizes: hours (ARGS='--only kill power')"
	@echo "make words-train   the weights of the wording gate's second layer, from its labelled sentences"
	@echo "make words-report  precision and recall of the wording gate, check by check (docs/words.md)"
	@echo "make clean   remove what was built; never data"

demo: $(STAMP)
	@$(BIN)/tocsin demo $(ARGS)

run: $(STAMP)
	@echo "Put this into alertmanager.yml:"
	@echo
	@echo "route:"
	@echo "  receiver: tocsin"
	@echo "receivers:"
	@echo "  - name: tocsin"
	@echo "    webhook_configs:"
	@echo "      - url: http://127.0.0.1:8081/hooks/alertmanager"
	@echo
	@exec $(BIN)/tocsin serve -c $(CONFIG) $(ARGS)

test: $(STAMP)
	$(BIN)/pytest $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix --select I
	$(BIN)/ruff format

docs: $(STAMP)
	$(BIN)/python -m tests.docs.settings_tables

bench: $(STAMP)
	$(BIN)/python -m bench $(ARGS)

proofs: $(STAMP)
	$(BIN)/python -m tests.faults --tier ci $(ARGS)

torture: $(STAMP)
	$(BIN)/python -m tests.faults --tier long $(ARGS)

# One thread: the matrices are small, and other work on the machine goes on.
words-train: $(STAMP)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m rules.words.train

words-report: $(STAMP)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.words.report $(ARGS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@found=; \
	for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Tocsin needs Python 3.11 or newer, and none was found; install it, or say where: make PYTHON=/path/python3" >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$($$found --version); this happens once."; \
	$$found -m venv $(VENV) || { \
	  echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@# --group came with pip 25.1.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo,words]' --group dev
	@touch $@
