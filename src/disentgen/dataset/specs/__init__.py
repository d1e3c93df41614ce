"""One module for each dataset; each exports ``SPECS``."""
