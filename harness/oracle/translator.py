"""The Translator protocol: something that answers cases. The reference model is one."""

from __future__ import annotations

from typing import Protocol

from harness.cases import Answer, Case, Unsupported
from harness.errors import UnsupportedError
from harness.memory import WordMemory
from harness.vmsa.translate import Mmu


class Translator(Protocol):
    """Answers one case after the other; each case is a machine of its own."""

    @property
    def name(self) -> str:
        """What answers, with its version where it has one."""
        ...

    def answer(self, case: Case) -> Answer:
        """Return the outcome of the case's access, or why this translator cannot tell."""
        ...


class ModelTranslator:
    """The reference model, as a translator."""

    name = "reference model"

    def answer(self, case: Case) -> Answer:
        """Return what the architecture says of the case, with the choices its profile states."""
        if case.refused:
            return Unsupported(f"{', '.join(case.refused)} is not modelled")
        try:
            mmu = Mmu(case.profile, case.registers, case.regime)
            return mmu.translate(WordMemory(case.memory), case.access)
        except UnsupportedError as error:
            return Unsupported(str(error))
