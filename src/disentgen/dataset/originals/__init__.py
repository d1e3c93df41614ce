"""Published files of datasets: where they lie, checks, conversion, download, export."""
