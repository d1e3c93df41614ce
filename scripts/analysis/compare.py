"""``python -m analysis.compare``: runs beside the published tables and claims."""

from disentgen.analysis.compare import main

if __name__ == "__main__":
    main()
