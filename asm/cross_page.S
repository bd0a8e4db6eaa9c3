// Accesses that cross from one page into the next.
//
//   x0 address, a few bytes before the end of a page; x2, x3 values
//
//   load           LDR of 8 bytes to x4
//   store          STR of 8 bytes
//   load_pair      LDP of 16 bytes to x4, x5
//   store_pair     STP of 16 bytes
//   vector         STR of 16 bytes from a SIMD register
//   each_byte      STRB of 16 bytes one by one: the same without any access that crosses

load:
    ldr     x4, [x0]
    ret

store:
    str     x2, [x0]
    ret

load_pair:
    ldp     x4, x5, [x0]
    ret

store_pair:
    stp     x2, x3, [x0]
    ret

vector:
    str     q0, [x0]
    ret

each_byte:
    mov     x6, #16
1:  strb    w2, [x0], #1
    subs    x6, x6, #1
    b.ne    1b
    ret
