# The doors of the yard. Each does its own set-up in .venv with Python, pip and the package registries.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check install --constraint constraints.txt
TORCH  := torch==2.13.0
LIGHT  := $(VENV)/.light
FULL   := $(VENV)/.full
PEERS  := $(VENV)/.peers

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test nightly check format bench wheel clean

help: ## say what each door does
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(LIGHT) ## a small study, what its network sees, two photographs pooled, the explorer; under demo/
	$(PY) scripts/demo.py

test: $(FULL) ## run every suite this machine can run, then name those it cannot
	$(PY) scripts/suites.py

nightly: $(FULL) ## the same and the long ones, with many more random cases; hours
	ANYPOOL_HYPOTHESIS=long $(PY) scripts/suites.py -m '' -o timeout=7200

check: $(FULL) ## style, format and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright
	$(PY) scripts/javascript.py

format: $(FULL) ## put the style right where a tool can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(PY) scripts/javascript.py --write

bench: $(PEERS) ## measure side by side with the peers
	$(PY) -m bench

wheel: $(FULL) ## build the wheel and test it away from src, without extras, with and without numba
	$(PY) scripts/wheel.py

clean: ## remove everything the doors made
	rm -rf $(VENV) demo dist build .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'anypool needs Python 3.11 or newer; try: make PYTHON=python3.12')"
	@echo "== making $(VENV) with $$($(PYTHON) --version)"
	@# a Python without ensurepip (Debian's) still makes the environment; its own pip then fills it
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --clear --without-pip $(VENV) \
	  && $(PYTHON) -m pip --python $(PY) install pip; }

# torch goes first and pinned: left to the resolver it may bring gigabytes of CUDA
$(LIGHT): pyproject.toml constraints.txt | $(PY)
	@echo "== installing anypool, what its study needs, and the photographs (once)"
	$(PIP) $$($(PY) scripts/torch_index.py) $(TORCH)
	$(PIP) --editable '.[image,study]' scikit-image
	@touch $@

$(FULL): $(LIGHT)
	@echo "== installing the tools and the frameworks (once)"
	$(PIP) --editable '.[dev]'
	@touch $@

$(PEERS): $(FULL)
	@echo "== installing the peers that only the benchmark asks (once)"
	$(PIP) --editable '.[peers]'
	@touch $@
