"""What runs in AWS's own scikit-learn container instead of ours."""
