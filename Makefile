# Two commands on a fresh machine: `make demo` and `make test`. Each installs what it needs, once.
# README.md spells out the same steps for Windows, and for whoever has no make.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: help install demo test lint clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 18

install: $(INSTALLED)  ## make .venv with everything that the scripts need

demo: $(INSTALLED)  ## the whole tutorial on two sample clips: demo/face2face.mp4 (five to ten minutes)
	@$(RUN) examples/demo.py

# Two processes: what trains and what drives load native libraries that are not meant to live together for long.
TRAINING_TESTS := $(foreach name,checkpoints dataset distribution fast_layers legacy networks objectives optimizer \
	precision robustness train_script trainer training validation,tests/test_$(name).py)

test: $(INSTALLED_DEV)  ## run the tests
	@$(RUN) -m pytest $(TRAINING_TESTS)
	@$(RUN) -m pytest $(addprefix --ignore=,$(TRAINING_TESTS))

lint: $(INSTALLED_DEV)  ## check style and format
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

clean:  ## remove what the demo made; .venv and the sample clips stay
	rm -rf demo

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else "error: expected Python 3.10 to 3.13, got %d.%d (choose one: make PYTHON=python3.12 ...)" % v)'
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "installing requirements.txt into $(VENV) (about 600 MB, a minute or two) ..."
	@began=$$(date +%s); \
	$(RUN) -m pip install --disable-pip-version-check --progress-bar on -r requirements.txt && \
	echo $$(( $$(date +%s) - began )) > $@

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.txt requirements-virtual-camera.txt requirements-int8.txt
	@$(RUN) -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@touch $@
