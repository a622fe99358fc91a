"""Whether a new model takes over: what its answers and their labels say, however often one looks."""
