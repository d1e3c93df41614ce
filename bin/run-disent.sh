#!/usr/bin/env bash
# The disent runs of Montero et al. 2021, 66; finished ones are skipped, interrupted ones go on.
# Options: --dry-run (print the command lines, with notes on what is uncertain about them),
# --smoke (a few iterations each), --status, --seeds N, --jobs N (at a time), --dataset NAME,
# --model NAME, --control, --control-only, --retry, --engine NAME, --with SETTINGS…
set -euo pipefail
bin=$(dirname "${BASH_SOURCE[0]}")
# Slurm runs a copy of a script that is elsewhere.
[ -x "$bin/sweep.sh" ] || bin=$(git -C "${SLURM_SUBMIT_DIR:-.}" rev-parse --show-toplevel)/bin
exec "$bin/sweep.sh" disent --study montero2021 "$@"
