// EL1 and memory of EL0: PSTATE.PAN, and loads and stores that count as EL0's.
//
//   x0 address, x2 value
//
//   load                LDR as EL1
//   load_with_pan       the same with PSTATE.PAN = 1 (FEAT_PAN), which it then clears
//   load_unprivileged   LDTR: as EL0 would
//   store_unprivileged  STTR: as EL0 would
.include "macros.inc"

load:
    ldr     x4, [x0]
    ret

load_with_pan:
    set_pan 1
pan_load:
    ldr     x4, [x0]
    set_pan 0
    ret

load_unprivileged:
    ldtr    x4, [x0]
    ret

store_unprivileged:
    sttr    x2, [x0]
    ret
