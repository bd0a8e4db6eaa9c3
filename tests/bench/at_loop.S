// Ask the MMU about many descriptors in turn: each is stored where the walk of x1 finds its leaf,
// AT S1E1R walks, PAR_EL1 is kept.
//
//   x0 where the descriptor lies   x1 the address to translate   x2 the descriptors
//   x3 where the answers go        x4 how many

next_descriptor:
    ldr     x5, [x2], #8
    str     x5, [x0]
    tlbi    vaae1, x6               // an older translation of x1 may be cached, for AT as well
    dsb     nsh
    isb
    at      s1e1r, x1
    isb                             // PAR_EL1 is only then sure to hold the answer
    mrs     x7, par_el1
    str     x7, [x3], #8
    subs    x4, x4, #1
    b.ne    next_descriptor
    brk     #0
