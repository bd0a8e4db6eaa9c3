// A program at EL0 that calls EL1, and EL1 that reads its argument as EL0 would.
//
//   user      starts at EL0: x0 address of its argument; x4 is what EL1 read there
//   vectors   for VBAR_EL1. SVC reads from x0 by LDTR and counts in x22; any other exception goes
//             to x30 of EL0, at EL1, with ESR_EL1 in x23 and FAR_EL1 in x24.

user:
    svc     #7
after_svc:
    add     x5, x4, #1              // so EL0 has gone on
    ret

.macro vector_to target:req
    .balign 128
    b       \target
.endm

.balign 2048
vectors:
    .rept 8                         // from EL1 itself: LDTR in `service` may fault
    vector_to give_up
    .endr
    vector_to service               // from EL0 in AArch64: synchronous
    .rept 7
    vector_to give_up
    .endr

service:
    mrs     x23, esr_el1
    mrs     x24, far_el1
    ubfx    x25, x23, #26, #6
    cmp     x25, #0x15              // SVC in AArch64
    b.ne    give_up
    add     x22, x22, #1
    ldtr    x4, [x0]
    eret

give_up:
    mrs     x23, esr_el1
    mrs     x24, far_el1
    br      x30
