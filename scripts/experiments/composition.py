"""Train a composer: an image, with one factor taken from another image.

Named configs: dataset.<name>, model.<architecture>, training.<loss>; print_named_configs lists
them. model.mixer is linear, interpolation or mlp. Pairs are drawn inside a side of the split;
factors that are fixed on a side cannot be exchanged there, and the results name them.
"""

from configs.cnnvae import ARCHITECTURES
from configs.training import LOSSES
from experiments.study import StudyExperiment, git_state_is_readable
from ingredients.dataset import dataset_ingredient
from ingredients.model import model_ingredient
from ingredients.training import training_ingredient

FAMILY = "composer"

experiment = StudyExperiment(
    "composition",
    ingredients=[
        dataset_ingredient(FAMILY),
        model_ingredient(FAMILY, ARCHITECTURES),
        # 10,000 pairs an epoch and 100 batches of validation, as published.
        training_ingredient(FAMILY, LOSSES, epoch_length=156, validation_images=6_400),
    ],
    save_git_info=git_state_is_readable(),
)
experiment.trains(FAMILY)

if __name__ == "__main__":
    experiment.run_commandline()
