"""``python -m analysis.compare``: runs beside the published tables and claims."""

from disentgen.report.compare import main
from disentgen.streams import run_command

if __name__ == "__main__":
    run_command(main)
