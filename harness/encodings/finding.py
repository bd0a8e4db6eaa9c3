"""What came of holding an encoding to the properties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.arch.descriptors import DescriptorType, descriptor_layout
from harness.encodings.definition import Encoding, Hardware
from harness.encodings.form import Form
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property


class Result(StrEnum):
    """Of one property at one place, as `--json` spells it."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Method(StrEnum):
    """How far the result reaches."""

    CHECK = "check"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class Moment:
    """A descriptor of a counterexample, and what everyone takes it for."""

    label: str
    place: Place
    value: int
    meant: Hardware | None
    """What software has it for, where it has an opinion."""
    stale: bool = False
    """No TLBI stands between the entry before it and this one."""

    @property
    def hardware(self) -> Hardware:
        """What hardware takes it for."""
        return self.place.hardware_of(self.value)

    @property
    def true(self) -> tuple[str, ...]:
        """The predicates that are true for it."""
        answers = self.place.meaning.true_of(self.value)
        return tuple(name for name, answer in answers.items() if answer)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the descriptor that are not 0, as `name=contents`."""
        view = self.place.form.view(self.place.level)
        shape = DescriptorType.TABLE
        if view.allows(DescriptorType.PAGE):
            shape = DescriptorType.PAGE
        elif not self.value & 2 and view.allows(DescriptorType.BLOCK):
            shape = DescriptorType.BLOCK
        layout = descriptor_layout(view, shape)
        return tuple(
            f"{part.name}={part.get(self.value):#x}" for part in layout if part.get(self.value)
        )


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The smallest descriptor of which a claim is not true, and what happens to it."""

    claim: Claim
    place: Place
    value: int

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The scenes of the claim, of this descriptor."""
        return tuple(
            Moment(
                scene.label,
                scene.place or self.place,
                scene.value(self.value),
                scene.meant,
                scene.stale,
            )
            for scene in self.claim.scenes
        )

    @property
    def is_broken(self) -> bool:
        """Whether the claim is false of the descriptor as a plain number."""
        return not self.claim.holds(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One property at one place. `counterexamples`: one of every claim that does not hold."""

    property: Property
    place: Place
    result: Result
    claims: int
    counterexamples: tuple[Counterexample, ...] = ()
    undecided: tuple[str, ...] = ()
    """Claims that the prover did not decide in its time."""


@dataclass(frozen=True, slots=True)
class Report:
    """Every property at every place of an encoding. `values`: how many of each place were tried."""

    encoding: Encoding
    method: Method
    findings: tuple[Finding, ...]
    seconds: float
    values: int = 0

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that fail."""
        return tuple(one for one in self.findings if one.result is Result.FAILS)

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """The findings of which nothing is known."""
        return tuple(one for one in self.findings if one.result is Result.UNKNOWN)


def places(
    encoding: Encoding,
    properties: Sequence[Property],
    forms: Sequence[Form] = (),
    levels: Sequence[int] = (),
) -> Iterator[tuple[Property, Place, tuple[Claim, ...]]]:
    """Yield each property with each place where it says something, and what it says."""
    for form in forms or encoding.forms:
        for level in form.levels:
            if levels and level not in levels:
                continue
            place = Place(encoding, form, level)
            for one in properties:
                claims = tuple(one.claims(place))
                if claims:
                    yield one, place, claims
