# Everything an operator or a newcomer runs; `make` lists it. Each target sets up what it needs and can be
# run again at no cost. On a bare Debian or Ubuntu: apt-get install make python3-venv
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
AIRFLOW_ENV := . infra/airflow.env.sh

TRACES ?=
RECIPE ?=
RUN_DATE ?=
BACKLOG ?=
UPGRADE ?= --upgrade
# vLLM's build: for the GPUs of this machine, or for its CPUs. Both are Linux wheels.
VLLM ?= $(if $(wildcard /dev/nvidiactl /dev/dxg),cuda,cpu)
VLLM_SIZE = $(if $(filter cuda,$(VLLM)),an estimated 10 GB with torch and CUDA,3 GB if pip finds torch for CPUs)
DATA ?= ../shared/data
# Each with the file or folder of DATA that it reads, if it reads any.
BENCHMARKS := arithmetic:math.parquet grader: planted_wrong_answers: teacher_quality:traces.parquet \
	teacher_speed:traces.parquet step_importance:. teacher_throughput
export PORT
# A night is many processes: each would compile Airflow and Great Expectations anew where an image sets this.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- what people run ------------------------------------------------------------------------------------

.PHONY: nightly up down
nightly: $(VENV)/ready $(if $(TRACES),,.venv-training/ready) ## one night and its training, through Airflow, in this process [TRACES=file] [RUN_DATE=2026-11-21] [RECIPE=drp] [BACKLOG=1]
	@$(AIRFLOW_ENV) && python infra/run_dags_once.py --traces "$(TRACES)" --recipe "$(RECIPE)" --run-date "$(RUN_DATE)" --backlog "$(BACKLOG)"

up: $(VENV)/ready .venv-training/ready ## Airflow with its UI on localhost:8080, in the background [PORT=8080]
	@$(AIRFLOW_ENV) && python infra/services.py up

down: $(VENV)/ready ## stop it
	@$(AIRFLOW_ENV) && python infra/services.py down

# --- what developers run ----------------------------------------------------------------------------------

.PHONY: test test-services test-chaos test-vllm test-training test-full bench lock docs site
test: $(VENV)/ready-dev ## all tests that a plain machine can run, the linters, the types, the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --cov
	@infra/check-python 3.12

test-services: $(VENV)/ready-dev build/node/ready build/rclone/ready build/postgres/ready build/mlflow/ready build/mlflow-server/ready ## the tests with servers: S3, PostgreSQL, MLflow, a provider, a browser
	$(BIN)/pytest -m services
	build/mlflow/bin/python -m pytest -m mlflow tests/mlflow

test-chaos: $(VENV)/ready-dev ## whole nights and their services under kill -9
	$(BIN)/pytest -m chaos

test-vllm: $(VENV)/ready-dev .venv-inference/ready ## the tests with vLLM, as teacher and as student: several GB, minutes [VLLM=cpu]
	$(BIN)/pytest -m vllm

test-training: $(VENV)/ready-dev .venv-training/ready build/smollm2/ready ## the tests of students, training and whole pipelines, with torch on the CPU
	OMP_NUM_THREADS=1 .venv-training/bin/python -m pytest --confcutdir tests/training -m training tests/training
	$(BIN)/pytest -m training tests/end_to_end

test-full: test test-services test-chaos test-vllm test-training ## every test

bench: $(VENV)/ready-dev ## the benchmarks, on the data in ../shared/data [DATA=folder]
	@for program in $(BENCHMARKS); do \
	  data="$(DATA)/$${program#*:}"; [[ $$program == *:* ]] || data=; program="$${program%:*}"; \
	  if [ -z "$$data" ] || [ -e "$$data" ]; then \
	    echo "== $$program"; $(BIN)/python -m "benchmarks.$$program" $${data:+"$$data"}; \
	  else echo "== $$program: not run, there is no $$data"; fi; done

docs: $(VENV)/ready ## write docs/catalogue.md and docs/reference/recipe-keys.md again
	@$(BIN)/python infra/write_table_catalogue.py > docs/catalogue.md
	@$(BIN)/python infra/write_recipe_keys.py > docs/reference/recipe-keys.md

