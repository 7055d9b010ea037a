## CONFIG=quick    preset: a folder under configs/ or a path; stage1.flags stage2.flags unet.flags, may have masks.flags
## RUN=$(CONFIG)   name of the run: its files go to checkpoints/$(RUN) and reports/$(RUN)
## PAIRS=          images with masks, layout:path; drive:data/raw/DRIVE if that folder exists, else phantom
## PHOTOS=         photographs without masks, layout:path; messidor:data/raw/MESSIDOR if it exists, else phantom;
##                 none (Stage-II trains on PAIRS) if only PAIRS is given
## CELLS=          second data set of `make evidence`, layout:path; bu_bil:data/raw/BU-BIL if it exists, else phantom cells
## SWEEP=          grid of flags for `make sweep`, a file such as configs/sweeps/unet_loss
## FLAGS=          flags for the scripts, "--batch_size=4 --precision=float32"; each script takes those it defines;
##                 no value has a space
## PYTHON=         the Python that makes .venv, 3.9 to 3.11; the first of them that is found
## EXTRAS=         extras of setup.py to install as well: make .venv EXTRAS=gpu for NVIDIA GPUs (CUDA 11.8 wheels)
CONFIG ?= quick
RUN ?= $(notdir $(patsubst %/,%,$(CONFIG)))
FLAGS ?=
EXTRAS ?=
pairs_given := $(filter-out phantom,$(PAIRS))
PAIRS ?= $(if $(wildcard data/raw/DRIVE/.),drive:data/raw/DRIVE,phantom)
ifeq (,$(filter bu_bil:% folder:%,$(PAIRS)))
  PHOTOS ?= $(if $(wildcard data/raw/MESSIDOR/.),messidor:data/raw/MESSIDOR,$(if $(pairs_given),,phantom))
endif
CELLS ?= bu_bil:data/raw/$(if $(wildcard data/raw/BU-BIL/.),,phantom/)BU-BIL
export TF_CPP_MIN_LOG_LEVEL ?= 3# at 2, importing TensorFlow 2.14 prints three errors about cuDNN that are none

.DEFAULT_GOAL := help
.PHONY: help data stage1 stage2 eval evidence figures sweep swept tensorboard test lint bench clean named settings .venv

# Names are quoted for the shell, and their spaces escaped for make, so that folders may have them.
empty :=
quote = '$(subst ','\'',$(1))'
say = printf '%s\n' $(call quote,$(1))
run := checkpoints/$(RUN)
report := reports/$(RUN)
name := $(subst $(empty) ,\ ,$(RUN))
R := checkpoints/$(name)
at := $(call quote,$(run))
pairs := $(call quote,$(PAIRS))
photos := $(call quote,$(PHOTOS))
python := .venv/bin/python
config := $(shell for d in $(call quote,configs/$(CONFIG)) $(call quote,$(CONFIG)); do \
	[ ! -e "$$d"/stage1.flags -o ! -e "$$d"/stage2.flags -o ! -e "$$d"/unet.flags ] || { echo "$$d"; break; }; done)

help: ## what can be made, and what can be set
	@echo "The whole pipeline, which goes on where it was interrupted: make stage1 stage2 eval"; echo
	@awk -F ':.*## ' '/^[a-z0-9.%-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile; echo
	@sed -n 's/^## //p' Makefile

# ---------------------------------------------------------------------------------------------- environment
supported := import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))
PYTHON ?= $(shell for p in python3.11 python3.10 python3.9 python3 python; do \
	$$p -c '$(supported)' 2>/dev/null && { echo $$p; break; }; done)
works = $(shell $(1) -c '$(supported)' 2>/dev/null && echo yes)
no_python = PYTHON=$(PYTHON) is no Python 3.9, 3.10 or 3.11 with its venv module, which TensorFlow 2.14 needs: \
  install one and give its path, make PYTHON=/path/to/python3.11
no_opencv = error: OpenCV does not start, for want of system libraries: apt-get install libgl1 libglib2.0-0

.venv: .venv/installed-$(or $(EXTRAS),base) ## the Python environment, on first use and when its versions change

.venv/installed-%: setup.py constraints.txt
	$(if $(call works,$(python)),,$(if $(call works,$(PYTHON)),,$(error $(no_python))))
	@echo ".venv: installing TensorFlow 2.14 and the rest (600 MB on the first use)"
	@$(python) -c 'import pip; $(supported)' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(python) -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  -e '.$(if $(filter-out base,$*),[$*])'
	@$(python) -c 'import cv2' || { $(call say,$(no_opencv)) >&2; exit 1; }
	@touch $@

