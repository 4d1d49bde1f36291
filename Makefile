# Two commands on a fresh machine: `make demo` and `make test`. Each installs what it needs, once.
# README.md spells out the same steps for Windows, and for whoever has no make.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: help install demo test test-waiting test-rest lint clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

install: $(INSTALLED)  ## make .venv with everything that the scripts need

demo: $(INSTALLED)  ## the whole tutorial on two sample clips: demo/face2face.mp4 (five to ten minutes)
	@$(RUN) examples/demo.py

# Processes of their own: what trains and what drives load native libraries that are not meant to live together
# for long. Tests that mostly wait for processes of their own (trainings that are killed, or wait for each other;
# scripts, browsers, sound) leave a core to the rest, and run beside it. Each takes about as long as the other.
tests_of = $(foreach name,$(1),tests/test_$(name).py)
TRAINING_TESTS := $(call tests_of,checkpoints dataset fast_layers fine_tuning legacy networks objectives optimizer \
	original_folders precision trainer training training_step validation)
WAITING_TESTS := $(call tests_of,distribution robustness train_script)
SCRIPT_TESTS := $(call tests_of,browser delayed_microphone demo distillation freeze notebook odd_input original_options \
	page pix2pix_arguments pix2pix_script reduce sound train_speed window)
WAITING_LOG := $(VENV)/waiting-tests.log

test: $(INSTALLED_DEV)  ## run the tests
	@$(RUN) -m pytest $(TRAINING_TESTS)
	@$(MAKE) --no-print-directory --keep-going -j2 test-waiting test-rest

test-waiting: $(INSTALLED_DEV)  ## of the tests, those that wait for processes
	@( $(RUN) -m pytest $(WAITING_TESTS); waited=$$?; $(RUN) -m pytest $(SCRIPT_TESTS) && exit $$waited ) \
		> $(WAITING_LOG) 2>&1; status=$$?; cat $(WAITING_LOG); exit $$status

test-rest: $(INSTALLED_DEV)  ## of the tests, all others
	@$(RUN) -m pytest $(addprefix --ignore=,$(TRAINING_TESTS) $(WAITING_TESTS) $(SCRIPT_TESTS))

lint: $(INSTALLED_DEV)  ## check style, format, and the direction of imports
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(VENV)/bin/lint-imports

clean:  ## remove what the demo made; .venv and the sample clips stay
	rm -rf demo

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else "error: expected Python 3.10 to 3.13, got %d.%d (choose one: make PYTHON=python3.12 ...)" % v)'
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "installing requirements.txt into $(VENV) (about 600 MB, a minute or two) ..."
	@began=$$(date +%s); \
	$(RUN) -m pip install --disable-pip-version-check --progress-bar on -r requirements.txt && \
	echo $$(( $$(date +%s) - began )) > $@

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.txt requirements-int8.txt requirements-export.txt \
		requirements-identity.txt
	@$(RUN) -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@$(RUN) -m pip install --disable-pip-version-check --quiet --no-deps -r requirements-identity.txt
	@touch $@
