"""The parts of `make bench-drift`. Each module has a function ``measure`` that returns its figures."""
