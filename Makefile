# Everything a user or CI runs. `make demo` and `make test` set up all they need first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
SPARK := $(VENV)/.spark
FRAMEWORKS := $(VENV)/.frameworks
EXTRAS := keras torch xgboost
FUNCTIONS := $(VENV)/functions
FUNCTIONS_PYTHON ?= 3.14
COMPILE = $(BIN)/uv pip compile --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -q
UNIVERSAL = --universal --python-version 3.11
# One more than most machines of CI have cores: tests of the local cloud wait for half of their time.
WORKERS ?= 3

# Packages are compiled once, by whoever imports them first: else every process of a local cloud compiles them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup spark frameworks demo test test-functions check security security-record secrets audit sbom bench bench-data bench-hostile bench-database bench-drift bench-recording bench-engines bench-erasure bench-feedback bench-quality bench-releases bench-serving bench-trace bench-training fuzz-serving format lock synth clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv and node_modules

$(STAMP): requirements.txt package-lock.json pyproject.toml setup.sh
	@./setup.sh "$(PYTHON)"

spark: $(SPARK) ## install Spark and a Java for it, for the local cloud's Glue (350 MB)

$(SPARK): requirements-spark.txt $(STAMP)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --require-hashes --build-constraints requirements-spark.txt -r requirements-spark.txt
	@touch $@

frameworks: $(FRAMEWORKS) ## install what only some pipelines need: XGBoost, PyTorch, Keras (7 GB)

$(FRAMEWORKS): requirements-frameworks.txt $(STAMP)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements-frameworks.txt
	@touch $@

demo: setup ## run the whole loop on real data, on this machine
	@$(BIN)/python -m demo

test: setup spark frameworks ## pass all tests
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-functions: setup ## pass the unit tests of what runs on Lambda on Lambda's Python, which uv downloads where it is missing
	@$(BIN)/uv venv --quiet --allow-existing --python "$(FUNCTIONS_PYTHON)" $(FUNCTIONS)
	@VIRTUAL_ENV=$(CURDIR)/$(FUNCTIONS) $(BIN)/uv pip install --quiet --require-hashes -r requirements.txt
	@$(FUNCTIONS)/bin/python -m pytest -q -n $(WORKERS) --dist loadfile tests/unit/headrace tests/unit/lambdas headrace lambdas

check: setup ## format, lint, types, import direction
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

security: setup ## judge the recorded runs by today's policies, and prove that nothing is allowed in vain
	@$(BIN)/python -m security

security-record: setup spark ## run what is recorded anew on local clouds, and write the recordings and what follows from them (minutes)
	@$(BIN)/python -m security.record $(if $(ONLY),$(foreach name,$(ONLY),--only $(name))) && $(BIN)/python -m security --accept

secrets: setup ## look for passwords and keys in all files that git has
	@$(BIN)/python -m security.supply_chain.secrets_scan

audit: setup ## ask for known vulnerabilities of all that is pinned; needs a network, and says so without
	@$(BIN)/python -m security.supply_chain.audit

sbom: setup ## write the bills of materials (CycloneDX) of images and functions to sbom/
	@$(BIN)/python -m infra.bill_of_materials sbom

bench: setup ## measure how long each step of the loop takes
	@$(BIN)/python -m benchmarks.measure_loop

bench-data: setup ## measure how fast, and in how much memory, files are taken in
	@$(BIN)/python -m benchmarks.measure_data

bench-hostile: setup ## take in hostile files of every kind, and measure time and memory
	@$(BIN)/python -m benchmarks.measure_hostile_files

bench-database: setup ## measure how fast, and in how much memory, rows of a database are imported
	@$(BIN)/python -m benchmarks.measure_import

bench-drift: setup ## measure how fast drift is found, how surely, and how often by mistake
	@$(BIN)/python -m benchmarks.measure_drift $(if $(DATA),--data "$(DATA)") $(if $(EVIDENTLY),--evidently)

bench-recording: setup ## measure how fast captured requests become rows and profiles
	@$(BIN)/python -m benchmarks.measure_recording

bench-releases: setup ## simulate releases: false picks among equal models, days until a winner is found
	@$(BIN)/python -m benchmarks.measure_releases

bench-engines: setup ## measure how long scikit-learn and ONNX Runtime take to answer, for every estimator
	@$(BIN)/python -m benchmarks.measure_engines

bench-feedback: setup ## measure how long labels take to find their predictions, and in how much memory
	@$(BIN)/python -m benchmarks.measure_feedback

bench-erasure: setup ## measure how long it takes to look for a person in a gigabyte, and to take them out
	@$(BIN)/python -m benchmarks.measure_erasure

bench-trace: setup ## measure how long it takes to trace one prediction among a million
	@$(BIN)/python -m benchmarks.measure_trace

bench-quality: setup ## bring seven public data sets through the whole pipeline, and compare with what others reach
	@$(BIN)/python -m benchmarks.measure_quality

bench-training: setup ## measure how much of a training is not fitting, and how fast rows are read
	@$(BIN)/python -m benchmarks.measure_training

bench-serving: setup ## measure the model server beside FastAPI and beside the limit, and send it a million requests
	@$(BIN)/python -m benchmarks.measure_serving

fuzz-serving: setup ## send the serving container 100,000 malformed requests, and count what it must never do
	@$(BIN)/python -m benchmarks.fuzz_server

format: setup ## apply the formatter and the safe lint fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup ## compile the pinned requirements again
	@$(COMPILE) requirements.in $(UNIVERSAL) -o requirements.txt
	@$(COMPILE) sagemaker_jobs/requirements.in -c requirements.txt $(UNIVERSAL) -o sagemaker_jobs/requirements.txt
	@$(COMPILE) requirements-spark.in -c requirements.txt $(UNIVERSAL) -o requirements-spark.txt
	@$(COMPILE) requirements-frameworks.in -c requirements.txt $(UNIVERSAL) -o requirements-frameworks.txt
	@for extra in $(EXTRAS); do \
	  $(COMPILE) sagemaker_jobs/extras/$$extra.in -c requirements.txt -c requirements-frameworks.txt $(UNIVERSAL) -o sagemaker_jobs/extras/$$extra.txt || exit 1; \
	done
	@$(COMPILE) requirements-frameworks.in -c requirements.txt -c requirements-frameworks.txt $(UNIVERSAL) --format pylock.toml -o sagemaker_jobs/extras/pylock.frameworks.toml
	@sed -i -E 's#url = "https://[^"]*/([^"/]*)"#name = "\1"#' sagemaker_jobs/extras/pylock.frameworks.toml

synth: setup ## write the CloudFormation templates of every pipeline
	@for file in pipelines/*.yaml; do \
	  name=$$(basename $$file .yaml); \
	  $(BIN)/cdk synth --quiet -c pipeline=$$name --output cdk.out/$$name || exit 1; \
	  echo "cdk.out/$$name"; \
	done

clean: ## remove what setup and the runs have made
	@rm -rf $(VENV) node_modules cdk.out .headrace sbom
