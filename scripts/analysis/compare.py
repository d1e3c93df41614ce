"""``python -m analysis.compare``: runs beside the published tables and claims."""

from disentgen.report.compare import main

if __name__ == "__main__":
    main()
