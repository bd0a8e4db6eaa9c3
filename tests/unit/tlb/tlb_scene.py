"""One PE on the tables of `vmsa_machine`, told what happens and asked what is permitted.

Levels 1, 2 and 3 are walked for `VA`; the page is at OUTPUT. Answers are words: the physical
address in hex, or the kind of the fault and its level.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmsa_machine import LEAF, MAIR, OUTPUT, PAGE, SCTLR, TABLES, TCR, VA, make_access

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import Feature, Profile
from harness.arch.implementation import Implementation
from harness.vmsa.outcome import Fault
from harness.vmsa.tlb.choice import Choice
from harness.vmsa.tlb.model import TranslationModel

OLD, NEW = f"{OUTPUT + VA:#x}", f"{OUTPUT + 0x1000 + VA:#x}"
NEW_LEAF = LEAF + 0x1000
UNMAPPED = "translation 3"
OTHER_TABLE = 0x4000
"""A second level 3 table."""
BBM2 = Implementation(bbm_level=2, bbm_no_abort=True)
FEATURES = frozenset({Feature.HAFDBS, Feature.BBM, Feature.TTL, Feature.TLBIRANGE})
HA, HD = 1 << 39, 1 << 40


class Scene:
    """State and memory, both moving on."""

    def __init__(
        self,
        *features: Feature,
        leaf: int = LEAF,
        tcr: int = 0,
        asid: int = 0,
        choices: Implementation = BBM2,
        **registers: int,
    ) -> None:
        self.words = {
            TABLES[1]: TABLES[2] | PAGE,
            TABLES[2]: TABLES[3] | PAGE,
            TABLES[3]: leaf,
            OTHER_TABLE: NEW_LEAF,
        }
        self.model = TranslationModel(Profile("test", FEATURES | frozenset(features), 48, choices))
        self.state = self.model.initial(
            {
                "SCTLR_EL1": SCTLR,
                "TCR_EL1": TCR + tcr,
                "MAIR_EL1": MAIR,
                "TTBR0_EL1": TABLES[1] | asid << 48,
                "TTBR1_EL1": TABLES[1],
                **registers,
            }
        )

    def without(self, feature: Feature) -> Scene:
        """Take a feature away."""
        profile = self.model.profile
        self.model = TranslationModel(replace(profile, features=profile.features - {feature}))
        return self

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return a word of memory, 0 where none was given."""
        return self.words.get(address, 0)

    def store(self, address: int, value: int, *, atomic: bool = False) -> Scene:
        """Store a descriptor."""
        old = self.words.get(address, 0)
        self.words[address] = value
        self.state = self.model.after_store(self.state, address, old, value, atomic=atomic)
        return self

    def does(self, *instructions: str, operand: int | None = None) -> Scene:
        """Execute maintenance; TLBIs by address name the page of VA unless `operand` is given."""
        for instruction in instructions:
            if instruction == "isb":
                self.state = self.model.after_isb(self.state)
            elif instruction.startswith("dsb"):
                self.state = self.model.after_dsb(self.state, instruction)
            else:
                value = VA >> 12 if operand is None else operand
                self.state = self.model.after_tlbi(self.state, instruction, value)
        return self

    def msr(self, register: str, value: int) -> Scene:
        """Write a register."""
        self.state = self.model.after_msr(self.state, register, value)
        return self

    def choices(self, kind: str = "read", va: int = VA, **access: Any) -> tuple[Choice, ...]:  # noqa: ANN401 - any field
        """Return what is permitted."""
        return self.model.permitted(self.state, self, make_access(va, kind, **access))

    def answers(self, kind: str = "read", va: int = VA, **access: Any) -> list[str]:  # noqa: ANN401 - any field
        """Return the permitted answers, the present one first."""
        return list(dict.fromkeys(answer(each) for each in self.choices(kind, va, **access)))

    def takes(self, choice: Choice) -> Scene:
        """Let an access take one of its choices."""
        for address, value in choice.memory_updates:
            self.words[address] = value
        self.state = self.model.choose(self.state, choice)
        return self


def answer(choice: Choice) -> str:
    """Return an outcome as a word."""
    outcome = choice.outcome
    if not isinstance(outcome, Fault):
        return f"{outcome.pa:#x}"
    return outcome.kind.value if outcome.level is None else f"{outcome.kind.value} {outcome.level}"


def complete(tlbi: str) -> tuple[str, ...]:
    """Return a TLBI with everything around it that makes it certain."""
    return ("dsb ish", tlbi, "dsb ish", "isb")
