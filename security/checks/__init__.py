"""Checks of the synthesised stacks: by packs of rules that others keep, and by rules of our own."""
