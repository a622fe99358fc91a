"""Measurements; each ends with one line of JSON."""
