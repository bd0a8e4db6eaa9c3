"""Both assemblers, what they are checked for, and what no snippet may say."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.arch.addresses import VirtualAddress
from harness.errors import AssemblyError, EngineMissingError, Location
from harness.machine import keystone_assembler
from harness.machine.assembler import assemble_file, assemble_text
from harness.machine.keystone_assembler import KeystoneAssembler
from harness.machine.listing import Item, ItemKind, make_listing, split_output
from harness.machine.preprocessor import preprocess
from harness.machine.source import Statement

ROOT = Path(__file__).parents[2]
BASE = VirtualAddress(0xFFFF_8000_0800_0000)
NOP, RET = 0xD503201F, 0xD65F03C0

needs_gnu = pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-as") is None,
    reason="aarch64-linux-gnu-as is not installed: apt install binutils-aarch64-linux-gnu",
)


@pytest.fixture(params=["keystone", "gnu"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each assembler in turn; GNU as is skipped where it is not installed."""
    name: str = request.param
    if name == "gnu" and shutil.which("aarch64-linux-gnu-as") is None:
        pytest.skip("aarch64-linux-gnu-as is not installed: apt install binutils-aarch64-linux-gnu")
    return name


def words(code: bytes) -> list[int]:
    return [int.from_bytes(code[i : i + 4], "little") for i in range(0, len(code), 4)]


def error_of(text: str, engine: str | None = "keystone") -> str:
    with pytest.raises(AssemblyError) as caught:
        assemble_text(text, BASE, file="s.S", assembler=engine)
    return str(caught.value)


SAME_BYTES = {
    "branches both ways": "a: b c\n nop\nb: cbz x0, a\n tbnz x1, #40, c\nc: b.ne b\n bl a\n",
    "branches after data": "a: nop\n .long 1, 2\n .quad a\nb: b a\n bl c\n .word 3\nc: ret\n",
    "conditions without a dot": "a: beq a\n bne a\n b.hs a\n",
    "a branch to here": "nop\n b .\n b .+8\n nop\n",
    "addresses of labels": "a: adr x0, c\n ldr x1, c\n adr x2, a\nc: .quad a, c\n",
    "literal pools": "ldr x0, =0x1122334455667788\n ldr w1, =5\n ldr x2, =a\na: ret\n",
    "a literal pool in the middle": "ldr x0, =7\n b c\n .ltorg\nc: ldr x1, =7\n ret\n",
    "numeric labels": "1: nop\n b 1b\n b 1f\n b 2f\n1: nop\n2: b 1b\n",
    "data of every size": ".byte 1, -1\n.hword 2\n.balign 4\n.word 3\n.quad 4\n.xword 5\n.int 6\n",
    "text and space": (
        '.asciz "a;b//c"\n.ascii "x\\n"\n.space 3\n.fill 2, 2, 9\n.fill 3\n.skip 1, 7\n.zero 0\n'
        ".balign 4\nnop\n"
    ),
    "alignment": "nop\n.align 4\nret\n.balign 64\nnop\n.p2align 3\nret\n",
    "constants": ".equ A, 3\n.set B, A << 4\nC = B | 1\nmov x0, #A\n mov x1, #C\n",
    "repetition": ".rept 3\nnop\n.endr\n.irp r, x1, x2\nadd \\r, \\r, #1\n.endr\n",
    "conditions": ".if 0\nnop\n.else\nret\n.endif\n.ifdef X\nnop\n.endif\n",
    "macros": ".macro m a, b=4\nadd \\a, \\a, #\\b\nl\\@: cbz \\a, l\\@\n.endm\nm x0\nm x1, 8\n",
    "comments": "# one\nnop // two\n/* three\n */ ret; nop\n",
    "system instructions": (
        "dc zva, x0\n tlbi vaae1, x0\n tlbi vmalle1is\n dsb ishst\n isb\n eret\n svc #1\n"
        "mrs x0, esr_el1\n msr ttbr0_el1, x0\n at s1e1r, x0\n"
        "msr daifset, #2\n msr S3_0_C2_C0_2, x0\n"
    ),
    "pairs, exclusives, unprivileged": (
        "stp x1, x2, [x0], #16\n ldp q0, q1, [x0, #-32]!\n ldxr x0, [x1]\n stlxr w0, x1, [x2]\n"
        "ldtr x0, [x1, #8]\n sttrb w0, [x1]\n ldr x0, [x1, w2, sxtw #3]\n"
    ),
}


