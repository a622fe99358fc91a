"""Simulated releases: how often equal models are told apart, and how soon different ones are."""
