#!/usr/bin/env bash
# A shortened study, to see how everything works: dSprites, three conditions, VAE, β-VAE 8, FactorVAE 50
# with 1,500 iterations of 64 images (published: 342,000 to 346,000; FactorVAE half as many of 128)
# at ten times the published learning rate, two seeds, and as many controls; ground-truth decoders
# trained in full (20,000 iterations), three seeds and as many controls. Several hours on two cores.
# Finished runs are skipped, interrupted ones go on. Options: --dry-run, --smoke
set -euo pipefail
[ -z "${DISENTGEN_DATA:-}" ] || export DISENTGEN_DATA=$(realpath -m "$DISENTGEN_DATA")
cd "$(dirname "${BASH_SOURCE[0]}")"
models=(--model VAE --model "β-VAE 8" --model "FactorVAE 50")
protocol=(
    training.epochs=6 training.epoch_length=250 training.batch_size=64 training.lr=1e-3
    training.validation_images=1000 training.score_images=5000
)
[[ " $* " != *" --smoke "* ]] || protocol=()
common=(--dataset dsprites --jobs "$(nproc)" "$@")
failed=0  # one failing cell leaves the others to be run
./run-disent.sh "${common[@]}" "${models[@]}" --seeds 2 --with "${protocol[@]}" || failed=1
./run-decoders.sh "${common[@]}" --seeds 3 || failed=1
./run-disent.sh "${common[@]}" "${models[@]}" --seeds 2 --control --with "${protocol[@]}" || failed=1
./run-decoders.sh "${common[@]}" --seeds 3 --control || failed=1
exit "$failed"