@needs_gnu
@pytest.mark.parametrize("text", SAME_BYTES.values(), ids=SAME_BYTES)
def test_both_assemblers_give_the_same_bytes_symbols_and_lines(text: str) -> None:
    keystone = assemble_text(text, BASE, assembler="keystone")
    gnu = assemble_text(text, BASE, assembler="gnu")
    assert keystone.code.hex() == gnu.code.hex()
    assert (keystone.symbols, keystone.lines) == (gnu.symbols, gnu.lines)
    assert keystone.code


@needs_gnu
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["b", "bl", "cbz x3,", "b.le", "tbz x1, #5,", "adr x2,", "ldr x4,"]),
            st.integers(0, 7),
            st.sampled_from(["", ".long 7\n", ".quad 1\n", ".rept 3\nnop\n.endr\n", ".align 5\n"]),
        ),
        min_size=8,
        max_size=8,
    )
)
def test_both_assemblers_agree_on_references_between_labels(
    statements: list[tuple[str, int, str]],
) -> None:
    text = "".join(
        f"l{index}: {mnemonic} l{target}\n{data}"
        for index, (mnemonic, target, data) in enumerate(statements)
    )
    keystone = assemble_text(text, BASE, assembler="keystone")
    gnu = assemble_text(text, BASE, assembler="gnu")
    assert keystone.code.hex() == gnu.code.hex()


def test_symbols_are_the_labels_at_their_addresses(engine: str) -> None:
    program = assemble_text("a: nop\nb:\n.Lhidden: c: ret\n1: nop\nend:", BASE, assembler=engine)
    assert program.symbols == {"a": BASE, "b": BASE + 4, "c": BASE + 4, "end": BASE + 12}
    assert program.label(BASE + 8) == "c+0x4"


def test_the_line_table_has_every_statement_with_its_place(engine: str) -> None:
    program = assemble_text(
        "nop\n\n.byte 1, 2 ; .balign 4\nret", BASE, file="s.S", assembler=engine
    )
    assert [(line.address - BASE, line.size, line.line, line.text) for line in program.lines] == [
        (0, 4, 1, "nop"),
        (4, 2, 3, ".byte 1, 2"),
        (8, 4, 4, "ret"),
    ]
    assert {line.file for line in program.lines} == {"s.S"}


def test_lines_of_a_macro_stand_where_it_is_used(engine: str) -> None:
    program = assemble_text(".macro m\nnop\nret\n.endm\nm\nm", BASE, assembler=engine)
    assert [(line.line, line.text) for line in program.lines] == [
        (5, "nop"),
        (5, "ret"),
        (6, "nop"),
        (6, "ret"),
    ]


def test_code_knows_its_base(engine: str) -> None:
    text = "a: nop\n.balign 8\n.quad a"
    for base in (0x1000, 0x40_0000, int(BASE)):
        program = assemble_text(text, VirtualAddress(base), assembler=engine)
        assert int.from_bytes(program.code[8:16], "little") == base


@pytest.mark.parametrize(
    "statement",
    ["tlbi rvae1, x0", "at s1e1wp, x0"],
)
def test_a_statement_that_keystone_drops_without_a_word_is_an_error(statement: str) -> None:
    assert error_of(f"nop\nret\n{statement}\nnop") == (
        f"s.S:3: Keystone assembles this to nothing, and says nothing: `{statement}`"
    )


def test_inst_is_a_word_to_both(engine: str) -> None:
    assert words(assemble_text(".inst 0xd5086400", BASE, assembler=engine).code) == [0xD5086400]


@pytest.mark.parametrize(
    "statement",
    [
        "ldadd x0, x1, [x2]",
        "bti c",
        "pacia x0, x1",
        "msr pan, #1",
        "ldapr x0, [x1]",
        "mov x0, #0x123456789",
        "frobnicate x0",
        "b nowhere",
        ".quad nowhere",
    ],
)
def test_what_keystone_refuses_is_named_with_its_line(statement: str) -> None:
    message = error_of(f"a: nop\n.quad a\n{statement}\nb a")
    assert message.startswith("s.S:3: Keystone")
    assert message.endswith(f": `{statement}`")


