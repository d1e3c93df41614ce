"""The checkout that experiments are run from."""

import subprocess
from pathlib import Path


def git_state_is_readable() -> bool:
    """Sacred stops where it cannot read the repository: without git, or before a first commit."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
