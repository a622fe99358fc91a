"""Varies training rows, so that a model does not learn what does not matter. Pure: columns and a generator in, columns out."""
