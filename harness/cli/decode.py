"""`mmu-harness decode`: the fields of a register, syndrome or descriptor, and what it means."""

from __future__ import annotations

import argparse
import json
import re
import sys

from harness.arch.descriptors import DescriptorType, OutputFormat
from harness.arch.pstate import PSTATE
from harness.arch.registers import REGISTERS
from harness.cli.decoded import Decoded, decode_register
from harness.cli.decoded_descriptor import DescriptorRequest, decode_descriptor
from harness.cli.decoded_text import render
from harness.cli.numbers import parse_number
from harness.errors import ExitCode, ValueSyntaxError

DESCRIPTION = """Show every field of a value with the manual's names, positions and meanings, the
reserved bits that are set, and a sentence on the whole.

KIND is `descriptor`, `pstate`, a register by the manual's name in any case (TCR_EL1, HCR_EL2,
ID_AA64MMFR0_EL1), or short for one of EL1: esr, far, mair, par, pir, por, sctlr, spsr, tcr, tcr2,
ttbr; hcr, vtcr and vttbr are EL2's. VALUE is a number: 0x…, 0b… or decimal, underscores allowed."""

EXAMPLE = """  mmu-harness decode esr 0x96000046
  mmu-harness decode TCR_EL1 0x5_00_3510_b519
  mmu-harness decode descriptor 0x00e8000199600704 --level 2 --granule 4K"""

SHORT_NAMES = {
    "esr": "ESR_EL1",
    "far": "FAR_EL1",
    "hcr": "HCR_EL2",
    "mair": "MAIR_EL1",
    "par": "PAR_EL1",
    "pir": "PIR_EL1",
    "por": "POR_EL1",
    "sctlr": "SCTLR_EL1",
    "spsr": "SPSR_EL1",
    "tcr": "TCR_EL1",
    "tcr2": "TCR2_EL1",
    "ttbr": "TTBR0_EL1",
    "vtcr": "VTCR_EL2",
    "vttbr": "VTTBR_EL2",
}
_AS_OLD_KERNELS_PRINT = re.compile(r"[0-9]{8}|[0-9]{16}")
_BY_LOWER_NAME = {name.lower(): name for name in REGISTERS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("kind", metavar="KIND", help="descriptor, pstate, or a register's name")
    parser.add_argument("value", metavar="VALUE", help="0x…, 0b… or decimal")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    registers = parser.add_argument_group("registers")
    registers.add_argument(
        "--e2h", action="store_true", help="the form that an EL2 register has while E2H is 1"
    )
    registers.add_argument("--d128", action="store_true", help="the 128-bit form (FEAT_D128)")
    place = parser.add_argument_group("descriptors")
    place.add_argument("--level", type=int, choices=range(-1, 4), help="lookup level, -1 to 3")
    place.add_argument("--granule", default="4K", help="4K, 16K or 64K (default: %(default)s)")
    place.add_argument("--stage", type=int, choices=(1, 2), default=1, help="default: 1")
    place.add_argument(
        "--format",
        choices=[each.value for each in OutputFormat if each is not OutputFormat.D128],
        default=OutputFormat.VMSA48.value,
        help="how the descriptor holds its address (default: %(default)s)",
    )
    place.add_argument(
        "--as",
        dest="shown_as",
        choices=[each.value for each in DescriptorType if each is not DescriptorType.INVALID],
        help="read the bits as this type, whatever bits 1:0 say",
    )
    place.add_argument(
        "--indirect", action="store_true", help="permissions by PIIndex (FEAT_S1PIE, FEAT_S2PIE)"
    )
    place.add_argument("--overlay", action="store_true", help="POIndex is used (FEAT_S1POE)")


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Decode, print, and return 0: what a value means is never a finding."""
    decoded = _decode(arguments)
    if arguments.json:
        print(json.dumps(decoded.document(), indent=2))
    else:
        print(render(decoded))
    return ExitCode.EXPECTED


def _decode(arguments: argparse.Namespace) -> Decoded:
    kind = str(arguments.kind).lower()
    if kind == "descriptor":
        if arguments.level is None:
            raise ValueSyntaxError("a descriptor means something at a level only: add --level")
        request = DescriptorRequest.parse(
            granule=arguments.granule,
            level=arguments.level,
            stage=arguments.stage,
            output=arguments.format,
            shown_as=arguments.shown_as,
            indirect=arguments.indirect,
            overlay=arguments.overlay,
        )
        return decode_descriptor(parse_number(arguments.value), request)
    if kind == "pstate":
        return decode_register(PSTATE, parse_number(arguments.value))
    name = _BY_LOWER_NAME.get(SHORT_NAMES.get(kind, kind).lower())
    if name is None:
        raise ValueSyntaxError(
            f"nothing is called {arguments.kind!r}: KIND is descriptor, pstate or a register "
            f"({', '.join(SHORT_NAMES)}, {', '.join(REGISTERS)})"
        )
    return _decode_named(name, arguments)


def _decode_named(name: str, arguments: argparse.Namespace) -> Decoded:
    register = REGISTERS[name]
    if arguments.e2h and register.layout_e2h is None:
        raise ValueSyntaxError(f"{name} has the same form whether E2H is 1 or 0")
    if arguments.d128 and register.layout_d128 is None:
        raise ValueSyntaxError(f"{name} has no 128-bit form")
    layout = register.layout
    if arguments.d128 and register.layout_d128 is not None:
        layout = register.layout_d128
    elif arguments.e2h and register.layout_e2h is not None:
        layout = register.layout_e2h
    value = parse_number(arguments.value, layout.width)
    if name.startswith("ESR_") and _AS_OLD_KERNELS_PRINT.fullmatch(arguments.value):
        print(
            f"mmu-harness: {arguments.value} is read as decimal; old kernels print ESR in "
            f"hexadecimal without 0x: did you mean 0x{arguments.value}?",
            file=sys.stderr,
        )
    return decode_register(layout, value)
