# Every target sets up what it needs in .venv; nothing is installed elsewhere.
VENV := .venv
BIN := $(VENV)/bin
# The first of these that is Python 3.11 or 3.12 (a shim may exist without its Python, so each is asked).
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && { echo $$p; break; }; done)
DEMO := out/quickstart

.PHONY: demo demo-pretrain demo-mine test check format fuzz slow effects cluster benchmark damages clean

$(VENV)/core: pyproject.toml
	@test -n "$(PYTHON)" || { echo "xlcorpus needs Python 3.11 or 3.12; name it: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/pretrain: $(VENV)/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[pretrain]"
	touch $@

$(VENV)/mine: $(VENV)/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[mine]"
	touch $@

$(VENV)/test: $(VENV)/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@

demo: $(VENV)/core  ## the sample corpus, from raw files to a mixture
	$(BIN)/xlcorpus run quickstart --output $(DEMO) --overwrite --workers 2
	@echo; echo "next: $(BIN)/xlcorpus inspect $(DEMO)/mix"

PRETRAIN := out/demo-pretrain
SAMPLE := $(BIN)/python -c "from xlcorpus.sample import sample_folder; print(sample_folder() / 'tokenizer.model')"
demo-pretrain: $(VENV)/pretrain  ## sentences and their romanisation, a tiny model trained on them, before and after: 5 minutes
	$(BIN)/xlcorpus run quickstart --output $(DEMO) --resume --quiet --workers 2 > /dev/null
	$(BIN)/xlcorpus romanize $(DEMO)/dedup --view translico --share 1 --output $(PRETRAIN)/pairs --overwrite --quiet > /dev/null
	$(BIN)/xlcorpus pack $(DEMO)/dedup --objective mlm --tokenizer $$($(SAMPLE)) --length 96 --holdout 20% --output $(PRETRAIN)/packed --overwrite --quiet > /dev/null
	$(BIN)/xlcorpus pack $(PRETRAIN)/pairs --view translico --tokenizer $$($(SAMPLE)) --length 96 --holdout $(PRETRAIN)/packed/holdout --output $(PRETRAIN)/pairs-packed --overwrite --quiet > /dev/null
	$(BIN)/xlcorpus pretrain quickstart --output $(PRETRAIN)/begun --set steps=0 --overwrite --quiet
	$(BIN)/xlcorpus pretrain quickstart --output $(PRETRAIN)/model --overwrite
	for model in begun model; do $(BIN)/xlcorpus evaluate $(PRETRAIN)/$$model --overwrite --output $(PRETRAIN)/$$model-evaluated \
		--bits $(PRETRAIN)/packed/holdout --retrieval $(PRETRAIN)/pairs-packed/holdout --layers 1 || exit 1; done
	@echo; echo "curves: $(PRETRAIN)/model/curves.svg; model card: $(PRETRAIN)/model/README.md"

demo-mine: $(VENV)/mine  ## words of Serbian in two scripts, out of the sample corpus and its tiny language model: two minutes
	$(BIN)/xlcorpus run quickstart --output $(DEMO) --resume --quiet --workers 2 > /dev/null
	$(BIN)/xlcorpus mine-words $(DEMO)/dedup --pair srp_Cyrl:srp_Latn --output out/demo-mine/words --overwrite \
		--llm transformers:$$($(SAMPLE) | xargs dirname)/serbian-lm --queries 300 --rounds 0 --new-tokens 14 --llm-batch 64
	@echo; echo "next: $(BIN)/xlcorpus lexicon inspect out/demo-mine/words"

test: $(VENV)/test  ## everything that a commit must pass
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/test  ## lint, types and the fast tests, before every commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not cluster and not slow and not effects and not process"

format: $(VENV)/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

SECONDS ?= 300
fuzz: $(VENV)/test  ## CPU minutes in every parser and the command line, every regular expression and tokenizer kind attacked: an hour
	$(BIN)/python -m tests.fuzz.patterns
	$(BIN)/python -m tests.tokenizer.odd_strings --strings 100000
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --jobs 2

slow: $(VENV)/test  ## load tests and many kills: some minutes
	$(BIN)/python -m pytest -m slow

effects: $(VENV)/test  ## what methods are worth: trains what has no result yet, an arm at a time (hours), and makes docs/effects.md
	$(BIN)/python -m tests.effects
	$(BIN)/python -m tests.effects.page

cluster: $(VENV)/test  ## Spark, Flink and Prism on this machine (needs Java 17, Maven, Go)
	$(BIN)/python -m tests.cluster.engines.install
	$(BIN)/python -m pytest -m cluster tests/cluster

benchmark: $(VENV)/test
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.romanize

damages: $(VENV)/test  ## 1,000 random damages to inputs, shards, manifests and models: is each noticed? (2 minutes)
	$(BIN)/python -m benchmarks.damages

clean:
	rm -rf $(VENV) build dist *.egg-info out
