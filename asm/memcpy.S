// A memory copy of the usual shape: bytes to the next 16-byte boundary of the destination, then
// 64 bytes a round by pairs, then what is left by halves. Any size, any alignment, no overlap.
//
//   copy         x0 destination, x1 source, x2 bytes; returns x0; changes x1 to x15 and flags
//   store_pair   the first of the four store pairs of a round

copy:
    mov     x3, x0                  // where to write next; x0 is what we return
    cmp     x2, #64
    b.lo    tail

    ands    x4, x0, #15
    b.eq    round
    mov     x5, #16
    sub     x5, x5, x4              // 1 to 15 bytes to the boundary,
    ldp     x6, x7, [x1]
    stp     x6, x7, [x3]            // of 16 that are written
    add     x3, x3, x5
    add     x1, x1, x5
    sub     x2, x2, x5
    cmp     x2, #64
    b.lo    tail

round:
    ldp     x8, x9, [x1]
    ldp     x10, x11, [x1, #16]
    ldp     x12, x13, [x1, #32]
    ldp     x14, x15, [x1, #48]
store_pair:
    stp     x8, x9, [x3]
    stp     x10, x11, [x3, #16]
    stp     x12, x13, [x3, #32]
    stp     x14, x15, [x3, #48]
    add     x1, x1, #64
    add     x3, x3, #64
    sub     x2, x2, #64
    cmp     x2, #64
    b.hs    round

tail:                               // 0 to 63 bytes: one step for each bit of the size
    tbz     x2, #5, 1f
    ldp     x8, x9, [x1]
    ldp     x10, x11, [x1, #16]
    stp     x8, x9, [x3]
    stp     x10, x11, [x3, #16]
    add     x1, x1, #32
    add     x3, x3, #32
1:  tbz     x2, #4, 2f
    ldp     x8, x9, [x1], #16
    stp     x8, x9, [x3], #16
2:  tbz     x2, #3, 3f
    ldr     x8, [x1], #8
    str     x8, [x3], #8
3:  tbz     x2, #2, 4f
    ldr     w8, [x1], #4
    str     w8, [x3], #4
4:  tbz     x2, #1, 5f
    ldrh    w8, [x1], #2
    strh    w8, [x3], #2
5:  tbz     x2, #0, 6f
    ldrb    w8, [x1]
    strb    w8, [x3]
6:  ret
