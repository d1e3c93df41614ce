"""NLL alone."""

from torch import Tensor

from disentgen.models.outputs import Output
from disentgen.training.losses.base import Loss, Terms
from disentgen.training.schedules import Step


class NLL(Loss):
    """NLL alone, for models without latents: ground-truth decoders, supervised encoders."""

    name = "nll"
    title = "NLL"
    counts_kl = False
    judges = Output

    def forward(self, output: Output, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        return {"loss": cost, **terms}


LOSSES = (NLL,)
