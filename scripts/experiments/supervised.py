"""Train an encoder on the true factors: from the image to their values or classes.

Named configs: dataset.<name>, model.<architecture>; print_named_configs lists them. Factor values
are in standard deviations from their mean (dataset.factor_scale=raw takes them as they are). The
protocol is that of Montero et al. 2022, "Lost in Latent Space" (NeurIPS 2022);
training.classification is that of Camposampiero et al. 2025, with model.heads=classes.
"""

from configs.backbones import BACKBONES
from configs.cnnvae import ENCODERS
from configs.training import INFERENCE
from experiments.experiment import TrainingExperiment
from ingredients.dataset import dataset_ingredient
from ingredients.model import model_ingredient
from ingredients.training import training_ingredient

FAMILY = "encoder"

experiment = TrainingExperiment(
    "supervised",
    FAMILY,
    [
        dataset_ingredient(FAMILY, factor_scale="standardised"),
        model_ingredient(FAMILY, ENCODERS | BACKBONES),
        training_ingredient(FAMILY, INFERENCE, **INFERENCE["inference"]),
    ],
)

if __name__ == "__main__":
    experiment.run_commandline()