@pytest.mark.parametrize(
    "statement",
    ["frobnicate x0", "mov x0, #0x123456789", "b nowhere", "ldr x0, [x1, #:lo12:a]"],
)
@needs_gnu
def test_what_gnu_refuses_is_named_with_its_line(statement: str) -> None:
    message = error_of(f"nop\na: .quad a\n{statement}\nb a", "gnu")
    assert message.startswith("s.S:3: GNU as: ")
    assert message.endswith(f": `{statement}`")


@pytest.mark.parametrize("statement", ["b odd", "ldr x0, [x1, #:lo12:even]"])
def test_a_crash_of_keystone_is_an_error_of_its_statement(statement: str) -> None:
    message = error_of(f"even: nop\nret\n{statement}\nb even\n.byte 1\nodd: .byte 2")
    assert message.startswith("s.S:3: Keystone ended with status 1 (LLVM ERROR: ")
    assert message.endswith(f": `{statement}`")
    assert words(assemble_text("ret", BASE, assembler="keystone").code) == [RET]


def assembled(engine: KeystoneAssembler, text: str) -> list[int]:
    items = make_listing(preprocess(text, "s.S", None)).items
    output = split_output(engine.assemble(items, BASE), items, BASE)
    assert output is not None
    return words(output[0])


def child_of(engine: KeystoneAssembler) -> int:
    assert engine._child is not None
    return engine._child._process.pid


@pytest.fixture
def keystone() -> Iterator[KeystoneAssembler]:
    engine = KeystoneAssembler()
    yield engine
    engine.close()


SIXTEEN_EVERYWHERE = """
import ctypes
from harness.machine import keystone_child
heap = ctypes.CDLL(None)
heap.malloc.restype = ctypes.c_void_p
heap.malloc.argtypes = [ctypes.c_size_t]
heap.free.argtypes = [ctypes.c_void_p]
sixteens = (ctypes.c_uint32 * 512)(*[16] * 512)
blocks = [heap.malloc(size) for size in range(16, 2048, 8) for _ in range(8)]
for block, size in zip(blocks, (size for size in range(16, 2048, 8) for _ in range(8))):
    ctypes.memmove(block, sixteens, size)
for block in blocks:
    heap.free(block)
"""


@pytest.mark.parametrize(
    ("engine", "immediate"),
    [
        ("keystone.Ks(keystone.KS_ARCH_ARM64, keystone.KS_MODE_LITTLE_ENDIAN)", 0x10),
        ("keystone_child.new_engine()", 10),
    ],
    ids=["Keystone itself", "the child"],
)
def test_ten_is_ten_whatever_the_heap_holds(engine: str, immediate: int) -> None:
    show = f"print({engine}.asm('add x1, x1, #10', as_bytes=True)[0].hex())"
    ran = subprocess.run(
        [sys.executable, "-c", f"{SIXTEEN_EVERYWHERE}\nimport keystone\n{show}"],
        capture_output=True,
        text=True,
        check=True,
    )
    word = int.from_bytes(bytes.fromhex(ran.stdout), "little")
    assert word >> 10 & 0xFFF == immediate


def test_one_child_serves_many_snippets(keystone: KeystoneAssembler) -> None:
    assert assembled(keystone, "nop") == [NOP]
    first = child_of(keystone)
    assert assembled(keystone, "ret") == [RET]
    with pytest.raises(AssemblyError):
        assembled(keystone, "frobnicate x0")
    assert child_of(keystone) == first


def test_a_child_that_was_killed_is_replaced(keystone: KeystoneAssembler) -> None:
    assert assembled(keystone, "nop") == [NOP]
    first = child_of(keystone)
    os.kill(first, signal.SIGKILL)
    assert assembled(keystone, "ret") == [RET]
    assert child_of(keystone) != first


