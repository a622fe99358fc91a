"""The whole loop on real data."""
