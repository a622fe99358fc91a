"""The report of a drift check as a page: one HTML file that needs nothing else."""
