"""Rules that no pack has. Each is a function that yields what is wrong; its name is the rule's."""
