"""The reference model over whole arrays of descriptors, in NumPy.

One descriptor of a translation becomes a variable; registers, access and all other memory stay as
they are. What a descriptor is and where it leads is computed for the whole array, by the functions
of `harness.vmsa.descriptor` that the scalar walk calls. What follows from its attributes is asked
of the scalar model, once for each combination of the bits that count, and looked up from then on:
there is no second definition of any rule.
"""

from harness.vmsa.vectorised.descriptors import DescriptorArray
from harness.vmsa.vectorised.outcomes import FAULT_KINDS, NO_LEVEL, NONE, Outcomes
from harness.vmsa.vectorised.verdicts import GoesOn, Refused, Verdict
from harness.vmsa.vectorised.words import Words

__all__ = [
    "FAULT_KINDS",
    "NONE",
    "NO_LEVEL",
    "DescriptorArray",
    "GoesOn",
    "Outcomes",
    "Refused",
    "Verdict",
    "Words",
]
