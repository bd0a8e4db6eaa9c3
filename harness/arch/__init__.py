"""The architecture's facts as data: registers, descriptors, features, syndromes.

Nothing here decides anything: the walk is in `harness.vmsa`, the builder in `harness.tables`.
"""
