"""Cleans one large file."""
