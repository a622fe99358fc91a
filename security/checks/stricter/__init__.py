"""Stricter rules of our own, each in place of rules of packs that cannot see what makes a resource right."""