def test_a_statement_on_which_keystone_loops_is_an_error(keystone: KeystoneAssembler) -> None:
    (nop,) = make_listing(preprocess("nop", "s.S", None)).items
    loops = Item(ItemKind.DATA, ".ascii [", Statement(".ascii [", Location("s.S", 2)))
    with pytest.raises(AssemblyError, match=r"s\.S:2: Keystone did not end in 1 s: `.ascii \[`"):
        keystone.assemble([nop, loops], BASE)
    assert assembled(keystone, "nop") == [NOP]


def test_the_child_ends_with_its_parent() -> None:
    script = (
        "from harness.machine import keystone_assembler as k\n"
        "from harness.machine.assembler import assemble_text\n"
        "import os\n"
        "assemble_text('nop', 0x1000, assembler='keystone')\n"
        "print(k.KEYSTONE._child._process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    child = int(result.stdout)
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"process {child} still runs")


def test_without_keystone_the_message_says_how_to_get_it(
    keystone: KeystoneAssembler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.py"
    missing.write_text('print(\'{"missing": "No module named keystone"}\', flush=True)')
    monkeypatch.setattr(keystone_assembler, "_CHILD", missing)
    with pytest.raises(EngineMissingError, match="pip install keystone-engine"):
        assembled(keystone, "nop")


def test_without_binutils_the_message_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissingError, match="apt install binutils-aarch64-linux-gnu"):
        assemble_text("nop // missing", BASE, assembler="gnu")


def test_importing_the_assembler_imports_no_keystone() -> None:
    script = "import sys, harness.machine.assembler; sys.exit('keystone' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nop\nb 0x1000", "s.S:2: a target given as a number"),
        ("cbz x0, #8", "s.S:1: a target given as a number"),
        (".equ T, 8\nb T", "s.S:2: a target given as a number"),
        ("ldr x0, 16", "s.S:1: a target given as a number"),
        ("adr x0, #4", "s.S:1: a target given as a number"),
        (".section foo", "s.S:1: `.section` is refused"),
        ('.incbin "/etc/passwd"', "s.S:1: `.incbin` is refused: no other file is read"),
        ('.include "x"', "s.S:1: a snippet without a file cannot include one"),
        (".cfi_startproc", "s.S:1: the directive is not supported"),
        ("x: nop\nx: nop", "s.S:2: label `x` is already defined at s.S:1"),
        ("b 1f\n1: b 2b", "s.S:2: there is no label `2:` for `2b`"),
        (".byte 1\nnop", "s.S:2: an instruction at 0xffff800008000001: put `.balign 4` before"),
        (".balign 3", "s.S:1: a power of two is needed"),
        (".align 40", "s.S:1: an alignment of at most 0x100000"),
        (".space 1 << 40", "s.S:1: a size from 0 to 0x100000 bytes is needed"),
        (".space x", "s.S:1: `x` is no constant here"),
        (".fill 2, 3, 1", "s.S:1: a size of 1, 2, 4 or 8 is needed"),
        (".space", "s.S:1: a size is missing"),
        (".align 2, 0", "s.S:1: one operand is needed"),
        (".word", "s.S:1: a value is missing"),
        (".word b[", "s.S:1: unexpected `[`"),
        (".quad 1 2", "s.S:1: unexpected `2`"),
        (".ascii [", "s.S:1: a text in double quotes is needed"),
        ("\\x: nop", "s.S:1: no name for a label"),
        ("[x0]", "s.S:1: neither a label, a directive nor an instruction"),
    ],
)
def test_what_no_snippet_may_say_is_refused_by_every_assembler(
    text: str, reason: str, engine: str
) -> None:
    assert error_of(text, engine).startswith(reason)


def test_a_move_of_a_register_is_no_branch(engine: str) -> None:
    text = "bic x0, x1, x2\n bfi x0, x1, #12, #36\n brk #1\n ldr x0, [x1, #8]\n blr x3"
    assert len(words(assemble_text(text, BASE, assembler=engine).code)) == 5


def test_keystone_refuses_adrp_which_it_encodes_wrongly() -> None:
    assert "Keystone encodes ADRP wrongly" in error_of("adrp x0, a\na: nop")


