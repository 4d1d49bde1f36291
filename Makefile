# Two commands on a fresh machine: `make demo` and `make test`. Each installs what it needs, once.
# README.md spells out the same steps for Windows, and for whoever has no make.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: help install demo test lint clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

install: $(INSTALLED)  ## make .venv with everything that the scripts need

demo: $(INSTALLED)  ## the whole tutorial on two sample clips: demo/face2face.mp4 (five to ten minutes)
	@$(RUN) examples/demo.py

# Each folder of tests/ is a process of its own: what trains and what drives load native libraries that are not meant
# to live together for long. Three run at a time, the longest ones first, for each waits at times, and two cores would
# be idle. What is driven in real time, tests/live, is served first. Each shows its output when it has ended.
# TensorFlow computes in one thread for each: more of them would wait for each other.
LONGEST_TESTS := scripts processes live training generator
TEST_FOLDERS := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard tests/*/test_*.py)))))
TESTS := $(addprefix test-,$(LONGEST_TESTS) $(filter-out $(LONGEST_TESTS),$(TEST_FOLDERS)))

test: export TF_NUM_INTRAOP_THREADS := 1
test: $(INSTALLED_DEV)  ## run the tests
	@$(MAKE) --no-print-directory --keep-going -j3 $(TESTS)

.PHONY: $(TESTS)
$(TESTS): test-%: $(INSTALLED_DEV)
	@echo "tests/$*: running (its output so far: $(VENV)/test-$*.log)"; \
	$(if $(filter live,$*),,nice) $(RUN) -m pytest tests/$* > $(VENV)/test-$*.log 2>&1; status=$$?; \
	echo "tests/$*:"; cat $(VENV)/test-$*.log; exit $$status

lint: $(INSTALLED_DEV)  ## check style, format, and the direction of imports
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(VENV)/bin/lint-imports

clean:  ## remove what the demo made; .venv and the sample clips stay
	rm -rf demo

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else "error: expected Python 3.10 to 3.13, got %d.%d (choose one: make PYTHON=python3.12 ...)" % v)'
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@echo "installing requirements.txt into $(VENV) (2.8 GB on disk, a minute or two) ..."
	@began=$$(date +%s); \
	$(RUN) -m pip install --disable-pip-version-check --progress-bar on -r requirements.txt && \
	echo $$(( $$(date +%s) - began )) > $@

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.txt requirements-int8.txt requirements-export.txt \
		requirements-identity.txt
	@$(RUN) -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@$(RUN) -m pip install --disable-pip-version-check --quiet --no-deps -r requirements-identity.txt
	@touch $@
