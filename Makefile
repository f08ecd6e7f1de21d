# Everything a user needs; `make help` lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := $(if $(GPU),cuda,cpu)
RUN := $(BIN)/python workflow/run.py $(if $(PRESET),--preset $(PRESET)) $(if $(SLURM),--profile slurm,$(if $(GPU),--profile gpu))

.PHONY: help reproduce smoke report archive verify test chaos bench setup unlock tables schema lock clean

reproduce: setup  ## from raw data to figures, verdicts and report (PRESET=smoke|default|extended|paper, GPU=1, SLURM=1)
	@$(RUN) reproduce

smoke: setup  ## the same at the smallest sizes, in minutes
	@$(BIN)/python workflow/run.py --preset smoke reproduce

report: setup  ## the report, after bringing the results up to date
	@$(RUN) report

archive: setup  ## a checkable archive of source, settings, results and report
	@$(RUN) archive

verify:  ## check an archive or its extracted folder: make verify ARCHIVE=...
	@test -n "$(ARCHIVE)" || { echo "Say which: make verify ARCHIVE=path"; exit 2; }
	@sh workflow/verify.sh "$(ARCHIVE)"

test: $(VENV)/test.installed  ## tests, linters and type checker
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --ignore tests/workflow --ignore tests/chaos; \
	  failed=$$?; $(BIN)/python -m pytest tests/workflow tests/chaos && exit $$failed # one after another: whole runs use all cores

chaos: $(VENV)/test.installed  ## faults on copies of this checkout, in minutes or hours (KILLS=50 MINUTES=90 SEED=0 ONLY=kill)
	@PYTHONPATH=$(CURDIR)/tests/workbench:$(CURDIR)/tests/workflow $(BIN)/python tests/chaos/campaign.py \
	  $(if $(KILLS),--kills $(KILLS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(ONLY),--only $(ONLY))

bench: $(VENV)/test.installed  ## timings against NumPy and, where it is installed, PyTorch
	@for file in $(filter-out benchmarks/paper_costs.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$file || exit 1; done

setup: $(VENV)/$(LOCK).installed $(if $(SLURM),$(VENV)/slurm.installed)  ## the environment in .venv, every package checked against its hash

unlock: setup  ## take off the lock that a killed run left
	@$(RUN) unlock

tables: setup  ## write claims, findings and a few figures of preset default into README.md and docs/
	@$(BIN)/python -m perspectives workbench write_tables
	@mkdir -p docs/figures && cd results/default && cp highres/figures/fig1b_race.png \
	  highres/figures/discretisation.png alignment/figures/plane.png alignment/figures/width.png \
	  elements/figures/costs.png elements/figures/bilevel.png elements/figures/integration.png \
	  diffusion/figures/lambda_family.png diffusion/figures/bounds.png diffusion/figures/generative_paths.png \
	  diffusion/figures/swiss_roll.png diffusion/figures/swiss_roll_trajectories.png diffusion/figures/solvers.png \
	  diffusion/figures/image_bits.png protein/figures/methods.png protein/figures/oracles.png \
	  protein/figures/fitness.png protein/figures/logos.png \
	  ../../docs/figures/

schema: setup  ## write workflow/schemas/settings.json from the settings classes
	@$(BIN)/python -m perspectives suite write_schema --file workflow/schemas/settings.json

lock:  ## resolve requirements/*.txt anew (needs uv)
	@./requirements/lock.sh

clean:  ## remove results, environment and caches; keep downloaded data
	rm -rf $(VENV) .cache .snakemake results/smoke results/default results/extended results/paper

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 12

$(VENV)/%.installed: requirements/%.txt requirements/uv.txt pyproject.toml workflow/cores.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements/$*.txt into $(VENV)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/$*.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$(CURDIR)/$(BIN)/python" "$(CURDIR)/workflow/cores.py" > $(BIN)/snakemake
	@touch $@
