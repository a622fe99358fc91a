"""An audit trail that shows whether it was tampered with."""
