"""Pure machine learning: cleaning, splitting, metrics, gates, drift. No cloud, no environment, no clock."""
