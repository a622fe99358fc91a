"""Answers ``GET /ping`` and ``POST /invocations`` with a trained model."""
