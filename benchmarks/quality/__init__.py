"""How good models of public data are, each made by the whole pipeline."""
