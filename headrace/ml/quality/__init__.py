"""How good a model is in production: estimated while there are no labels, measured when they come."""
