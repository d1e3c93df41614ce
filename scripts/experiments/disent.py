"""Train a Latent Gaussian Model with combinations of factors held out.

Named configs: dataset.<name>, model.<architecture>, training.<loss>; print_named_configs lists
them, dataset.show, model.show and training.show explain them. resume=<id or path> goes on with an
interrupted run, resume=auto with the newest of the whole command line, or starts one.
"""

from configs.cnnvae import ARCHITECTURES
from configs.training import CONSISTENT, LOSSES, PAIRED
from experiments.experiment import TrainingExperiment
from ingredients.dataset import dataset_ingredient
from ingredients.model import model_ingredient
from ingredients.training import training_ingredient

FAMILY = "lgm"

experiment = TrainingExperiment(
    "disent",
    FAMILY,
    [
        dataset_ingredient(FAMILY),
        model_ingredient(FAMILY, ARCHITECTURES),
        training_ingredient(FAMILY, LOSSES | PAIRED | CONSISTENT),
    ],
)

if __name__ == "__main__":
    experiment.run_commandline()
