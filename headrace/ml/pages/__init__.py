"""What all of our pages are made of: markup, style, axes, figures as people read them."""
