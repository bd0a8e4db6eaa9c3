// Streams of stores over a range, one way of storing an entry. All of them:
//
//   x0 first address, x1 bytes (not 0), x2 value; changes x0, x1, x4 to x11 and flags
//
//   single      STR, 8 bytes a step
//   pair        STP, 16 bytes a step
//   zero        DC ZVA, 64 bytes a step: x0 and x1 are multiples of 64
//   exclusive   LDXR, STXR: adds x2 to every 8 bytes
//   atomic      LDADD, LDSET, SWP and CAS on every 8 bytes: each becomes x2 at last
//   label `store` of each is the storing instruction: single_store, pair_store, …
.include "macros.inc"

single:
single_store:
    str     x2, [x0], #8
    subs    x1, x1, #8
    b.hi    single
    ret

pair:
pair_store:
    stp     x2, x2, [x0], #16
    subs    x1, x1, #16
    b.hi    pair
    ret

zero:
zero_store:
    dc      zva, x0
    add     x0, x0, #64
    subs    x1, x1, #64
    b.hi    zero
    ret

exclusive:
    ldxr    x4, [x0]
    add     x4, x4, x2
exclusive_store:
    stxr    w5, x4, [x0]
    cbnz    w5, exclusive           // the reservation was lost: again
    add     x0, x0, #8
    subs    x1, x1, #8
    b.hi    exclusive
    ret

atomic:
    mov     x4, #1
atomic_store:
    ldadd_x 4, 5, 0                 // x5 = old, [x0] = old + 1
    ldset_x 4, 6, 0                 // x6 = old + 1
    swp_x   5, 7, 0                 // [x0] = old again
    cas_x   5, 2, 0                 // so this compares equal and stores x2
    add     x0, x0, #8
    subs    x1, x1, #8
    b.hi    atomic
    ret
