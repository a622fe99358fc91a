"""Estimators of your own, one class in one file each; docs/estimators.md says how to write one."""
