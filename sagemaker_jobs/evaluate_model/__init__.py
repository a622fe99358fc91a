"""Measures a new model, and the one in service, on rows that neither has seen."""
