// Ask for translations with AT and read PAR_EL1.
//
//   probe   x0 address; x4, x5 PAR_EL1 for a read and a write by EL1, x6, x7 the same by EL0
//           (bit 0 set: the translation failed, and bits 6:1 say how)

.macro translate as:req, to:req
    at      \as, x0
    isb                             // PAR_EL1 is only then sure to hold the answer
    mrs     \to, par_el1
.endm

probe:
    translate s1e1r, x4
    translate s1e1w, x5
    translate s1e0r, x6
    translate s1e0w, x7
    ret
