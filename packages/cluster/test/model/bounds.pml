/* What Redis, the network and time do. The protocol rests on these bounds of time, and on no others:
   - a lease does not end while its leader lives, is not stopped and knows that it leads, but for EARLY;
   - a join that is sent again is sent within the lease that the first may have won;
   - a leader that lives and is not stopped beats within the grace after its inbox was seen empty. */

#define WORKS(p) (!crashed[p] && !paused[p] && !ended[p] && !alone[p] && !joining[p])
/* Nobody hears of it any more, or not in time. */
#define GONE(p) (crashed[p] || paused[p] || ended[p] || alone[p])
#ifdef NOBEAT
#define GRACE(token) true
#else
#define GRACE(token) (!WORKS(OWNER(token)))
#endif
/* Deaths that were presumed wrongly have been withdrawn: the claim on abandonment is for pauses one after the other. */
#define QUIET ((death[1] == 0 || crashed[1] || ended[1]) && (death[2] == 0 || crashed[2] || ended[2]) && \
  (death[3] == 0 || crashed[3] || ended[3]))

#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef PAUSES
#define PAUSES 0
#endif
#ifndef DROPS
#define DROPS 0
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef LOSTSETTLES
#define LOSTSETTLES 0
#endif
#ifndef RESIGNS
#define RESIGNS 0
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#ifndef FORGETS
#define FORGETS 0
#endif
#ifndef EARLY
#define EARLY 0
#endif
#ifdef PROBE
#define ABANDON_ENDS true
#else
#define ABANDON_ENDS false
#endif
#ifndef RETAINS
#define RETAINS 0
#endif
