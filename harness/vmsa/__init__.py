"""The reference model: what the architecture says of one access, as a function of plain values."""
