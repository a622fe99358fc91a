"""Neural networks: one description, one way to train and one graph to answer with, for every framework that computes them."""
