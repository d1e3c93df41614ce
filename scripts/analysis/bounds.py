"""``python -m analysis.bounds``: what metrics say of perfect codes and of noise."""

from disentgen.analysis.bounds import main

if __name__ == "__main__":
    main()
