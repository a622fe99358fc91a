"""Trains a model on the parts ``train`` and ``validation`` of a snapshot."""
