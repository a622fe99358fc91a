"""Personal data: hidden before it is stored, found where nobody declared it."""
