#!/usr/bin/env bash
# The published study's composition runs; finished ones are skipped, interrupted ones go on.
# Options: --dry-run (print the command lines), --smoke (a few iterations each), --seeds N,
# --dataset NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin/setup.sh
python=$(realpath -s "${VENV:-.venv}/bin/python")
cd scripts
exec "$python" -m disentgen.study composition "$@"
