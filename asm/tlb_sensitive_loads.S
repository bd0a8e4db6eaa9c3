// Load, change the descriptor, load again: with which maintenance does the second load see what?
// All entries:
//
//   x0 address that is loaded from
//   x1 address through which its descriptor is written, x2 the new descriptor
//   returns x4 the first load's value, x5 the second's; changes x3
//
//   no_maintenance      the store alone: the old translation may stay in use for ever
//   without_dsb         TLBI, but nothing waits for it
//   without_isb         TLBI and DSB, but this PE's own later instructions need not know
//   full                store, DSB, TLBI, DSB, ISB: only the new one is left (a change that needs
//                       no break-before-make, such as clearing the valid bit)
//   break_before_make   the same with an invalid descriptor in between: for a new output address,
//                       memory type or size
//
//   label `again` of each is the second load: no_maintenance_again, …

no_maintenance:
    ldr     x4, [x0]
    str     x2, [x1]
no_maintenance_again:
    ldr     x5, [x0]
    ret

without_dsb:
    ldr     x4, [x0]
    ubfx    x3, x0, #12, #44        // VA[55:12] and nothing else: the upper bits mean TTL and ASID
    str     x2, [x1]
    dsb     ishst
    tlbi    vaae1, x3
without_dsb_again:
    ldr     x5, [x0]
    ret

without_isb:
    ldr     x4, [x0]
    ubfx    x3, x0, #12, #44
    str     x2, [x1]
    dsb     ishst
    tlbi    vaae1, x3
    dsb     ish
without_isb_again:
    ldr     x5, [x0]
    ret

full:
    ldr     x4, [x0]
    ubfx    x3, x0, #12, #44
    str     x2, [x1]
    dsb     ishst
    tlbi    vaae1, x3
    dsb     ish
    isb
full_again:
    ldr     x5, [x0]
    ret

break_before_make:
    ldr     x4, [x0]
    ubfx    x3, x0, #12, #44
    str     xzr, [x1]               // break
    dsb     ishst
    tlbi    vaae1, x3
    dsb     ish
    str     x2, [x1]                // make
    dsb     ishst
    isb
break_before_make_again:
    ldr     x5, [x0]
    ret
