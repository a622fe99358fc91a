"""Writes a fitted pipeline as one ONNX graph from typed cells to answers, in double precision throughout."""
