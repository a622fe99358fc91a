"""What `make bench-serving` is made of: the data, the servers that are compared, and the load."""
