"""What scripts import of Glue's own library, as far as it can be had without Glue's Java."""
