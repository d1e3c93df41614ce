"""Train a ground-truth decoder, from the values of the factors to the image.

Named configs: dataset.<name>, model.<architecture>; print_named_configs lists them. Factors enter
as they are; dataset.factor_scale=standardised gives them in standard deviations from their mean.
"""

from configs.bumps import BUMP_DECODERS, BUMP_TRAINING
from configs.decoders import DECODERS
from configs.training import GENERATION
from experiments.experiment import TrainingExperiment
from ingredients.dataset import dataset_ingredient
from ingredients.model import model_ingredient
from ingredients.training import training_ingredient

FAMILY = "decoder"

experiment = TrainingExperiment(
    "decoders",
    FAMILY,
    [
        dataset_ingredient(FAMILY),
        model_ingredient(FAMILY, DECODERS | BUMP_DECODERS, required="decoder"),
        training_ingredient(FAMILY, GENERATION | BUMP_TRAINING, **GENERATION["generation"]),
    ],
)

if __name__ == "__main__":
    experiment.run_commandline()
