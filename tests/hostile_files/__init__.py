"""Hostile and clean files, made when they are needed, each with what must become of it."""
