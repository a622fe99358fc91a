"""What an evaluation says of a model beyond its metrics."""
