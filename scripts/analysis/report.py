"""``python -m analysis.report``: tables, figures and a page about all runs."""

from disentgen.report.page import main
from disentgen.streams import run_command

if __name__ == "__main__":
    run_command(main)