# --------------------------------------------------------------------------------------------- what goes in
no_name = RUN='$(RUN)' is no name for a folder: it has no slash, begins with no dot and is not empty
no_config = CONFIG=$(CONFIG) is no folder with stage1.flags, stage2.flags and unet.flags; there are: \
  $(filter-out sweeps,$(notdir $(wildcard configs/*)))
differs = $(run) was made with $(before), and this is $(now): take the same, or another folder with RUN=name
# What is measured, and how, may change: it trains nothing again.
measuring := --arms=% --seeds=% --test=% --threshold=% --kl_bins=% --kl_channels=% --kl_pixels=% --kl_smoothing=%
now := $(strip CONFIG=$(CONFIG) PAIRS=$(PAIRS) PHOTOS=$(PHOTOS) FLAGS=$(filter-out $(measuring),$(FLAGS)))
before = $(shell cat $(at)/settings 2>/dev/null)
changed = $(subst [$(before)],,[$(now)])
begun = $(shell ls $(at)/*/config.json 2>/dev/null)

named:
	$(if $(or $(findstring /,$(RUN)),$(filter .%,$(firstword $(RUN)))),$(error $(no_name)))
	$(if $(strip $(RUN)),,$(error $(no_name)))

# What a run is made of may still change while none of its trainings has begun.
settings: | named
	$(if $(config),,$(error $(no_config)))
	$(if $(and $(before),$(changed),$(begun)),$(error $(differs)))
	@$(if $(changed),mkdir -p $(at) && $(call say,$(now)) > $(at)/settings && rm -f $(at)/data.checked)

used := $(PAIRS) $(PHOTOS) $(if $(filter evidence,$(MAKECMDGOALS)),$(CELLS))
phantom := $(if $(filter phantom %:data/raw/phantom,$(used))$(findstring :data/raw/phantom/,$(used)),data/raw/phantom)
# By order only: neither a new environment nor an edited script trains a network again.
ready := settings .venv $(phantom) $(R)/data.checked

data: | $(ready) ## finds and checks the data sets; draws the phantoms where there are none
	@$(call say,data: PAIRS=$(PAIRS) PHOTOS=$(PHOTOS))

data/raw/phantom: | .venv
	@echo "data: drawing phantom retinas and cells -> $@"
	@$(python) -m data.phantom --out=$@

$(R)/data.checked: | settings .venv $(phantom)
	@$(call say,data: checking PAIRS=$(PAIRS) PHOTOS=$(or $(PHOTOS),(none; Stage-II trains on PAIRS)))
	$(if $(phantom),@$(call say,data: phantoms are drawn; README.md says how to get DRIVE and MESSIDOR into data/raw))
	@$(python) -m data.check --pairs=$(pairs) --photos=$(photos)
	@touch $(at)/data.checked

# ------------------------------------------------------------------------------------------------ the stages
# $(call script,module,flags): runs a script with its share of FLAGS; exec, so that a signal to make reaches it.
script = flags=$$($(python) -m training.make_flags $(1) $(FLAGS)) && eval "set -- $$flags" && $(share) \
  exec $(python) -m $(1) $(2) "$$@"
# make -jN runs N trainings at a time, which share the cores: small networks do not keep two of them busy.
jobs = $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS)))
share = $(if $(jobs),threads=$$(( $$(getconf _NPROCESSORS_ONLN) / $(jobs) )) && \
  export TF_NUM_INTRAOP_THREADS=$$(( threads > 1 ? threads : 1 )) TF_NUM_INTEROP_THREADS=1 &&)
flagfile = --flagfile=$(call quote,$(config)/$(1).flags)
optional = $(if $(shell ls $(call quote,$(config)/$(1).flags) 2>/dev/null),$(flagfile))
train_stage1 = $(call script,stage1_dcgan.train,--pairs=$(pairs) --out=$(at)/stage1 $(call flagfile,stage1))
train_stage2 = $(call script,stage2_pix2pix.train,--pairs=$(pairs) $(1) --out=$(at)/stage2 $(call flagfile,stage2))
# $(call train_unet,ARM[.K],flags): K is which repetition it is; the first has none.
train_unet = $(call script,unet_eval.train,--arm=$(basename $(1)) --pairs=$(pairs) $(2) --out=$(at)/unet-$(1) \
  $(patsubst .%,--repeat=%,$(suffix $(1))) $(call flagfile,unet))
