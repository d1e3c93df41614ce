"""The experiments: each a row of facts around one body."""

import warnings

# Raised when Sacred is imported; setuptools is pinned to a release that still has pkg_resources.
warnings.filterwarnings("ignore", "pkg_resources is deprecated")
