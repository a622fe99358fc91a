"""Freezes all accepted data in one snapshot, as the function of that name does, on many machines."""
