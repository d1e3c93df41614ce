"""``python -m analysis.report``: tables, figures and a page about all runs."""

from disentgen.report.page import main

if __name__ == "__main__":
    main()