# With -j, make starts whatever it can, in order; in `make evidence` all else waits for the GANs, which take longest.
first := $(if $(filter evidence,$(MAKECMDGOALS)),$(R)/synthetic.h5)
# $(call fresh,folder,input): drops a training that an older input began, for resuming it would mix the two.
fresh = [ ! $(at)/$(2) -nt $(at)/$(1)/config.json ] || rm -rf $(at)/$(1)

ifneq (,$(findstring --dry_run,$(FLAGS)))
# There are no files of earlier stages to read, so Stage-II is built for PAIRS and the U-Net for the real arm.
stage1: | $(ready)
	@$(train_stage1)
stage2: | $(ready)
	@$(train_stage2)
eval: | $(ready)
	@$(call train_unet,real)
else
stage1: $(R)/masks.h5 ## trains the DCGAN and draws masks
	@$(call say,stage1: done; masks in $(run)/masks.h5 and the picture in $(run)/masks.png)
stage2: $(R)/synthetic.h5 ## trains pix2pix on segmented photographs and renders the masks
	@$(call say,stage2: done; pairs in $(run)/synthetic.h5 and the picture in $(run)/synthetic.png)
eval: reports/$(name)/report.html ## trains a U-Net on the synthetic pairs and compares it with the real arm
	@$(call say,eval: done; the report is $(report)/report.html)
endif

$(R)/stage1/generator.h5: | $(ready)
	@$(call say,stage1: training the DCGAN on the masks of $(PAIRS) -> $(run)/stage1)
	@$(train_stage1)

$(R)/masks.h5: $(R)/stage1/generator.h5 | $(ready)
	@$(call say,stage1: drawing masks -> $(run)/masks.h5)
	@$(call script,stage1_dcgan.generate,--model=$(at)/stage1 --out=$(at)/masks.h5 $(call optional,masks))

$(R)/photo_masks.done: $(R)/unet-real/weights.h5 | $(ready)
	@$(call say,stage2: segmenting $(PHOTOS) -> $(run)/photo_masks)
	@rm -rf $(at)/photo_masks
	@$(call script,unet_eval.segment,--model=$(at)/unet-real --images=$(photos) --out=$(at)/photo_masks)
	@touch $(at)/photo_masks.done

$(R)/stage2/generator.h5: $(if $(PHOTOS),$(R)/photo_masks.done) | $(ready)
	@$(call say,stage2: training pix2pix on $(or $(PHOTOS),$(PAIRS)) -> $(run)/stage2)
	@$(call fresh,stage2,photo_masks.done)
	@$(call train_stage2,$(if $(PHOTOS),--photos=$(photos) --photo_masks=$(at)/photo_masks))

$(R)/synthetic.h5: $(R)/masks.h5 $(R)/stage2/generator.h5 | $(ready)
	@$(call say,stage2: rendering the masks -> $(run)/synthetic.h5)
	@$(call script,stage2_pix2pix.generate,--model=$(at)/stage2 --masks=$(at)/masks.h5 --out=$(at)/synthetic.h5)

$(R)/rendered.h5: $(R)/stage2/generator.h5 | $(ready)
	@$(call say,rendered: rendering the real training masks -> $(run)/rendered.h5)
	@$(call script,stage2_pix2pix.generate,--model=$(at)/stage2 --out=$(at)/rendered.h5)

$(R)/phantom.h5: | $(ready) $(first)
	@$(call say,phantom: drawing procedural pairs -> $(run)/phantom.h5)
	@$(python) -m data.phantom_pairs --kind=$(if $(filter bu_bil:%,$(PAIRS)),cells,retina) --out=$(at)/phantom.h5

$(R)/single/generator.h5: | $(ready) $(first)
	@$(call say,single: training one GAN on the photographs of $(PAIRS) -> $(run)/single)
	@$(call script,stage1_dcgan.train,--draw=photographs --pairs=$(pairs) --out=$(at)/single $(call flagfile,single))

$(R)/single.h5: $(R)/single/generator.h5 | $(ready)
	@$(call say,single: drawing photographs -> $(run)/single.h5)
	@$(call script,stage1_dcgan.generate,--model=$(at)/single --out=$(at)/single.h5)

checkpoints/$(name)-cells/synthetic.h5: | $(ready) $(first)
	@$(call say,cells: both stages on the second data set $(CELLS) -> $(run)-cells)
	@$(MAKE) --no-print-directory stage1 stage2 RUN=$(call quote,$(RUN)-cells) CONFIG=cells \
	  PAIRS=$(call quote,$(CELLS)) PHOTOS= FLAGS=

