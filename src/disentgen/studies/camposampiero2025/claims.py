"""The study's claims, as far as its known numbers have them.

All are decided by joint accuracy on held-out images. From one rung of the ladder to the next not
only c changes: thresholds do, and with them the share of the grid that is trained on.
"""

from disentgen.studies.camposampiero2025.rows import EXPERIMENT, FACTORS
from disentgen.studies.claims import Claim, Kind
from disentgen.studies.rows import Row

NO_MARGIN = "an order has no margin"
LADDER_REMARK = (
    "thresholds and the share of the grid that is trained on change with c, so that an order of "
    "rungs is no effect of c alone (matched_c1 to matched_c5 keep the share)"
)
#: Networks that learn what they are trained on by the published numbers.
LEARNERS = ("resnet18", "densenet121", "ed")


def list_claims() -> tuple[Claim, ...]:
    """All claims, by number."""
    return (
        claim_rungs("0", "accuracy rises from c = 0 to c = 1", "dsprites", (0, 1), ("resnet18",)),
        claim_rungs("1", "accuracy rises from c = 1 to c = 2", "dsprites", (1, 2), LEARNERS),
        claim_rungs("1", "accuracy rises from c = 1 to c = 2", "shapes3d", (1, 2), LEARNERS),
        *(claim_separate(dataset) for dataset in FACTORS),
        claim_rungs("3", "the ladder is not monotone: accuracy falls from c = 3 to c = 4",
                    "mpi3d", (3, 4), ("resnet18",), rises=False),
    )  # fmt: skip


def claim_rungs(
    number: str,
    text: str,
    dataset: str,
    rungs: tuple[int, ...],
    networks: tuple[str, ...],
    rises: bool = True,
) -> Claim:
    """That joint accuracy rises, or falls, along the ladder, for every network.

    Args:
        number: of the claim.
        text: what is claimed.
        dataset: on which.
        rungs: c, in the claimed order.
        networks: names of architectures.
        rises: whether it is claimed to rise.
    """
    cells = [(c, network) for c in rungs for network in networks]
    quantity = "held-out joint accuracy over that of the rung before"
    return make_claim(number, text, dataset, "ordering", cells, rises, quantity, LADDER_REMARK)


def claim_separate(dataset: str) -> Claim:
    """That a network of its own for each factor is more accurate than one for all, at c = 1."""
    text = "a network for each factor (ED) beats one ResNet-18 at c = 1"
    cells = [(1, "ed"), (1, "resnet18")]
    quantity = "held-out joint accuracy over ResNet-18's"
    remark = "ED has a ResNet-18 for each factor, so several times the weights, and another readout"
    return make_claim("2", text, dataset, "best", cells, True, quantity, remark)


def make_claim(
    number: str,
    text: str,
    dataset: str,
    kind: Kind,
    cells: list[tuple[int, str]],
    above: bool,
    quantity: str,
    remark: str,
) -> Claim:
    """A claim about ratios of joint accuracy.

    Args:
        number: of the claim.
        text: what is claimed.
        dataset: on which.
        kind: of comparison.
        cells: c and network of each row that it needs.
        above: whether ratios are claimed to be above 1.
        quantity: that is compared with it.
        remark: what the claim cannot show.
    """
    return Claim(
        number=number,
        text=text,
        dataset=dataset,
        kind=kind,
        cells=tuple(Row(EXPERIMENT, dataset, f"orthotopic_c{c}", network) for c, network in cells),
        score="joint_accuracy",
        bound=1.0,
        above=above,
        quantity=quantity,
        reason=NO_MARGIN,
        remark=remark,
    )
