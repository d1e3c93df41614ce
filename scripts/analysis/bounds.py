"""``python -m analysis.bounds``: what metrics say of perfect codes and of noise."""

from disentgen.analysis.bounds import main
from disentgen.streams import run_command

if __name__ == "__main__":
    run_command(main)
