"""What a kernel does to its live tables: the steps of its operations, by the rules of an encoding.

Each operation is a generator of steps (stores of descriptors, maintenance). Who drives it carries
out a step before asking for the next one: `perform` on memory, a run's injections on a machine.
"""

from harness.operations.catalogue import operate, operations_of
from harness.operations.steps import KernelTables, Maintain, Overlooked, Performed, Store, perform

__all__ = [
    "KernelTables",
    "Maintain",
    "Overlooked",
    "Performed",
    "Store",
    "operate",
    "operations_of",
    "perform",
]
