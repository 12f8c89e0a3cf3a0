# The front door of Throughcare. `make` alone prints what there is.
#
# Whatever a target needs is made first: the environment in .venv, the pinned packages, the generated contracts.
# Stamps in .state say what is already done, so nothing is built twice.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STATE := .state
GROUPS_INSTALLED := main embedded image build test lint
BUS ?= embedded
DATA ?= .data
UV ?= uv
NODE ?= together
TAG ?= local
SECRETS ?= .secrets
PROTO := $(shell find proto/throughcare -name '*.proto' 2>/dev/null)
export PYTHONDONTWRITEBYTECODE ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The newest Python that truly runs (a version manager may leave a name on the path that does not), or PYTHON=.
PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3; do \
	"$$each" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$each"; break; }; done)

# A stamp whose work was deleted says nothing.
$(shell [ -x $(PY) ] || rm -f $(STATE)/venv $(STATE)/pins $(STATE)/install)
$(shell [ -d proto/gen/throughcare ] || rm -f $(STATE)/proto)

##@ Start

.PHONY: help setup up down demo logs kafka

help: ## Print these targets
	@awk 'BEGIN {FS = ":.*## "; print "Throughcare. make TARGET [NAME=value]"} \
		/^##@ / {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  \033[36m%-15s\033[0m %s\n", $$1, $$2}' Makefile

setup: $(STATE)/install $(STATE)/proto ## Make .venv with the pinned packages and the generated contracts

demo: setup $(if $(filter kafka,$(BUS)),kafka) ## Start four houses and play their story (BUS=kafka for a real broker, ARGS=--once to play, audit and stop)
	$(BIN)/throughcare demo --bus $(BUS) --data $(DATA) $(if $(NODES),--nodes $(NODES)) $(ARGS)

up: setup $(if $(filter kafka,$(BUS)),kafka) ## Start houses with example data and stay with them; Ctrl-C stops (NODES=together,sig-penrose BUS=kafka DATA=folder)
	$(BIN)/throughcare up --example --bus $(BUS) --data $(DATA) $(if $(NODES),--nodes $(NODES)) $(ARGS)

down: setup ## Stop the house and delete its data (DATA=folder)
	$(BIN)/throughcare down --data $(DATA)

