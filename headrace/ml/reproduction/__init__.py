"""Whether a model that was made again is the one that was made before."""
