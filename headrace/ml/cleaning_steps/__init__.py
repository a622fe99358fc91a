"""Steps that change the cells of a block before they are typed: one module each, found by the step's name."""
