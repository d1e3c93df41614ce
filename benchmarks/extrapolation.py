"""How long published runs would take at rates that were measured for a minute or less."""

from collections.abc import Mapping

from disentgen.studies.montero2021.rows import DECODER_ITERATIONS, ENTRIES
from gpu_catalogue import STEADY
from results import Result

#: Images that a published run on dSprites has seen, by what is trained: 30 epochs, and iterations
#: of 64.
IMAGES = {
    "β-VAE": 22e6,
    "FactorVAE": 22e6,
    "decoder": 64 * DECODER_ITERATIONS["dsprites"],
}


def extrapolate(results: Mapping[str, Result]) -> dict[str, float]:
    """Hours by what would take them: published runs, and all their cells; training alone.

    Args:
        results: by program; of one that was measured for longer too, that counts.
    """
    loops = {
        name.removesuffix(STEADY): result.figures["images_per_second"] / result.copies
        for name, result in results.items()
        if "loop" in name and name + STEADY not in results
    }
    hours = {}
    for name, rate in loops.items():
        images = IMAGES[name.partition(", ")[2].partition(",")[0]]
        hours[f"{images / 1e6:.1f} M images in each run of {name}"] = images / rate / 3600
    cells = list_cells()
    for execution in ("captured", "compiled", "eager"):
        rates = [loops.get(f"loop {execution}, {work}") for work in cells]
        seconds = [IMAGES[work] / rate for work, rate in zip(cells, rates, strict=True) if rate]
        if len(seconds) == len(cells):
            what = f"the {len(cells)} cells of dSprites, one after another, {execution}"
            hours[what] = sum(seconds) / 3600
    return hours


def list_cells() -> list[str]:
    """What each published cell of dSprites trains; its VAEs count as kim's, as decoders do."""
    kinds = {"disent": "β-VAE", "decoders": "decoder"}
    return [
        "FactorVAE" if row.model.startswith("FactorVAE") else kinds[row.experiment]
        for row in ENTRIES
        if row.dataset == "dsprites" and row.experiment in kinds
    ]
