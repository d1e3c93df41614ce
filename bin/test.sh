#!/usr/bin/env bash
# Format, lint, types and tests. Options go to pytest: bin/test.sh -m slow
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin/setup.sh "[test]"
run=${VENV:-.venv}/bin
if ! command -v chromedriver >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # For the test of the report's page, which is skipped where there is no browser.
    apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null ||
        echo "Chromium cannot be installed: the report's page is not tested." >&2
fi
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # For the tests of runs in a database, which are skipped where there is no server.
    apt-get update -qq && apt-get install -y -qq postgresql >/dev/null ||
        echo "PostgreSQL cannot be installed: runs in it are not tested." >&2
fi
"$run/ruff" format --check .
"$run/ruff" check .
"$run/mypy"
# A process for each core, one thread each: threads of several processes get in each other's way.
OMP_NUM_THREADS=1 "$run/python" -m pytest --numprocesses auto --dist worksteal "$@"
