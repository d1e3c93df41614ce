#!/usr/bin/env bash
# Trains a FactorVAE on dSprites with one combination of factors held out, prints its scores and
# draws its reconstructions: a few minutes on two cores. Options go to the experiment, such as
#     bin/quickstart.sh seed=2 training.epochs=10
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin/setup.sh
venv=$(cd "${VENV:-.venv}" && pwd)

# A tenth of the published learning rate's iterations, at ten times the rate: enough to see
# something, not to compare with published scores.
cd scripts
exec "$venv/bin/python" -m experiments.disent with \
    dataset.dsprites dataset.variant=leave1out model.kim training.factor \
    training.loss.params.gamma=10 training.lr=1e-3 training.epochs=6 training.epoch_length=200 \
    training.validation_images=1000 training.score_images=2000 seed=1 "$@"