logs: ## Follow what the house's processes write (DATA=folder)
	@ls $(DATA)/logs/*.log >/dev/null 2>&1 || { echo "No logs in $(DATA)/logs. Start a house with: make up"; exit 1; }
	tail -n 20 -F $(DATA)/logs/*.log

kafka: $(STATE)/kafka ## Fetch the jars of a local Apache Kafka with Maven (needs Java 17; see system-java)

##@ Check

.PHONY: check format lint types imports contracts spelling deployment architecture

check: lint types imports contracts spelling deployment architecture ## Everything below: what a change must pass before its tests

format: setup ## Format the code and the contracts in place
	$(BIN)/ruff format
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/buf format -w

lint: setup ## Formatting and lint of the Python code
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: setup ## Types, strictly
	$(BIN)/mypy

imports: setup ## Who may import whom
	$(BIN)/lint-imports --no-logo

contracts: setup ## Lint and format of the contracts; no break, no changed option since the last release
	$(BIN)/buf lint
	$(BIN)/buf format -d --exit-code
	@grep -q '^## \[[0-9]' CHANGELOG.md || echo "Nothing is released yet: comparing with the last image on file."
	$(BIN)/buf breaking --against proto/released.binpb
	$(PY) -m tests.contracts.options

spelling: setup ## Spelling, and words that hurt people
	$(BIN)/codespell

deployment: setup ## Recipes, compose files and Kubernetes manifests
	$(BIN)/hadolint deploy/Dockerfile deploy/stand-ins/*/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose*.yaml
	@for overlay in deploy/kubernetes/overlay/*; do \
		$(BIN)/kubectl kustomize $$overlay >$(STATE)/kubernetes.yaml; \
		$(BIN)/kubernetes-validate --strict --quiet $(STATE)/kubernetes.yaml; done

architecture: setup ## Rules of the architecture that no other tool holds
	$(PY) -m pytest tests/architecture -q $(if $(T),-k "$(T)",$(SIDE_BY_SIDE))

##@ Test

.PHONY: test test-fast test-wire test-containers faults bench

test: setup $(STATE)/kafka-if-possible ## Everything this machine can run, three files at a time (T= narrows: T=consent, or T=tests/referral)
	$(PY) -m pytest $(if $(T),$(PICK),$(SIDE_BY_SIDE))

test-fast: setup ## Without a broker: domain, services on PostgreSQL, contracts (T= narrows)
	$(PY) -m pytest -m "not wire and not kafka and not slow and not containers" $(PICK)

test-wire: setup $(STATE)/kafka-if-possible ## On a bus: relay, inbox, journeys (T= narrows)
	$(PY) -m pytest -m "wire or kafka" $(PICK)

test-containers: setup ## Our images on PostgreSQL and three brokers, and each runbook; needs an engine (make engine; T= narrows)
	$(PY) -m pytest $(if $(T),$(PICK),tests/containers)

faults: setup kafka ## The long form of the fault runs on real Kafka, with figures (T= narrows)
	THROUGHCARE_FAULTS=long $(PY) -m pytest tests/faults tests/house/test_referral_import.py tests/house/test_demo.py -s --timeout 3600 $(PICK_NAME)

bench: setup kafka $(STATE)/bench ## Measure against peers on real Kafka: tables and plots in benchmarks/results (T="P2 P4" narrows)
	$(PY) -m benchmarks $(T)

# Tests wait for processes as much as they compute: three files at a time keep two processors busy. A file stays
# together, since its tests may share a house.
SIDE_BY_SIDE = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
WORKERS ?= 3

# T=a/path runs that path; T=a word runs the tests whose name holds it.
PICK = $(if $(findstring /,$(T)),$(T),$(PICK_NAME))
PICK_NAME = $(if $(T),-k "$(T)")

##@ Change

.PHONY: proto golden migration pins docs

proto: $(STATE)/proto ## Generate Python from the contracts

golden: setup ## Write an example of each event that has none yet; never changes one
	$(PY) -m tests.contracts.golden

migration: ## Start the next migration of a service (S=referral M=what_changes)
	@[ -d "services/$(S)/migrations" ] && [ -n "$(S)" ] && [ -n "$(M)" ] || { echo "Say which: make migration S=referral M=what_changes"; exit 1; }
	@last=$$(ls services/$(S)/migrations | sed -n 's/^\([0-9]\{4\}\)_.*\.py$$/\1/p' | sort | tail -1); \
	next=$$(printf '%04d' $$((10#$${last:-0} + 1))); file=services/$(S)/migrations/$${next}_$(M).py; \
	down=None; [ -z "$$last" ] || down="\"$$last\""; \
	printf '"""%s: say what changes, and why the release before can run on it."""\n\nfrom alembic import op\n\nrevision = "%s"\ndown_revision = %s\n\n\ndef upgrade() -> None:\n    op.execute("")\n' \
		"$(M)" "$$next" "$$down" > "$$file"; echo "$$file"

docs: setup ## Draw docs/map.md again from publications and subscriptions
	$(PY) -m tests.architecture.context_map --write

pins: ## Resolve the requirements again and write them with hashes (needs uv; U=package upgrades one, U=all all)
	@command -v $(UV) >/dev/null || { echo "make pins needs uv. Install it as you like best, or say where it is: make pins UV=path"; exit 1; }
	@for group in main embedded image mail test lint build bench; do \
		if [ $$group = main ]; then from="pyproject.toml"; else from="--group $$group -c requirements/main.txt"; fi; \
		$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-emit-index-url --no-emit-find-links \
			$(if $(filter all,$(U)),--upgrade,$(if $(U),--upgrade-package $(U))) \
			$$from -o requirements/$$group.txt; echo requirements/$$group.txt; done

##@ Operate

.PHONY: migrate parked rebuild topics

migrate: setup ## Bring one service's database to this release, as THROUGHCARE_… says where it is (S=referral); `up` does it itself
	@[ -n "$(S)" ] || { echo "Say which: make migrate S=referral"; exit 1; }
	$(PY) -m $(S) migrate

parked: setup ## List the messages that wait for a person (DATA=folder)
	$(BIN)/throughcare parked list --data $(DATA)

rebuild: setup ## Build projections again from the journals (S=a service, or partners.picture; DATA=folder)
	@[ -n "$(S)" ] || { echo "Say which: make rebuild S=partners.picture"; exit 1; }
	$(BIN)/throughcare rebuild $(S) --data $(DATA)

topics: setup ## List the topics of deploy/bus/topics.yaml as they are on the bus (DATA=folder)
	$(BIN)/throughcare topics --data $(DATA)

##@ Containers

.PHONY: engine base-images images secrets compose-up compose-down sbom

engine: ## Bring up a container engine where none answers (apt-get: docker.io, docker-compose; dockerd by hand)
	@deploy/engine

base-images: ## Pull the public images, or build stand-ins of the same names where they cannot be pulled
	@deploy/base-images

images: ## Build the images of the services and of the house (TAG=local)
	@deploy/images $(TAG)

secrets: setup ## Make certificates, keys and passwords of a house in containers, for trying (NODE=together)
	@$(BIN)/throughcare secrets --node $(NODE) --into $(SECRETS)

compose-up: secrets ## Start a house in containers: the lead house, or a partner's on its bus (NODE=together)
	@[ "$(NODE)" = together ] || deploy/house together admit
	@deploy/house $(NODE) up
	@[ "$(NODE)" = together ] || deploy/house $(NODE) meet together

compose-down: ## Stop a house in containers and delete its data (NODE=together)
	@deploy/house $(NODE) down

sbom: setup ## What our images hold, with licences: CycloneDX in .state/sbom.json and a table in .state/licences.txt
	@$(PY) -m tests.architecture.bill_of_materials $(STATE)

##@ System

.PHONY: system-java

system-java: ## Install Java 17 and Maven from Debian or Ubuntu (apt-get: openjdk-17-jre-headless, maven), for a local Kafka
	@if command -v java >/dev/null && command -v mvn >/dev/null; then echo "Java and Maven are here."; else \
		command -v apt-get >/dev/null || { echo "There is no apt-get here: install Java 17 and Maven in your system's own way."; exit 1; }; \
		as=; [ "$$(id -u)" = 0 ] || as=sudo; \
		echo "Installing openjdk-17-jre-headless and maven with apt-get."; \
		$$as apt-get update -qq; \
		$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openjdk-17-jre-headless maven; fi

##@ Release

.PHONY: release

release: check test ## Freeze the contracts and the change log under a version (V=1.2.0)
	deploy/release "$(V)"

# ---------------------------------------------------------------------------------------------------------------
# What the targets above stand on.

$(STATE):
	@mkdir -p $@

$(STATE)/venv: | $(STATE)
	@[ -n "$(PYTHON)" ] || { echo "Throughcare needs Python 3.11 or newer, with venv. None was found: install one, or say which: make setup PYTHON=path"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11."; exit 1; }
	@echo "Making $(VENV) with $$("$(PYTHON)" -V)"
	@"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

# Everything comes as a wheel with a known hash: nothing is compiled, nothing unpinned runs while it is installed.
$(STATE)/pins: $(STATE)/venv $(GROUPS_INSTALLED:%=requirements/%.txt)
	@echo "Installing the pinned packages"
	@$(PY) -m pip install --quiet --require-hashes --only-binary :all: $(GROUPS_INSTALLED:%=-r requirements/%.txt)
	@touch $@

$(STATE)/install: $(STATE)/pins pyproject.toml
	@$(PY) -m pip install --quiet --no-build-isolation --no-deps --no-index --editable .
	@touch $@

$(STATE)/bench: $(STATE)/pins requirements/bench.txt
	@$(PY) -m pip install --quiet --require-hashes --only-binary :all: -r requirements/bench.txt
	@touch $@

$(STATE)/proto: $(PROTO) $(STATE)/pins
	@rm -rf proto/gen && mkdir -p proto/gen
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) -m grpc_tools.protoc -Iproto --python_out=proto/gen --pyi_out=proto/gen \
		--grpc_python_out=proto/gen --mypy_grpc_out=quiet:proto/gen $(PROTO)
	@touch $@

$(STATE)/kafka: deploy/kafka/pom.xml | $(STATE)
	@command -v java >/dev/null && command -v mvn >/dev/null || { echo "A local Kafka needs Java 17 and Maven: make system-java"; exit 1; }
	rm -rf deploy/kafka/lib
	mvn --batch-mode --quiet --file deploy/kafka/pom.xml package
	@touch $@

.PHONY: $(STATE)/kafka-if-possible
$(STATE)/kafka-if-possible:
	@if [ -f deploy/kafka/pom.xml ] && command -v java >/dev/null && command -v mvn >/dev/null; then $(MAKE) $(STATE)/kafka; \
	elif [ -n "$${THROUGHCARE_REQUIRE_KAFKA:-}" ]; then echo "A real Kafka is required here, and there is no Java or no Maven: make system-java"; exit 1; \
	else echo "No Java or no Maven: tests that need a real Kafka will skip (make system-java)."; fi