site: $(VENV)/ready-dev ## the documentation as a site in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock: $(VENV)/uv ## resolve pyproject.toml and requirements/*.in again, to the newest versions [UPGRADE=]
	cd requirements && for env in orchestrator dev inference-cpu inference-cuda training; do \
	  if [ $$env = orchestrator ]; then from="../pyproject.toml --extra airflow"; else from=$$env.in; fi; \
	  if [ $$env = inference-cuda ]; then without=; else without="--excludes torch.excludes"; fi; \
	  ../$(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $$without $$from -o $$env.lock; done

# --- set-up -------------------------------------------------------------------------------------------------

.PHONY: setup
setup: ## restore the locked environment
	@rm -f $(VENV)/ready $(VENV)/ready-dev
	@$(MAKE) $(VENV)/ready

build/node/ready: infra/install-browser
	@mkdir -p $(@D)
	@infra/install-browser $(@D)
	@touch $@

build/rclone/ready: infra/install-rclone $(VENV)/ready
	@mkdir -p $(@D)
	@infra/install-rclone $(@D)
	@touch $@

build/curator/ready: infra/install-curator $(VENV)/ready
	@mkdir -p $(@D)
	@infra/install-curator $(@D)
	@touch $@

build/lmeval/ready: infra/install-lmeval $(VENV)/ready
	@mkdir -p $(@D)
	@infra/install-lmeval $(@D)
	@touch $@

build/mlflow/ready: infra/install-mlflow pyproject.toml $(VENV)/ready
	@mkdir -p $(@D)
	@infra/install-mlflow client $(@D)
	@touch $@

build/mlflow-server/ready: infra/install-mlflow pyproject.toml $(VENV)/ready
	@mkdir -p $(@D)
	@infra/install-mlflow server $(@D)
	@touch $@

build/llamafactory/ready: infra/install-llamafactory
	@mkdir -p $(@D)
	@infra/install-llamafactory $(PYTHON) $(@D)
	@touch $@

build/smollm2/ready: infra/install-pretrained infra/convert_gguf.py .venv-training/ready
	@echo "Fetching SmolLM2-135M into $(@D) (100 MB, 270 MB on disk) ..."
	@infra/install-pretrained $(@D)
	@touch $@

build/postgres/ready: infra/install-postgres
	@mkdir -p $(@D)
	@infra/install-postgres
	@touch $@

# Gigabytes, so they are installed again only after a change of the lock file. After a change of pyproject.toml
# DRP alone is: its entry points are what is found there.
.venv-inference/packages-$(VLLM): infra/install-inference infra/say-torch requirements/inference-$(VLLM).lock | $(VENV)/ready
	@echo "Installing requirements/inference-$(VLLM).lock into $(@D) (some minutes, $(VLLM_SIZE)) ..."
	@infra/install-inference $(@D) $(VLLM)
	@touch $@

.venv-training/packages: infra/install-training infra/say-torch requirements/training.lock | $(VENV)/ready
	@echo "Installing torch and requirements/training.lock into $(@D) (some minutes) ..."
	@infra/install-training $(@D)
	@touch $@

.venv-inference/ready: .venv-inference/packages-$(VLLM)
.venv-training/ready: .venv-training/packages
.venv-inference/ready .venv-training/ready: pyproject.toml $(VENV)/ready
	@$(BIN)/uv pip install --quiet --python $(@D)/bin/python --no-deps -e .
	@touch $@

$(VENV)/uv:
	@infra/make-venv $(PYTHON) $(VENV) $(UV_VERSION)
	@touch $@

$(VENV)/ready: requirements/orchestrator.lock pyproject.toml $(VENV)/uv
	@echo "Installing requirements/orchestrator.lock into $(VENV) (1 GB, a few minutes the first time) ..."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements/orchestrator.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/ready-dev: requirements/dev.lock $(VENV)/ready
	@echo "Installing requirements/dev.lock into $(VENV) (a minute the first time) ..."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements/dev.lock
	@touch $@
