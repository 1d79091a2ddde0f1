# Every target may be run twice: what is already installed is left alone.
#
#   make run        install, migrate the database, start the studio, print its address
#   make test       install the development extras, lint, run the tests
#   make test-all   the same with the long tests (kill series, big files)
#   make demo       the main job without a browser, on a shipped sample
#   make bench      measure what the speed claims rest on
#   make lint       ruff, import-linter, mypy, deptry, vulture
#
# Variables:
#   PYTHON=/path/to/python   the Python 3.11 or 3.12 to use (found by itself when unset)
#   TORCH_INDEX=URL          a further wheel index for PyTorch, e.g. its CPU wheels (README, "A smaller installation")
#   EXTRAS=gpu               further extras of pyproject.toml to install
#   BASE=smollm2             base model of `make demo` (the starter when unset)
#   JOBS=1                   test processes at once (2 when unset)
#   ARGS="..."               passed on to `sft up`, `sft demo` or pytest

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# With this set, as in many containers, every process that starts would compile all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
PIP_ARGS := -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
comma := ,
# Stamps lie inside the environment, so that they vanish with it; each is written only after an installation.
RUN_STAMP := $(VENV)/.installed$(EXTRAS:%=-%)
DEV_STAMP := $(VENV)/.installed-dev$(EXTRAS:%=-%)

# Quick tests first; those that start servers, kill processes or drive a browser last.
# The late ones are handed out file by file, in this order: whichever file takes longest must not be the last.
LONG_TESTS := tests/e2e/test_train_and_compare.py $(addprefix tests/integration/test_,training_kill.py smart_kill.py up.py kill.py)
LATE_TESTS := $(LONG_TESTS) $(filter-out $(LONG_TESTS),$(wildcard tests/e2e/test_*.py tests/integration/test_*.py))
FAST_TESTS := $(filter-out tests/e2e tests/integration tests/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)) $(wildcard tests/test_*.py))
# The quick ones are shared out to so many processes, one by one; the late ones by file, which share a studio.
JOBS := 2
PYTEST := $(PY) -m pytest -n $(JOBS)
# With ARGS="-k name" one half may have nothing to run: pytest says so with the exit code 5.
MAY_BE_EMPTY := $(if $(ARGS),|| [ $$? -eq 5 ])

.PHONY: help run demo test test-all quick lint types style bench install install-dev

help:
	@sed -n 's/^#   //p' Makefile

run: install
	@$(VENV)/bin/sft up $(ARGS)

demo: install
	@$(VENV)/bin/sft demo $(if $(BASE),--base $(BASE)) $(ARGS)

bench: install-dev
	@$(PY) -m bench $(ARGS)

# Two at once: mypy takes five times as long as all others together.
lint: install-dev
	@$(MAKE) --no-print-directory -j2 types style

types: install-dev
	$(VENV)/bin/mypy

style: install-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/deptry .
	$(VENV)/bin/vulture

# mypy and the quick tests at once: neither keeps two cores busy from its beginning to its end.
test: style
	@$(MAKE) --no-print-directory -j2 types quick
	$(PYTEST) --dist loadfile --no-loadscope-reorder -m "not slow" $(LATE_TESTS) $(ARGS) $(MAY_BE_EMPTY)

quick: install-dev
	$(PYTEST) --dist worksteal -m "not slow" $(FAST_TESTS) $(ARGS) $(MAY_BE_EMPTY)

# Generated tests try all of their cases here.
test-all: export SFT_TEST_ALL := 1
test-all: lint
	$(PYTEST) --dist worksteal $(FAST_TESTS) $(ARGS) $(MAY_BE_EMPTY)
	$(PYTEST) --dist loadfile --no-loadscope-reorder $(LATE_TESTS) $(ARGS) $(MAY_BE_EMPTY)

install: $(RUN_STAMP)
install-dev: $(DEV_STAMP)

$(RUN_STAMP): pyproject.toml constraints.txt
	@$(make_venv)
	$(PY) .ci/install.py $(PIP_ARGS) -e '.$(if $(EXTRAS),[$(EXTRAS)])'
	@touch $@

$(DEV_STAMP): pyproject.toml constraints.txt
	@$(make_venv)
	$(PY) .ci/install.py $(PIP_ARGS) -e '.[dev$(if $(EXTRAS),$(comma)$(EXTRAS))]'
	@touch $(RUN_STAMP) $@

# A half-made environment (no working pip) is made again; a working one is kept.
define make_venv
if ! $(PY) -m pip --version >/dev/null 2>&1; then \
  for candidate in $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3 python); do \
    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' >/dev/null 2>&1; then \
      found="$$candidate"; break; \
    fi; \
  done; \
  if [ -z "$${found:-}" ]; then \
    echo "SFT Studio needs Python 3.11 or 3.12 with its venv module, and found neither$(if $(PYTHON), (PYTHON=$(PYTHON) is not one))." >&2; \
    echo "On Debian or Ubuntu: apt-get install python3 python3-venv. Elsewhere: name one with  make PYTHON=/path/to/python3.11" >&2; \
    exit 1; \
  fi; \
  echo "Making $(VENV) with $$("$$found" --version). The installation that follows takes a few minutes the first time."; \
  rm -rf $(VENV); "$$found" -m venv $(VENV); \
fi
endef
