PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: install demo test lab lint format docs site wheels clean

install: $(VENV)/.installed  ## virtual environment with everything development needs

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --prefer-binary --editable ".[dev]"
	touch $@

$(VENV)/.demo: pyproject.toml
	test -e $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c "import mien" 2>/dev/null || $(BIN)/pip install --quiet --prefer-binary --editable .
	touch $@

demo: $(VENV)/.demo  ## enrol three people from sample photos, identify them, write demo/report.html
	$(BIN)/python tools/demo.py --out demo

test: install  ## the whole test suite
	$(BIN)/pytest

.venv-lab/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-lab
	.venv-lab/bin/pip install --quiet torch==2.13.0
	.venv-lab/bin/pip install --quiet --prefer-binary --editable ".[lab]" "pytest>=8.4" "pytest-timeout>=2.4"
	touch $@

lab: .venv-lab/.installed  ## the tests of the lab, in an environment of its own: the rest has to pass without torch
	.venv-lab/bin/pytest tests/lab

lint: install  ## style, types, the direction of imports, and what may be unsafe
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src

docs: install  ## rewrite the pages that are made from the code and from the benchmarks' figures
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/figures

wheels: install  ## whether the base install and the service resolve to binary wheels on every promised platform
	$(BIN)/python tools/check_wheels.py --extra client --extra postgres --extra server

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

site: install  ## the documentation as a site, in site/; look at it with: python -m http.server --directory site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) .venv-lab demo dist build site
