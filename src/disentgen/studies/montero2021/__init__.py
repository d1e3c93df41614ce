"""The published study: its rows, how each was trained, and how they are run one after the other.

Montero et al., The Role of Disentanglement in Generalisation, ICLR 2021.
"""

from disentgen.studies.montero2021.protocols import load_protocols
from disentgen.studies.montero2021.rows import TABLE, Entry, Row

__all__ = ["TABLE", "Entry", "Row", "load_protocols"]