# ------------------------------------------------------------------------------------------------ the U-Nets
# $(call store,ARM[.K]): the file of made pairs that an arm is trained on; the real arm has none.
store = $(if $(filter synthetic% real+%,$(1)),synthetic,$(filter rendered phantom,$(basename $(1))))
.SECONDEXPANSION:
.PRECIOUS: $(R)/unet-%/weights.h5

$(R)/unet-%/weights.h5: $$(addprefix $(R)/,$$(addsuffix .h5,$$(call store,$$*))) | $(ready) \
  $$(if $$(filter-out real,$$*),$$(first))
	@$(call say,unet-$*: training the U-Net on $(if $(call store,$*),$(run)/$(call store,$*).h5,$(PAIRS)) -> $(run)/unet-$*)
	@$(if $(call store,$*),$(call fresh,unet-$*,$(call store,$*).h5))
	@$(call train_unet,$*,$(patsubst %,--synthetic=$(at)/%.h5,$(call store,$*)))

unet-%: $(R)/unet-%/weights.h5 ## trains the U-Net of one arm and what it needs, for example unet-real+synthetic
	@$(call say,unet-$*: done; weights in $(run)/unet-$*)

# What `make evidence` trains: arms and their number of seeds, from FLAGS or the preset's evidence.flags.
comma := ,
flag_of = $(or $(lastword $(patsubst --$(1)=%,%,$(filter --$(1)=%,$(FLAGS)))),$(shell \
  sed -n 's/^--$(1)=//p' $(call quote,$(config)/evidence.flags) 2>/dev/null))
arms := $(subst $(comma), ,$(or $(call flag_of,arms),real$(comma)synthetic))
repeats := $(shell seq -f .%g 1 $$(($(or $(call flag_of,seeds),1) - 1)))
nets = $(foreach arm,$(arms),$(R)/unet-$(arm)$(1)/weights.h5)

evaluate = $(call say,eval: measuring the arms on the test images of $(PAIRS) -> $(report)); \
  $(call script,unet_eval.evaluate,--run=$(at) --pairs=$(pairs) --photos=$(photos) \
  --reports=$(call quote,$(report)) --second=$(if $(wildcard $(second)),$(call quote,$(run)-cells)))

reports/$(name)/report.html: $(R)/unet-real/weights.h5 $(R)/unet-synthetic/weights.h5 | $(ready)
	@$(evaluate)

evidence: $(R)/evidence.done ## every experiment of the paper with error bars: all arms, several seeds, single GAN, cells
	@$(call say,evidence: done; the report is $(report)/report.html)

second := $(if $(filter bu_bil:%,$(PAIRS)),,checkpoints/$(name)-cells/synthetic.h5)

$(R)/evidence.done: $(call nets) $(R)/single.h5 $(second) \
  $(foreach k,$(repeats),$(call nets,$(k))) | $(ready)
	@$(evaluate)
	@touch $(at)/evidence.done

figures: $(R)/unet-real/weights.h5 $(R)/unet-synthetic/weights.h5 | $(ready) ## measures again, draws figures and report anew
	@$(evaluate)

# ------------------------------------------------------------------------------------------------ the others
SWEEP ?=
no_sweep = SWEEP='$(SWEEP)' is no file; there are: $(wildcard configs/sweeps/*)
sweep_make := $(MAKE)# a recipe that names MAKE itself is run by make -n too
swept:
	$(if $(shell ls $(call quote,$(SWEEP)) 2>/dev/null),,$(error $(no_sweep)))
	$(if $(config),,$(error $(no_config)))

sweep: | swept .venv ## trains the grid of flags in SWEEP, one run each, and ranks them by validation F1
	@exec $(python) -m unet_eval.sweep --sweep=$(call quote,$(SWEEP)) --config=$(call quote,$(CONFIG)) \
	  --pairs=$(pairs) --photos=$(photos) --flags=$(call quote,$(FLAGS)) --make=$(call quote,$(sweep_make))

tensorboard: | .venv ## shows every run's losses, pictures and metrics in a browser
	@$(python) -m tensorboard.main --logdir checkpoints

test: .venv/installed-dev ## runs the tests; FLAGS goes to pytest
	@$(python) -m pytest $(FLAGS)

lint: .venv/installed-dev ## checks the style
	@$(python) -m ruff check . $(FLAGS)

bench: | .venv ## times one training step of each network; FLAGS="--network=unet --size=256 --batch=4 --base=32"
	@$(python) -m tests.bench $(FLAGS)

clean: | named ## removes checkpoints/$(RUN) and reports/$(RUN), nothing else
	@rm -rf $(call quote,$(run)) $(call quote,$(report))
	@$(call say,clean: removed $(run) and $(report))
