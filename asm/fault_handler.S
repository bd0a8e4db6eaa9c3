// A handler for data aborts that puts a descriptor right and lets the access happen again.
//
//   copy_word   loads from x0, stores to x0 + 8; x4 is the value
//   vectors     for VBAR_EL1. The handler writes x21 through x20 and counts in x22;
//               x23 and x24 are ESR_EL1 and FAR_EL1 of the last exception.
//               Anything but a data abort from EL1, or a ninth one, goes to x30.

copy_word:
    ldr     x4, [x0]
    str     x4, [x0, #8]
    ret

.macro vector_to target:req
    .balign 128
    b       \target
.endm

.balign 2048
vectors:
    .rept 4                         // current EL with SP_EL0
    vector_to give_up
    .endr
    vector_to repair                // current EL with SP_ELx: synchronous
    .rept 11
    vector_to give_up
    .endr

repair:
    mrs     x23, esr_el1
    mrs     x24, far_el1
    ubfx    x25, x23, #26, #6
    cmp     x25, #0x25              // data abort without a change of exception level
    b.ne    give_up
    add     x22, x22, #1
    cmp     x22, #8
    b.hi    give_up
    str     x21, [x20]              // from invalid to valid no TLBI is needed,
    dsb     ishst                   // but later walks must see the store,
    isb                             // and so must this PE's next instructions
    eret

give_up:
    br      x30
