# The commands a person needs; CI runs the same ones.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 4
FAST ?=
SHORT ?=
PEERS ?=
ONLY ?=
CASES ?= tests/cases

.PHONY: help setup system venv demo test check format bench drills reliability cases docs clean

help:
	@echo 'make setup    a .venv with the runbook command, and the Debian packages that the lab needs'
	@echo 'make demo     the ailing system: broken, audited, repaired, audited, documented (FAST=1 leaves MLflow out)'
	@echo 'make test     everything that is tested, on real lab hosts where this machine allows it'
	@echo 'make check    lint, types, imports'
	@echo 'make bench    how fast, against bare ssh, and (PEERS=1) against pyinfra and Ansible; journal and loader'
	@echo 'make drills   every shipped drill on lab hosts, and lint of what was not drilled'
	@echo 'make reliability   crashes, dead links, rivals, rollbacks: every promise tried out (SHORT=1, ONLY=name)'
	@echo 'make cases    recorded cases replayed: CASES=folder, ONLY=category or category:glob'
	@echo 'make docs     docs/actions.md from the actions themselves, the flags that shells complete from the commands'

setup: venv system

venv: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed: apt-get install python3 python3-venv'; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
		echo 'installing python3-venv, which Debian leaves out of python3'; \
		$$( [ $$(id -u) = 0 ] || echo sudo ) apt-get install -y -q python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

system: venv
	@$(BIN)/python -m playbook_engine.lab.prerequisites --install || { [ "$$CI" != true ] && \
		echo 'going on without: what needs them is named and skipped'; }

demo: setup
	@# Fetched here, where there is a network: the lab of an ordinary user has none of its own.
	@$(BIN)/python -m playbook_engine.lab.prerequisites $(if $(FAST),node,wheels) >/dev/null
	@$(BIN)/python demo/demo.py $(if $(FAST),--fast)

test: setup
	@$(BIN)/pytest -n $(JOBS) --dist loadfile

check: venv
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: venv
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

cases: venv
	@$(BIN)/python -m cases $(CASES) $(if $(ONLY),--only '$(ONLY)')

bench: venv
	@# The peers live apart: nothing of ours depends on them.
	@$(if $(PEERS),test -x .cache/bench/bin/pyinfra || { $(PYTHON) -m venv .cache/bench && \
		.cache/bench/bin/python -m pip install -q --disable-pip-version-check ansible-core pyinfra; },true)
	@for each in startup peers load journal; do $(BIN)/python bench/$$each.py || exit 1; echo; done

reliability: setup
	@$(BIN)/python -m reliability $(if $(SHORT),--short) $(ONLY)

drills: setup
	@# A state folder of its own: the drills that are held here are the ones that lint then asks about.
	@mkdir -p .cache && rm -rf .cache/drills && export RUNBOOK_STATE=$$PWD/.cache/drills && \
		$(BIN)/runbook drill --all --jobs 3 --junit .cache/drills.xml && \
		$(BIN)/runbook lint --max-age 1d

docs: venv
	@$(BIN)/python -m playbook_engine.cli.flag_table > .flags.tmp && mv .flags.tmp playbook_engine/cli/flags.py
	@$(BIN)/runbook actions --markdown > docs/actions.md

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
