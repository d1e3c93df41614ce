#!/usr/bin/env bash
# Format, lint, types and tests. Options go to pytest: bin/test.sh -m slow
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin/setup.sh "[test]"
run=${VENV:-.venv}/bin
"$run/ruff" format --check .
"$run/ruff" check .
"$run/mypy"
# A process for each core, one thread each: threads of several processes get in each other's way.
OMP_NUM_THREADS=1 "$run/python" -m pytest --numprocesses auto --dist worksteal "$@"
