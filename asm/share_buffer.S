// Share one block with the host, as a realm does, by hand: take it from the hardware, give it its
// other address, give it back. What differs is the question asked before it is given back.
//
//   share_asking_sect   asks whether bits 1:0 are 0b01: false of what has just been made invalid
//   share_asking_leaf   marks the invalid block by bit 11, and asks for that mark
//
// All entries: x0 an address in the block, x1 the address through which its descriptor is written,
// x2 the address bit of the shared alias, x3 what is stored. x4 is what is read back; x9 to x11
// change.

share_asking_sect:
    str     x3, [x0]
    ldr     x9, [x1]
    bic     x9, x9, #1              // VALID
    orr     x9, x9, x2
    str     x9, [x1]
    bl      invalidate
    ldr     x9, [x1]
    and     x10, x9, #3
    cmp     x10, #1
    b.ne    store_shared            // no block, it seems: left as it is
    orr     x9, x9, #1
    str     x9, [x1]
    dsb     ishst
    isb
    b       store_shared

share_asking_leaf:
    str     x3, [x0]
    ldr     x9, [x1]
    bic     x9, x9, #1
    orr     x9, x9, x2
    orr     x9, x9, #0x800
    str     x9, [x1]
    bl      invalidate
    ldr     x9, [x1]
    tbz     x9, #11, store_shared
    bic     x9, x9, #0x800
    orr     x9, x9, #1
    str     x9, [x1]
    dsb     ishst
    isb

store_shared:
    str     x3, [x0, #8]
    ldr     x4, [x0, #8]
end:
    nop

// TLBI by address for x0, complete for everyone; x11 changes.
invalidate:
    ubfx    x11, x0, #12, #44
    dsb     ishst
    tlbi    vaale1is, x11
    dsb     ish
    isb
    ret
