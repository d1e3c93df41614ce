"""Montero et al. 2021: generalisation to held-out combinations, whatever the disentanglement.

``rows`` says what was trained, ``claims`` what is claimed; ``tables`` holds the published numbers
and ``protocols.json`` the whole configuration of every row.
"""

from pathlib import Path

from disentgen.studies.montero2021.claims import list_claims
from disentgen.studies.montero2021.rows import ENTRIES
from disentgen.studies.study import Study

FOLDER = Path(__file__).parent
BIBTEX = """\
@inproceedings{montero2021role,
  title     = {The Role of Disentanglement in Generalisation},
  author    = {Montero, Milton Llera and Ludwig, Casimir J. H. and Costa, Rui Ponte and
               Malhotra, Gaurav and Bowers, Jeffrey S.},
  booktitle = {International Conference on Learning Representations},
  year      = {2021},
  url       = {https://openreview.net/forum?id=qbH974jKUVy},
}
"""

STUDY = Study(
    name="montero2021",
    title="Montero et al. 2021",
    citation="Montero et al., The Role of Disentanglement in Generalisation, ICLR 2021",
    bibtex=BIBTEX,
    entries=ENTRIES,
    protocols=FOLDER / "protocols.json",
    published=(FOLDER / "tables" / "dsprites.csv", FOLDER / "tables" / "shapes3d.csv"),
    claims=list_claims(),
)
