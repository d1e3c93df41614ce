#!/usr/bin/env bash
# A sweep in the project's environment, which is set up first: what the scripts of the studies call.
# bin/sweep.sh EXPERIMENT --study NAME, and the options of experiments.sweep
set -euo pipefail
[ -z "${DISENTGEN_DATA:-}" ] || export DISENTGEN_DATA=$(realpath -m "$DISENTGEN_DATA")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin/setup.sh
python=$(realpath -s "${VENV:-.venv}/bin/python")
cd scripts
exec "$python" -m experiments.sweep "$@"
