// Change live tables in larger steps. All entries: x0 address that is loaded from before and after,
// x1 address through which its descriptor is written, x2 the new descriptor; x4, x5 the values.
//
//   split       a block becomes a table: break, TLBI by address of everything the block maps (one
//               TLBI is enough: it covers the entry), make
//   split_live  the same without the break: what the architecture promises depends on FEAT_BBM
//   unmap_all   break, then TLBI of everything

split:
    ldr     x4, [x0]
    ubfx    x3, x0, #12, #44
    str     xzr, [x1]
    dsb     ishst
    tlbi    vaae1is, x3
    dsb     ish
    str     x2, [x1]
    dsb     ishst
    isb
    ldr     x5, [x0]
    ret

split_live:
    ldr     x4, [x0]
    ubfx    x3, x0, #12, #44
    str     x2, [x1]
    dsb     ishst
    tlbi    vaae1is, x3
    dsb     ish
    isb
    ldr     x5, [x0]
    ret

unmap_all:
    ldr     x4, [x0]
    str     xzr, [x1]
    dsb     ishst
    tlbi    vmalle1is
    dsb     ish
    isb
unmapped_load:
    ldr     x5, [x0]
    ret