@needs_gnu
def test_gnu_encodes_adrp() -> None:
    program = assemble_text("adrp x0, a\n.space 4092\na: nop", BASE, assembler="gnu")
    assert words(program.code)[0] == 0xB0000000


def test_a_base_that_breaks_an_alignment_is_refused(engine: str) -> None:
    with pytest.raises(AssemblyError, match="the snippet aligns to 0x800, so it cannot lie at"):
        assemble_text("nop\n.align 11\nnop", VirtualAddress(0x1400), assembler=engine)
    program = assemble_text("nop\n.align 11\nnop", VirtualAddress(0x1800), assembler=engine)
    assert len(program.code) == 0x804


def test_an_unknown_assembler_is_refused() -> None:
    assert error_of("nop", "nasm") == "s.S: there is no assembler `nasm` (known: gnu, keystone)"


def test_the_snippet_may_ask_for_its_assembler() -> None:
    assert assemble_text("nop", BASE).assembler == "keystone"
    assert error_of("// what it shows\n// assembler: nasm\nnop", None).startswith(
        "s.S: there is no"
    )
    assert assemble_text("nop\n// assembler: nasm\n", BASE).assembler == "keystone"
    text = "// assembler: nasm\nnop"
    assert assemble_text(text, BASE, assembler="keystone").assembler == "keystone"


@needs_gnu
def test_a_snippet_that_needs_gnu_gets_it() -> None:
    program = assemble_text("/* x\n * assembler: gnu\n */\nldadd x0, x1, [x2]", BASE)
    assert (program.assembler, words(program.code)) == ("gnu", [0xF8200041])


def test_includes_are_found_beside_the_snippet_only(tmp_path: Path) -> None:
    folder = tmp_path / "asm"
    folder.mkdir()
    (tmp_path / "outside.inc").write_text("nop\n")
    (folder / "macros.inc").write_text(".macro twice\nnop\nbad\n.endm\n")
    snippet = folder / "s.S"
    snippet.write_text('.include "macros.inc"\nret\n')
    assert words(assemble_file(snippet, BASE).code) == [RET]
    snippet.write_text('.include "macros.inc"\ntwice\n')
    with pytest.raises(AssemblyError) as caught:
        assemble_file(snippet, BASE)
    assert str(caught.value).startswith(f"{snippet}:2: Keystone")
    assert str(caught.value).endswith(f"`bad`, in macro twice ({folder / 'macros.inc'}:3)")
    (folder / "link.inc").symlink_to(tmp_path / "outside.inc")
    for name in ("../outside.inc", str(tmp_path / "outside.inc"), "link.inc", "none.inc", ".", ""):
        snippet.write_text(f'.include "{name}"\n')
        with pytest.raises(AssemblyError, match="no such file beside the snippet"):
            assemble_file(snippet, BASE)
    (folder / "self.inc").write_text('.include "self.inc"\n')
    snippet.write_text('.include "self.inc"\n')
    with pytest.raises(AssemblyError, match="includes itself without end"):
        assemble_file(snippet, BASE)


def test_a_file_that_cannot_be_read_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match=r"none\.S: the snippet cannot be read: No such file"):
        assemble_file(tmp_path / "none.S", BASE)
    binary = tmp_path / "binary.S"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AssemblyError, match="no UTF-8 text"):
        assemble_file(binary, BASE)
    binary.write_bytes(b"nop\x00\n")
    with pytest.raises(AssemblyError, match=r"binary\.S:1: "):
        assemble_file(binary, BASE)


def test_an_empty_snippet_is_an_empty_program(engine: str) -> None:
    program = assemble_text("// nothing\n", BASE, assembler=engine)
    assert (program.code, program.lines, dict(program.symbols)) == (b"", (), {})


PIECES = [*"abrx01:;.,#=[]\"'\\/*+-( \n\t", "nop", "ret", ".word ", ".macro a\n", ".endm\n", ".if "]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_any_text_assembles_or_is_refused_in_one_line(text: str) -> None:
    message, covered, size = "", 0, 0
    try:
        program = assemble_text(text, BASE, assembler="keystone")
        covered, size = sum(line.size for line in program.lines), len(program.code)
    except AssemblyError as error:
        message = str(error)
    assert "\n" not in message
    assert covered <= size
