// Stores through a mapping before and after something is done to it.
//
//   store_around    x0 address: store x2 there; [operate]; store x3 eight bytes further on; x4, x5
//                   what is read back
//   store_between   the same with a second place between, [restore], for what is taken away and
//                   given back
//   share_and_copy  store zero to the buffer at x0; [operate]; then the copy of memcpy.S into it

store_around:
    str     x2, [x0]
operate:
    nop
stored_after:
    str     x3, [x0, #8]
    ldr     x4, [x0]
    ldr     x5, [x0, #8]
    ret

store_between:
    str     x2, [x0]
take_away:
    nop
give_back:
    nop
stored_again:
    str     x3, [x0, #8]
    ldr     x4, [x0]
    ldr     x5, [x0, #8]
    ret

share_and_copy:
    str     xzr, [x0]
share:
    nop
    b       copy

.include "memcpy.S"
