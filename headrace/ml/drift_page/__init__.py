"""The report of a drift check as a page: one HTML file that needs nothing else."""

from headrace.ml.drift_page.page import render_page

__all__ = ["render_page"]
