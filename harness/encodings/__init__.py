"""What kernels mean by descriptor bits: states, predicates, operations, attribute names."""
