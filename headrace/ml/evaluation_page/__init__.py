"""The evaluation of a model as a page: one HTML file that needs nothing else."""
