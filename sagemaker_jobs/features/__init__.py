"""What is learned from the training rows before the estimator: steps, how they follow each other, and their registry."""
