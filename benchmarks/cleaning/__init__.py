"""What cleaning a large CSV file costs, beside the same steps in pandas."""
