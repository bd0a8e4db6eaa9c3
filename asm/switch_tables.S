// Store through a mapping of TTBR1_EL1, change to other tables, store again: as a resume from
// hibernation does with the copy of the tables. The code is mapped by TTBR0_EL1, which stays.
//
//   resume      x0 address, x1 root of the other tables; x2, x3 what is stored; x4 is read back

resume:
    str     x2, [x0]
copy_tables:
    nop
    msr     ttbr1_el1, x1
    isb
    tlbi    vmalle1is
    dsb     ish
    isb
stored_after:
    str     x3, [x0, #8]
    ldr     x4, [x0, #8]
    ret
