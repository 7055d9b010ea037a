## CONFIG=quick    preset: a folder under configs/ or a path; stage1.flags stage2.flags unet.flags, may have masks.flags
## RUN=$(CONFIG)   name of the run: its files go to checkpoints/$(RUN) and reports/$(RUN)
## PAIRS=          images with masks, layout:path; drive:data/raw/DRIVE if that folder exists, else phantom
## PHOTOS=         photographs without masks, layout:path; with fundus PAIRS messidor:data/raw/MESSIDOR if it exists,
##                 else phantom with phantom PAIRS; none with others. A preset may leave Stage-II to PAIRS alone
## CELLS=          second data set of `make evidence`, layout:path; bu_bil:data/raw/BU-BIL if it exists, else phantom cells
## ARCHIVE=        of `make data`: zip files of DRIVE, MESSIDOR, CHASE_DB1 or HRF, unpacked into data/raw
## FOLDS=3         parts of `make folds`, each with its own patients
## GOAL=eval       what `make plan` plans: eval, evidence, curve, sweep with SWEEP, or synthetic with COUNT and SHARDS=1
## SWEEP=          grid of flags for `make sweep`, a file such as configs/sweeps/unet_loss
## COUNT=          pairs of `make synthetic`, `audit`, `synthmed`, `pretrained`, `export`; without it, those of the run
## SHARD=          of `make synthetic COUNT=10000`: the K-th of N shares only, SHARD=3/16; without it the shares are joined
## IMAGES=         of `make demo`: a folder of photographs to segment
## NAME= LICENSE=  of what `make synthmed` or `make pretrained` makes; LICENSE=CC-BY-4.0 or another that it names.
##                 AUTHORS="A. Sample; B. Other"; NAME is also which packed networks `make demo` shows
## DIR=            of `make synthmed-verify`: the copy to check
## FLAGS=          flags for the scripts, "--batch_size=4 --test='folder:/my data'"; each script takes those it defines
## PYTHON=         a Python 3.9 to 3.11, used as it is if it has the packages (conda, a container), else to make .venv; where
##                 none is given or found, uv brings one
## EXTRAS=         extras of setup.py to install as well: make .venv EXTRAS=gpu for NVIDIA GPUs (CUDA 11.8 wheels),
##                 EXTRAS=medical for DICOM and NIfTI
.DEFAULT_GOAL := help
.PHONY: help data stage1 stage2 eval evidence curve folds few figures sweep plan demo pretrained synthetic audit \
	synthmed synthmed-verify export preflight tensorboard test-fast test faults test-all lint bench bench-quality clean .venv

# For the shell names are quoted, so that folders may have spaces; $(name) is RUN with its spaces escaped for make.
quote = '$(subst ','\'',$(1))'
again = $(call quote,$(subst $$,$$$$,$(1)))# for another make, which expands what it is given
say = @printf '%s\n' $(call quote,$(1))
hash := \#
R = checkpoints/$(name)

help: ## what can be made, and what can be set
	@echo "The whole pipeline, which goes on where it was interrupted: make stage1 stage2 eval"; echo
	@awk -F ':.*## ' '/^[a-z0-9.%-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile; echo
	@sed -n 's/^## //p' Makefile

# ---------------------------------------------------------------------------------------------- environment
# "complete PATH" or "supported PATH", as configs/environment.py says of the first Python that is good for something.
# Quoted, for its folder may have a space; the shell does not see ~ in quotes.
chosen := $(and $(PYTHON),$(call quote,$(if $(filter ~/%,$(PYTHON)),$(subst ~/,$(HOME)/,$(PYTHON)),$(PYTHON))))
found := $(shell for p in $(if $(chosen),$(chosen),.venv/bin/python python3.11 python3.10 python3.9 \
	python3 python); do state=$$("$$p" -m configs.environment $(EXTRAS) 2>/dev/null) && { echo "$$state $$p"; break; }; done)
# This makes .venv, without packages, before any rule runs, for configs/plan.py needs a Python. One that make did not
# make stays.
ifeq (,$(found)$(PYTHON)$(filter help,$(or $(MAKECMDGOALS),help)))
found := $(shell { [ -z "$$(ls -A .venv 2>/dev/null)" ] || [ -e .venv/made-by-make ]; } && \
	command -v uv >/dev/null && UV_VENV_CLEAR=1 uv venv --seed --python 3.11 .venv >&2 && \
	touch .venv/made-by-make && echo supported .venv/bin/python)
