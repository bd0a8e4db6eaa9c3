// Jump to where x0 says: to memory that may not be executed, or to the last instruction of a page
// that may, so that the next one is fetched from a page that may not.
//
//   jump     x0 where to; x30 stays, so that a RET there ends the run

jump:
    br      x0
