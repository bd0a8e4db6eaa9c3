"""Single-thread AArch64 VMSA litmus tests, in the format of the herdtools7 catalogue.

`read_test` parses a file, `translate` makes a scenario of it, `judge` holds the final states that
an exploration found against the test's condition.
"""
