"""A user's own file as a dataset: what is in it, its factor grid, its images as they are kept."""
