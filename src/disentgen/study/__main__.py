"""Run the published study: ``python -m disentgen.study``, inside ``scripts``."""

from disentgen.study.sweep import main

if __name__ == "__main__":
    main()
