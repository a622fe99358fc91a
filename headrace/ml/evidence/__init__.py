"""Evidence that a model is sound: leaks, folds, learning curves, a verdict, and what its answers rest on."""
