"""A descriptor decoded: its bits as one type, and what hardware and kernels make of it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.descriptors import DescriptorType, OutputFormat, View, descriptor_layout
from harness.arch.descriptors import fields as descriptor_fields
from harness.arch.fault_status import describe_fault
from harness.arch.faults import FaultKind
from harness.arch.granule import Granule
from harness.cli.decoded import Decoded, rows_of
from harness.encodings.registry import encoding
from harness.errors import ValueSyntaxError
from harness.vmsa.descriptor import address_format, address_of, classify

_KERNELS = ("linux-7.0", "linux-7.0.1")
_RULE = "AArch64.DecodeDescriptorType"


@dataclass(frozen=True, slots=True)
class DescriptorRequest:
    """Where the descriptor lies, and as what its bits are to be shown (None: as hardware does)."""

    view: View
    shown_as: DescriptorType | None

    @classmethod
    def parse(
        cls,
        *,
        granule: str,
        level: int,
        stage: int,
        output: str,
        shown_as: str | None,
        indirect: bool,
        overlay: bool,
    ) -> DescriptorRequest:
        """Return the request of the command line; ValueSyntaxError for what cannot be."""
        try:
            view = View(
                Granule.from_label(granule), level, stage, OutputFormat(output), indirect, overlay
            )
            request = cls(view, DescriptorType(shown_as) if shown_as else None)
        except ValueError as error:
            raise ValueSyntaxError(str(error)) from None
        if request.shown_as and not view.allows(request.shown_as):
            raise ValueSyntaxError(
                f"no {request.shown_as.value} descriptor exists at level {level} "
                f"({granule.upper()} granule, {output})"
            )
        return request


def decode_descriptor(value: int, request: DescriptorRequest) -> Decoded:
    """Return the fields of `value`, and what hardware and two kernels make of it."""
    view = request.view
    to_hardware = hardware_type(value, view)
    shown_as = request.shown_as or to_hardware
    if shown_as is DescriptorType.INVALID:
        shown_as = would_be(value, view)
    layout = descriptor_layout(view, shown_as)
    says = {name: _kernel_says(name, value, view) for name in _KERNELS if view.stage == 1}
    hardware = _hardware_says(value, view, to_hardware)
    sentences = [("Hardware", hardware)]
    if shown_as is not to_hardware:
        sentences.append((f"Its bits as a {shown_as.value}", _effect(value, view, shown_as)))
    return Decoded(
        value,
        layout.width,
        layout.name,
        layout.long_name,
        rows_of(layout, value),
        (*sentences, *says.items()),
        {
            "level": view.level,
            "granule": view.granule.label,
            "stage": view.stage,
            "format": view.output.value,
            "hardware": {"type": to_hardware.value, "meaning": hardware, "rule": _RULE},
            "shown_as": shown_as.value,
            "address": f"{_address(value, view, shown_as):#x}",
            "encodings": says,
        },
    )


def hardware_type(value: int, view: View) -> DescriptorType:
    """Return what the reference model takes the descriptor for."""
    return classify(
        value,
        view.level,
        view.granule,
        ds=view.output is OutputFormat.LPA2,
        pa_bits=view.output.address_bits,
    )


def would_be(value: int, view: View) -> DescriptorType:
    """Return the type that bit 1 and the level give an Invalid descriptor's other bits."""
    if view.allows(DescriptorType.PAGE):
        return DescriptorType.PAGE
    is_block = not descriptor_fields.TYPE_TABLE.get(value) and view.allows(DescriptorType.BLOCK)
    return DescriptorType.BLOCK if is_block else DescriptorType.TABLE


def _address(value: int, view: View, shown_as: DescriptorType) -> int:
    form = address_format(
        view.granule,
        ds=view.output is OutputFormat.LPA2,
        lpa=view.output is OutputFormat.LPA,
        d128=False,
    )
    address = address_of(value, form)
    if shown_as is DescriptorType.BLOCK:
        address &= -view.granule.level_size(view.level)
    return address


def _hardware_says(value: int, view: View, to_hardware: DescriptorType) -> str:
    if to_hardware is not DescriptorType.INVALID:
        return f"{to_hardware.value.capitalize()}: it {_effect(value, view, to_hardware)}"
    fault = describe_fault(FaultKind.TRANSLATION, view.level)
    if descriptor_fields.VALID.get(value):
        why = f"bits 1:0 are 0b{value & 3:02b}, which is reserved at level {view.level}"
    else:
        why = "bit 0 is clear, and hardware ignores all other bits"
    return f"Invalid: {why}. An access takes a {fault} ({_RULE})."


def _effect(value: int, view: View, shown_as: DescriptorType) -> str:
    address = _address(value, view, shown_as)
    if shown_as is DescriptorType.TABLE:
        return f"points to the table of level {view.level + 1} at {address:#x}."
    size = _size(view.granule.level_size(view.level))
    if descriptor_fields.AF.get(value):
        return f"maps {size} at {address:#x}."
    return f"maps {size} at {address:#x}; AF is clear, so an access faults unless HA is on."


def _size(size: int) -> str:
    """Return `2M` or `512G`; the smallest descriptor maps 4K, the largest 4T."""
    power = (size.bit_length() - 1) // 10
    return f"{size >> 10 * power}{' KMGT'[power]}"


def _kernel_says(name: str, value: int, view: View) -> str:
    suffix = "-lpa2" if view.output is OutputFormat.LPA2 else ""
    return encoding(name + suffix).describe(value, view.level, view.granule)
