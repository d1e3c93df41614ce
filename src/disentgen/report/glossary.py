"""What the report's words mean: the one place that pages and documentation take them from."""

import html
import re
from collections.abc import Mapping

#: A sentence for each term, in the order in which a reader needs them.
GLOSSARY: Mapping[str, str] = {
    "run": "One training with one seed, and the folder that holds all that it left.",
    "cell": (
        "All runs that differ in nothing but seed, device, threads, place of the data or how they "
        "are scored."
    ),
    "side": "The images that a split puts in one place: train, validation or held out.",
    "held in": "Combinations of factor values that a model may see while it is trained.",
    "held out": "Combinations of factor values that a model never sees before it is scored.",
    "recombination to element": (
        "Held out are a few combinations whose parts were each seen, singly and in most pairs: "
        "ellipses at some sizes and orientations in one corner."
    ),
    "recombination to range": (
        "Held out is one value of a factor together with a whole range of another: squares on the "
        "right, though other shapes were seen there and squares on the left."
    ),
    "extrapolation": "Held out is a range of a factor that was never seen: the right-hand side.",
    "own split": "Held out is what an expression of the user's says, not a published variant.",
    "stand-in": (
        "Images drawn from a dataset's factor values in place of the published files; scores on "
        "them are no results on the original data."
    ),
    "NLL": (
        "Negative log-likelihood of an image given the posterior mean of its latents, in nats per "
        "image: the reconstruction error."
    ),
    "entropy floor": (
        "The entropy of the pixels themselves, taken as probabilities: no model's NLL is below it; "
        "0 for black and white images."
    ),
    "excess": "NLL less the entropy floor: what a model could still gain.",
    "control": (
        "A run of the same configuration and seed that was trained on all images, for as many "
        "steps, and is scored on the same sides."
    ),
    "gap to control": "NLL of held-out images less that of the control on the same images.",
    "stratum": (
        "Cells on one split of one dataset with one experiment and architecture, which differ in "
        "objective or its strength."
    ),
    "PSNR": "Peak signal-to-noise ratio of reconstructions, in dB, by pytorch-ignite.",
    "SSIM": "Structural similarity of reconstructions to images, at most 1, by pytorch-ignite.",
    "ELBO": (
        "Evidence lower bound: the mean log-likelihood of sampled latents less their KL divergence "
        "from the prior."
    ),
    "IW-NLL": "NLL by importance sampling with K samples of the latents: closer than minus ELBO.",
    "active units": "Latents whose posterior mean varies over images, by a variance above 0.01.",
    "code": "The posterior mean of an image's latents, or what an encoder says of its factors.",
    "disentanglement": (
        "Whether each latent stands for one factor alone: DCI by lasso, from 0 to 1, called D in "
        "tables; it means nothing where the informativeness is near 0."
    ),
    "informativeness": "The share of the factors' variance that the lasso finds in the codes.",
    "UDR": "How alike the latents of runs are that differ in their seed alone, from 0 to 1.",
    "metric ceiling": "What a metric says of the factors themselves as codes.",
    "metric floor": "What a metric says of noise with as many latents as the model has.",
}

#: Tags, and elements whose content is no running text.
_ELEMENTS = re.compile(
    r"<(style|script|title|pre|abbr)\b.*?</\1>|<[^>]*>",
    re.DOTALL | re.IGNORECASE,
)


def _plain(term: str) -> str:
    """A term as it is looked up: ``Held-out`` is ``held out``."""
    return re.sub(r"[\s-]+", " ", term.lower())


#: Any term in a text, of several that begin at one place the longest; in singular or plural.
_TERMS = re.compile(
    r"(?<![\w-])("
    + "|".join(
        re.escape(_plain(term)).replace(r"\ ", r"[\s-]")
        for term in sorted(GLOSSARY, key=len, reverse=True)
    )
    + r")s?(?!\w)",
    re.IGNORECASE,
)


def define_terms(page: str) -> str:
    """Mark the first use of every term in a page by ``<abbr>`` with the term's sentence.

    Args:
        page: HTML, whole or a part of it. Elements whose content is no running text stay as they
            are.
    """
    missing = {_plain(term): sentence for term, sentence in GLOSSARY.items()}

    def define(match: re.Match[str]) -> str:
        sentence = missing.pop(_plain(match[1]), None)
        if sentence is None:
            return match[0]
        return f'<abbr title="{html.escape(sentence)}">{match[0]}</abbr>'

    parts, place = [], 0
    for element in _ELEMENTS.finditer(page):
        parts += [_TERMS.sub(define, page[place : element.start()]), element[0]]
        place = element.end()
        if not missing:
            return "".join([*parts, page[place:]])
    return "".join([*parts, _TERMS.sub(define, page[place:])])