endif
any_python := $(and $(found),$(if $(chosen),$(chosen),$(lastword $(found))))
own := $(and $(PYTHON),$(filter complete,$(found)))
python := $(if $(own),$(chosen),.venv/bin/python)
environment := $(if $(own),,.venv)
no_python = $(if $(PYTHON),PYTHON=$(PYTHON) is no,there is no) Python 3.9, 3.10 or 3.11 with its venv module, which \
  TensorFlow 2.14 needs$(if $(PYTHON),,$(if $(wildcard .venv), (.venv is none: move it away))): install uv, which brings \
  one (curl -LsSf https://astral.sh/uv/install.sh | sh), or give the path of one, make PYTHON=/path/to/python3.11, or \
  take the Dockerfile, docker build -t dual-gan .

.venv: .venv/installed-$(or $(EXTRAS),base) ## the Python environment, on first use and when its versions change

.venv/installed-%: setup.py constraints.txt
	$(if $(any_python),,$(error $(no_python)))
	@$(any_python) -m configs.environment install $*

# ------------------------------------------------------------------------------------------------- what to do
step := exec $(python) -m configs.steps# exec, so that a signal to make reaches the script
# By order only: neither a new environment nor data that was checked again trains a network again.
ready = $(environment) $(R)/data.checked

# configs/plan.py gives the variables' defaults, the U-Nets of `make evidence`, the rules of both stages and of all pairs
# for each seed, and in $(wrong) what is wrong. $(shell) passes on no variables of its own in GNU make 3.81, so they are
# arguments.
# Windows' Subsystem for Linux has an environment variable NAME, which names the computer.
ifneq (command line,$(origin NAME))
NAME :=
endif
given_run := $(if $(filter undefined,$(origin RUN)),,$(RUN))# before it has its default
ifneq (,$(filter-out help demo tensorboard synthmed-verify test-fast test faults test-all lint bench .venv,$(MAKECMDGOALS)))
define newline


endef
known := CONFIG RUN PAIRS PHOTOS CELLS ARCHIVE FOLDS SWEEP COUNT SHARD NAME LICENSE AUTHORS FLAGS
given := $(foreach v,$(known),$(if $(filter undefined,$(origin $v)),,$(call quote,$v=$($v))))
$(if $(any_python),,$(error $(no_python)))
$(eval $(subst ;newline;,$(newline),$(shell $(any_python) -m configs.plan $(call quote,$(MAKECMDGOALS)) $(given))))
$(if $(wrong),$(error $(wrong)))
$(if $(name),,$(error configs/plan.py gave no plan))
ifeq (,$(ARCHIVE))# after which the make that is called has other defaults
export CONFIG RUN PAIRS PHOTOS CELLS FLAGS
endif
endif

# ------------------------------------------------------------------------------------------------- the stages
ifneq (,$(ARCHIVE))
data:
	@$(any_python) -m data.archives $(call quote,$(ARCHIVE))
	@$(MAKE) --no-print-directory data ARCHIVE=
else
data: | $(ready) ## finds and checks the data sets, after unpacking ARCHIVE; draws the phantoms where there are none
	$(call say,data: PAIRS=$(PAIRS) PHOTOS=$(PHOTOS))
endif

$(R)/data.checked: | $(environment) ; @$(step) data

ifdef dry_run
stage1 stage2: | $(ready)
	@$(step) $@
eval: | $(ready)
	@$(step) unet-real
else
stage1: $(R)/masks.h5 ## trains the DCGAN and draws masks
	$(call say,stage1: done; masks in checkpoints/$(RUN)/masks.h5 and the picture in checkpoints/$(RUN)/masks.png)
stage2: $(R)/synthetic.h5 ## trains Stage-II and renders the masks
	$(call say,stage2: done; pairs in checkpoints/$(RUN)/synthetic.h5 and the picture in checkpoints/$(RUN)/synthetic.png)
eval: reports/$(name)/report.html ## trains a U-Net on the synthetic pairs and compares it with the real arm
	$(call say,eval: done; the report is reports/$(RUN)/report.html)
endif

$(R)/single/generator.h5: | $(ready) ; @$(step) single
$(R)/single.h5: $(R)/single/generator.h5 | $(ready) ; @$(step) single_photographs
$(R)-cells/synthetic.h5: | $(ready)
	@$(MAKE) --no-print-directory stage1 stage2 RUN=$(call again,$(RUN)-cells) CONFIG=cells \
	  PAIRS=$(call again,$(CELLS)) PHOTOS= FLAGS=

unet-%: $(R)/unet-%/weights.h5 ## trains the U-Net of one arm and what it needs, for example unet-real+synthetic
	$(call say,unet-$*: done; weights in checkpoints/$(RUN)/unet-$*)
.PRECIOUS: $(R)/unet-%/weights.h5
# The training that ends last ($(last)) takes all cores, even if another one is about to end; without MAKEFLAGS its step
# knows of no other job.
$(R)/unet-%/weights.h5: | $(ready) ; @$(if $(filter unet-$*,$(last)),MAKEFLAGS= )$(step) unet-$*

reports/$(name)/report.html: | $(ready)
	@$(step) evaluate
figures: $(R)/unet-real/weights.h5 $(R)/unet-synthetic/weights.h5 | $(ready) ## measures again, draws figures and report anew
	@$(step) evaluate

evidence: $(R)/evidence.done ## every experiment of the paper with error bars: all arms, several seeds, single GAN, cells
	$(call say,evidence: done; the report is reports/$(RUN)/report.html)
$(R)/evidence.done: $(nets) $(R)/single.h5 $(second) | $(ready) ; @$(step) evidence

curve: $(R)/curve.done ## U-Nets on different numbers of synthetic pairs, beside what there is
	$(call say,curve: done; the report is reports/$(RUN)/report.html)
$(R)/curve.done: $(curve) | $(ready) ; @$(step) curve

# A fold is a run of its own, on a data set of its own.
ifdef folds
.PHONY: $(folds)
$(folds): fold-%: | $(environment)
	@$(MAKE) --no-print-directory $(fold_goals) RUN=$(call again,$(RUN)-fold$*) \
	  PAIRS=$(call again,fold-$*-of-$(FOLDS):$(PAIRS)) PHOTOS=$(call again,$(PHOTOS)) \
	  $(if $(fold_flags),FLAGS=$(call again,$(fold_flags)))
endif
folds: $(folds) | $(environment) ## the arms of `make evidence` on FOLDS splits, so that each patient is tested once
	@$(if $(dry_run),,exec $(python) -m unet_eval.folds --folds=$(FOLDS) --reports=$(call quote,reports/$(RUN)))

demo: | $(environment) ## 50 pairs with a gallery from packed networks, RUN=quick: from a run; IMAGES=folder: masks of photographs
	@exec $(python) -m configs.demo --run=$(call quote,$(given_run)) --name=$(call quote,$(NAME)) \
	  --images=$(call quote,$(IMAGES)) $(FLAGS)

# ------------------------------------------------------------------------------------------------- giving pairs away
of_count := $(addprefix -,$(COUNT))
store := $(R)/synthetic$(of_count).h5
private := reports/$(name)/private$(of_count)

ifdef shard
synthetic: $(R)/stage1/generator.h5 $(R)/stage2/generator.h5 | $(ready)
	@$(step) synthetic$(of_count)$(shard)
else
ifneq (,$(COUNT))
$(store): $(R)/stage1/generator.h5 $(R)/stage2/generator.h5 | $(ready) ; @$(step) synthetic$(of_count)
endif
synthetic: $(store) ## COUNT=1000 pairs from a trained run
	$(call say,synthetic: done; pairs in checkpoints/$(RUN)/synthetic$(of_count).h5)
endif

$(R)/audit/overtrained.h5: | $(R)/stage1/generator.h5 $(ready) ; @$(step) overtrained
$(R)/audit/%.json: $(R)/%/generator.h5 | $(ready) ; @$(step) members-$*
$(R)/audit/unet-synthetic.json: $(R)/unet-synthetic/weights.h5 | $(ready) ; @$(step) members-unet-synthetic
.PRECIOUS: $(R)/audit/%.json
audit: $(store) $(R)/audit/overtrained.h5 $(R)/audit/stage1.json $(R)/audit/stage2.json | $(ready) ## looks for copies of training images in the pairs; fails where they may not be published
	@$(step) audit$(of_count)

$(R)/agreement$(of_count).json: $(store) $(R)/unet-real/weights.h5 | $(ready)
	@echo "synthmed: asking the U-Net of the real pairs how far it agrees with each mask"
	@exec $(python) -m unet_eval.agreement --model=$(call quote,checkpoints/$(RUN)/unet-real) \
	  --store=$(call quote,checkpoints/$(RUN)/synthetic$(of_count).h5) --out=$(call quote,checkpoints/$(RUN)/agreement$(of_count).json)
# FLAGS=--with_generators of synthmed; after the audit, whose verdict they need.
$(R)/generators/README.md: $(R)/stage1/generator.h5 $(R)/stage2/generator.h5 | audit
	@exec $(python) -m configs.generators --run=$(call quote,checkpoints/$(RUN)) \
	  --audit=$(call quote,reports/$(RUN)/audit$(of_count)/audit.json) --out=$(call quote,checkpoints/$(RUN)/generators)
synthmed: audit $(R)/agreement$(of_count).json $(graphs) ## NAME=... LICENSE=...: pairs that passed their audit, as a folder to publish
	@exec $(python) -m data.synthmed.release --run=$(call quote,checkpoints/$(RUN)) \
	  --store=$(call quote,checkpoints/$(RUN)/synthetic$(of_count).h5) \
	  --audit=$(call quote,reports/$(RUN)/audit$(of_count)/audit.json) \
	  --agreement=$(call quote,checkpoints/$(RUN)/agreement$(of_count).json) \
	  --name=$(NAME) --license=$(LICENSE) --authors=$(call quote,$(AUTHORS)) \
	  $(if $(graphs),--generators=$(call quote,checkpoints/$(RUN)/generators)) \
	  --out=$(call quote,reports/$(RUN)/synthmed/$(NAME))
pretrained: audit $(R)/audit/unet-synthetic.json ## NAME=... LICENSE=...: packs the networks of a run whose audit passed
	@exec $(python) -m configs.pretrained --run=$(call quote,$(RUN)) --count=$(or $(COUNT),0) --name=$(NAME) \
	  --license=$(LICENSE) --authors=$(call quote,$(AUTHORS))
synthmed-verify: | $(environment) ## DIR=...: checks somebody's copy of such a folder
	@exec $(python) -m data.synthmed.verify --dir=$(call quote,$(DIR)) $(FLAGS)
export: $(private)/README.md ## pairs as PNG files for your own use, not cleared for publication
	$(call say,export: done; reports/$(RUN)/private$(of_count))
$(private)/README.md: $(store) | $(environment)
	@exec $(python) -m data.synthmed.export --store=$(call quote,checkpoints/$(RUN)/synthetic$(of_count).h5) \
	  --out=$(call quote,reports/$(RUN)/private$(of_count))

# ------------------------------------------------------------------------------------------------- the others
this_make := $(MAKE)# a recipe that names MAKE itself is run by make -n too
variables = --config=$(call quote,$(CONFIG)) --pairs=$(call quote,$(PAIRS)) --photos=$(call quote,$(PHOTOS)) \
  --flags=$(call quote,$(FLAGS)) --make=$(call quote,$(this_make))
sweep: | $(environment) ## trains the grid of flags in SWEEP, one run each, and ranks them by validation F1
	@exec $(python) -m configs.sweep --sweep=$(call quote,$(SWEEP)) $(variables)
few: | $(ready) ## how few real pairs it takes: runs on 1, 2, 5, 10 and all, with synthetic pairs made from them
	@exec $(python) -m configs.few --run=$(call quote,$(RUN)) $(variables)

plan: | $(environment) ## prints the steps of GOAL as data, for job schedulers and workflow engines: configs/cluster/
	@GOAL=$(call quote,$(or $(GOAL),eval)) COUNT=$(call quote,$(COUNT)) SHARDS=$(call quote,$(SHARDS)) \
	  SWEEP=$(call quote,$(SWEEP)) exec $(python) -m configs.chain

preflight: | $(environment) ## what this machine has, and whether the trainings of CONFIG fit it; how long they take
	@exec $(python) -m configs.preflight

tensorboard: | $(environment) ## shows every run's losses, pictures and metrics in a browser
	@TF_CPP_MIN_LOG_LEVEL=3 $(python) -m tensorboard.main --logdir checkpoints $(FLAGS)

dev := $(if $(own),,.venv/installed-dev)
pytest = $(python) -m pytest -n logical --maxprocesses=4 --dist=worksteal# one process a core, 2.5 GB each at most
test-fast: $(dev) ## the tests that train nothing and start no process, in a minute; FLAGS goes to pytest
	@$(pytest) -m "not training and not long" $(FLAGS)
test: $(dev) ## all tests but the longest
	@$(pytest) -m "not long" $(FLAGS)
faults: $(dev) ## the tests that inject faults, listed in tests/README.md: kills, full disks, damaged files
	@$(pytest) -m fault $(FLAGS)
test-all: $(dev) ## all tests
	@$(pytest) $(FLAGS)
lint: $(dev) ## checks the style
	@$(python) -m ruff check . $(FLAGS)

bench: | $(environment) ## times a training step; FLAGS="--network=unet --size=256 --batch=4 --base=32", --compare=FILE, --run=DIR
	@$(python) -m tests.bench $(FLAGS)
bench-quality: reports/$(name)/report.html ## minutes of each training of the run, and to a vessel F1 of held-out images
	@exec $(python) -m tests.bench.quality --run=$(call quote,checkpoints/$(RUN)) \
	  --out=$(call quote,reports/$(RUN)/quality.json)

clean: ## removes checkpoints/$(RUN) and reports/$(RUN), unless a file in them is yours
	@$(any_python) -m configs.clean $(call quote,$(RUN))
	$(call say,clean: removed checkpoints/$(RUN) and reports/$(RUN))
