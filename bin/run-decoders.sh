#!/usr/bin/env bash
# The decoders runs of Montero et al. 2021, 11; finished ones are skipped, interrupted ones go on.
# Options: --dry-run (print the command lines, with notes on what is uncertain about them),
# --smoke (a few iterations each), --seeds N, --jobs N (at a time), --dataset NAME, --model NAME,
# --control, --with SETTINGS…
set -euo pipefail
[ -z "${DISENTGEN_DATA:-}" ] || export DISENTGEN_DATA=$(realpath -m "$DISENTGEN_DATA")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin/setup.sh
python=$(realpath -s "${VENV:-.venv}/bin/python")
cd scripts
exec "$python" -m experiments.sweep decoders --study montero2021 "$@"
