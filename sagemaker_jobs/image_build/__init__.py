"""What runs while the image is built."""
