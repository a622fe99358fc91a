"""Steps of your own, one file each, named like the step; docs/features.md says how to write one."""
