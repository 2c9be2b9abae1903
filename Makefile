# Learn Amazon ECR by doing. `make` alone lists what there is to type.

# The first Python that is new enough; `make lab PYTHON=/path/to/python3.12` takes another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin
LAB_ARGS ?=
# What follows runs with Docker as new installations have it, or with this machine's own engine and a sentence why.
NEWER_ENGINE = $(PYTHON) -m machine.newer_engine
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links
# Tests that use nothing of the engine that the course's tests use, so both can run at the same time.
OF_THE_SANDBOX = tests/sandbox tests/docs tests/bench tests/site
# JupyterLab refuses to run as root unless told.
ALLOW_ROOT := $(shell test "$$(id -u)" = 0 && echo --allow-root)

.DEFAULT_GOAL := help
.PHONY: help setup lab test rehearse soak lint doctor sandbox record tables pictures bench site slides lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

lab: setup ## open the course in JupyterLab; LAB_ARGS="--no-browser --port 8899" is passed on
	@$(BIN)/ecr-lab up
	@exec $(BIN)/jupyter lab $(ALLOW_ROOT) --ServerApp.root_dir="$(CURDIR)" \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_ARGS)

setup: ## what lab and test do first: .venv, AWS CLI version 2, Docker engine, base image
	@$(PYTHON) -m machine.setup

doctor: ## check every prerequisite and show how to fix what is missing
	@test -x $(BIN)/ecr-lab || { echo "Nothing is set up yet. Run: make setup" >&2; exit 1; }
	@$(BIN)/ecr-lab doctor

sandbox: setup ## the local ECR alone, in the foreground; Ctrl-C stops it
	@exec $(BIN)/ecr-lab serve

test: SHELL := bash
test: setup lint ## run all tests and every notebook
	@$(PYTHON) -m machine.clients
	@$(PYTHON) -m machine.browser
	@echo "The tests of the sandbox run at the same time as those of the course and the notebooks; their output comes last, then each failure again."
	@$(BIN)/python -m pytest $(OF_THE_SANDBOX) > .cache/tests-beside.log 2>&1 & beside=$$!; \
	set -o pipefail; \
	(failed=0; ECR_TUTORIAL_KEEP_WARM=1 $(BIN)/python -m pytest tests $(OF_THE_SANDBOX:%=--ignore %) || failed=1; \
	echo "Every notebook from a clean state, with Docker as new installations have it:"; \
	$(NEWER_ENGINE) $(BIN)/python -m pytest --nbval notebooks || failed=1; \
	echo "All again in reverse order on what that left, with this machine's engine, the classic builder, AWS CLI 1:"; \
	DOCKER_BUILDKIT=0 ECR_TUTORIAL_AWS_CLI=1 $(BIN)/python -m pytest --nbval --unclean $$(ls -r notebooks/*.ipynb) || failed=1; \
	exit $$failed) \
	2>&1 | tee .cache/tests.log; \
	status=$$?; wait $$beside || status=1; cat .cache/tests-beside.log; \
	grep -hE '^(FAILED|ERROR) |^=+ .*[0-9]+ (passed|failed)' .cache/tests.log .cache/tests-beside.log; exit $$status
	@echo "Two of them as on an AWS account, under AWS's host names; make rehearse runs all:"
	$(BIN)/python -m machine.rehearse --nbval notebooks/0[58]*.ipynb

rehearse: setup ## run every notebook and solution as on an AWS account, on a private machine with AWS's host names
	@$(PYTHON) -m machine.clients
	$(BIN)/python -m machine.rehearse

soak: setup ## run the long tests in full: kills, crowds, growth, bad input; rehearsals with the least policy
	@$(PYTHON) -m machine.clients
	$(BIN)/python -m pytest tests -m "soak or hypothesis" --soak --timeout 3600
	$(BIN)/python -m machine.rehearse --least-policy
	$(BIN)/python -m machine.rehearse --least-policy --prefix tom- --nbval notebooks/0[0358]*.ipynb notebooks/1[34]*.ipynb
	$(BIN)/python -m machine.rehearse --prefix tom- --other-learner --nbval notebooks/03*.ipynb notebooks/13*.ipynb
	$(BIN)/python -m machine.rehearse --core-policy --nbval notebooks/0[0145-9]*.ipynb
	$(BIN)/python -m machine.break_it

lint: setup ## check style, types, which folder imports which, and the workflows of GitHub Actions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/zizmor --quiet --offline --strict-collection .github/workflows

tables: setup ## update what is generated: the tables in the READMEs, two lists in docs/
	$(BIN)/python -m tests.notebooks.tables
	$(BIN)/python -m tests.notebooks.troubles
	$(BIN)/python -m tests.notebooks.pictures
	$(BIN)/python -m tests.docs.fidelity
	$(BIN)/python -m tests.docs.links

pictures: setup ## take the screenshots of the sandbox's console that the course shows
	@$(PYTHON) -m machine.clients
	@$(PYTHON) -m machine.browser
	$(BIN)/python -m tests.notebooks.screenshots

record: setup ## run every notebook with the newer Docker engine and store what it prints
	@$(PYTHON) -m machine.clients
	$(NEWER_ENGINE) $(BIN)/python -m tests.notebooks.record

bench: setup ## measure the figures of docs/benchmarks.md
	$(BIN)/python -m bench

site: ## the course as web pages, EPUB and PDF in site/; nothing is executed
	@$(PYTHON) -m machine.site site

slides: ## slides for the room in slides/, with notes for the speaker (press S)
	@$(PYTHON) -m machine.site slides

lock: setup ## write the locks again from pyproject.toml and sandbox/pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(COMPILE) pyproject.toml --no-emit-package ecr-sandbox -o requirements.lock
	@$(COMPILE) --group site -o docs/site/requirements.lock
	@$(COMPILE) --group hub --constraint requirements.lock -o deploy/hub.lock
	@$(COMPILE) --group deploy -o deploy/tests.lock

clean: ## stop the sandbox and remove what make created here
	@$(PYTHON) -m machine.clean
