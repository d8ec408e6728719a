# The one list of commands, for people and for CI. `make` alone shows it. No target needs an activated environment.

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
BIN     := .venv/bin
PORT    ?= 8000

export PATH := $(CURDIR)/$(BIN):$(PATH)

RNNLIB   := $(shell find rnnlib -name '*.py')
DRAWING  := book/figures/style.py book/figures/language.py book/figures/cells.py
FIGURES  := $(patsubst %.py,%.svg,$(filter-out $(DRAWING),$(wildcard book/figures/*.py)))
CHAPTERS := _config.yml _toc.yml $(wildcard exercises/*/*.ipynb) $(shell find book -type f ! -name '*.svg' ! -path '*/__pycache__/*') $(wildcard book/_static/*.svg)

# The course's matrices are small: several BLAS threads, beside other processes, make them many times slower.
test book check-book grade pictures experiments grader-proof attacks: export OPENBLAS_NUM_THREADS ?= 1
test book check-book: export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help course test setup exercises book pdf check-book serve lab grade figures pictures bench bench-ladder bench-grading bench-gpu experiments grader-proof attacks lint format lock clean
.DELETE_ON_ERROR:

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

course: setup exercises book grade  ## everything: set up, release the exercises, build the book, grade the sample class
	@echo
	@echo "The course is ready:"
	@echo "  book          $(CURDIR)/_build/html/index.html   (make serve)"
	@for f in exercises/*/*.ipynb; do echo "  exercise      $(CURDIR)/$$f   (make lab)"; done
	@echo "  grades        $(CURDIR)/_build/sample-class/grades.csv"
	@echo "  class report  $(CURDIR)/_build/sample-class/report/01-rnn.html"
	@for f in _build/sample-class/feedback/*/*/*.html; do echo "  feedback      $(CURDIR)/$$f"; done

test: setup lint  ## run every test
	pytest -n 2 --dist loadgroup

setup: .venv/.installed  ## make .venv from requirements.txt, with rnnlib editable

.venv/.installed: requirements.txt pyproject.toml setup.py $(wildcard rnnlib/fast/*.c)
	@for p in $(PYTHONS); do \
	    if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$p; break; fi; done; \
	if [ -z "$$python" ]; then echo "No Python 3.11 or newer was found (tried: $(PYTHONS)). Install one, then run make again."; exit 1; fi; \
	echo "Setting up .venv with $$($$python --version): $$(grep -c == requirements.txt) packages, a minute or more"; \
	$$python -m venv .venv || { echo "The module venv is missing or broken; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

exercises: setup  ## generate exercises/ from solutions/
	rnngrader exercises

book: _build/.book  ## execute and build the book into _build/html
	@echo "The book is in $(CURDIR)/_build/html/index.html"

_build/.book: .venv/.installed _build/.rnnlib $(FIGURES) $(CHAPTERS)
	jupyter-book build . -W -n --keep-going --path-output . || { rm -rf _build/.doctrees; exit 1; }
	@touch $@

# Neither the execution cache nor Sphinx notices a change in rnnlib, in a result that a page shows or in the code of a
# ladder or an experiment: a change makes both forget. After a failed build Sphinx forgets too, or the next would pass over what failed.
_build/.rnnlib: .venv/.installed $(RNNLIB) $(wildcard benchmarks/ladder*.py benchmarks/results/*.json experiments/*.py experiments/results/*.json)
	@rm -rf _build/.jupyter_cache _build/.doctrees
	@mkdir -p _build
	@touch $@

figures: setup $(FIGURES)  ## draw the book's figures

book/figures/%.svg: book/figures/%.py $(wildcard $(DRAWING)) .venv/.installed
	python $<

pdf: book  ## the whole book as _build/book.pdf (needs Chromium and a font with Chinese characters)
	python -m tests.book.pdf

# One after the other, since two of them measure time. What is slow is in files that `make test` does not collect.
check-book: setup _build/node/.installed  ## prove the book's quality: axe, Lighthouse, PDF, speed (minutes; needs Chromium, npm)
	CI=true pytest -s -p no:cacheprovider tests/book/check_speed.py tests/book/check_lighthouse.py \
	    tests/book/check_pdf.py tests/book/check_axe.py

_build/node/.installed: tests/book/node/package.json tests/book/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing, which brings Lighthouse; on Debian: apt-get install nodejs npm"; exit 1; }
	@mkdir -p _build/node
	cp $^ tests/book/node/.npmrc _build/node/
	npm ci --prefix _build/node --no-audit --no-fund
	@touch $@

serve: book  ## show the book on localhost (PORT=8000)
	python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: setup  ## open JupyterLab with nbgrader
	jupyter lab

grade: setup exercises  ## autograde the sample class; `rnngrader grade 01-rnn` grades your own
	rnngrader sample-class

pictures: book grade  ## take the README's pictures again (needs Chromium)
	python -m tests.book.readme_pictures

bench: setup  ## time rnnlib beside torch; writes benchmarks/results/ (minutes; wants a machine with nothing else to do)
	python -m benchmarks.speed

bench-ladder: setup  ## walk cuDNN's ladder of optimisations in numpy; writes benchmarks/results/ (3 minutes; an idle machine)
	python -m benchmarks.ladder_cpu

bench-gpu: setup  ## walk it in torch on a GPU; without one it says so, and writes nothing
	python -m benchmarks.ladder_gpu

experiments: setup  ## run the papers' experiments whose results are missing or of other code (hours; goes on after a stop)
	python -m experiments

bench-grading: setup  ## time grading beside stock nbgrader; writes benchmarks/results/ (minutes; wants the machine alone)
	python -m benchmarks.grading

grader-proof: setup  ## count what the checks catch, name and let through; writes benchmarks/results/ (minutes)
	python -m benchmarks.grader_proof

# With all that fuzzing has; `make test` takes some rows of each kind and fewer examples.
attacks: setup  ## every attack on the grader, here and under stock nbgrader; writes benchmarks/results/ (an hour)
	ATTACKS=all pytest -n 0 tests/rnngrader/test_attacks.py \
	    tests/rnngrader/test_bridge.py tests/rnngrader/test_submission.py
	python -m benchmarks.beside_stock
	pytest -n 0 tests/benchmarks/test_attacks_beside_stock.py

lint: setup  ## check style and formatting
	ruff check .
	ruff format --check .

format: setup  ## format the code
	ruff check --fix .
	ruff format .

lock: setup  ## resolve requirements.in into requirements.txt again
	python -m pip install --quiet uv==0.13.9
	{ echo "# Generated from requirements.in by \`make lock\`; do not edit. For Linux, macOS and Windows, Python 3.11 and newer."; \
	  uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --no-annotate --no-header requirements.in; \
	} > requirements.new && mv requirements.new requirements.txt

clean:  ## remove all that was built; .venv and a real class's files stay
	rm -rf _build .pytest_cache .ruff_cache book/figures/*.svg
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
