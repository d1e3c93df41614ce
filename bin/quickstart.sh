#!/usr/bin/env bash
# Trains a FactorVAE on dSprites with one combination of factors held out, prints its scores and
# draws its reconstructions: about three minutes on two cores, once everything is installed.
# Settings go to the experiment, such as
#     bin/quickstart.sh seed=2 training.epochs=20
set -euo pipefail
[ -z "${DISENTGEN_DATA:-}" ] || export DISENTGEN_DATA=$(realpath -m "$DISENTGEN_DATA")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin/setup.sh
venv=$(cd "${VENV:-.venv}" && pwd)

# Far fewer iterations than the study's, at ten times its learning rate, with a smaller
# discriminator: enough to see what happens, not to compare with published scores.
cd scripts
exec "$venv/bin/python" -m experiments.disent with \
    dataset.dsprites dataset.variant=leave1out model.kim training.factor \
    training.loss.params.gamma=10 training.loss.params.discriminator_units=200 \
    training.batch_size=64 training.lr=1e-3 training.epochs=8 training.epoch_length=200 \
    training.validation_images=1000 training.score_images=2000 seed=1 "$@"
