"""Camposampiero et al. 2025: how many factors at once may take values that are rare in training.

``rows`` says what was trained, ``claims`` what is claimed; ``tables`` holds the published numbers
and ``protocols.json`` the whole configuration of every row.
"""

from pathlib import Path

from disentgen.studies.camposampiero2025.claims import list_claims
from disentgen.studies.camposampiero2025.rows import ENTRIES
from disentgen.studies.study import Study

FOLDER = Path(__file__).parent
BIBTEX = """\
@inproceedings{camposampiero2025,
  author    = {Camposampiero, Giacomo and Barbiero, Pietro and Hersche, Michael and
               Wattenhofer, Roger and Rahimi, Abbas},
  title     = {Scalable Evaluation and Neural Models for Compositional Generalization},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2025},
}
"""

STUDY = Study(
    name="camposampiero2025",
    title="Camposampiero et al. 2025",
    citation=(
        "Camposampiero et al., Scalable Evaluation and Neural Models for Compositional "
        "Generalization, NeurIPS 2025"
    ),
    bibtex=BIBTEX,
    entries=ENTRIES,
    protocols=FOLDER / "protocols.json",
    published=(FOLDER / "tables" / "accuracies.csv",),
    claims=list_claims(),
)
