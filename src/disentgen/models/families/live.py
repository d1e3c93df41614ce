"""Models that are objects of a program: trained by it, and not built from a configuration."""
