"""Reads dropped files, whatever they are, as blocks of text cells: never more than a few megabytes at a time."""
