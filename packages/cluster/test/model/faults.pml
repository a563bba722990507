/* What Redis, the network and time do, at any moment. */

#define OVER(p) (ended[p] || crashed[p])

/* An inbox that could be connected again. */
#define SILENT ((!listens[1] && !crashed[1]) || (!listens[2] && !crashed[2]) || (!listens[3] && !crashed[3]))

inline silence(i) {
  listens[i] = false;
  do :: inbox[i]?[kind, about] -> inbox[i]?kind, about :: else -> break od
}

#ifdef FAILOVER
byte oldLease, oldNamed, oldGrant, oldTakeovers, oldSettled, oldUnwanted, oldNow;
byte oldDeath[N + 1], oldRegistered[N + 1];
mtype oldAbandoned = NEVER;
#endif

/* What comes to pass if one waits: a process of its own, since nothing else may keep it from its turn for ever. */
proctype Time() {
  byte q;
  do
#ifndef STUCK
  :: atomic { lease != 0 && GONE(OWNER(lease)) -> lease = 0 }
#endif
  :: atomic { lease == 0 && named != 0 && WORKS(OWNER(named)) && EARLY > 0 -> renew(named) }
  :: atomic { abandoned == ABANDONED_NOW && ABANDON_ENDS -> abandoned = ABANDONED_ONCE }
  :: atomic { OVER(1) && OVER(2) && OVER(3) -> break }
  od
}

proctype Faults() {
  byte i, q, token, about;
  mtype kind;
  do
  :: atomic { early < EARLY && lease != 0 -> early++; lease = 0; excused = true }
  :: atomic { retains < RETAINS && settled != 0 -> retains++; settled = 0 }
  :: atomic { forgets < FORGETS && grant != 0 -> forgets++; excused = true; forget() }
  :: atomic { drops < DROPS -> select(i : 1 .. N);
      if :: listens[i] && !crashed[i] -> silence(i); drops++ :: else fi }
  :: atomic { drops > 0 && SILENT -> for (i : 1 .. N) { if :: !crashed[i] -> listens[i] = true :: else fi } }
#ifdef FAILOVER
  :: atomic { !snapped && grant != 0 -> snapped = true;
      oldLease = lease; oldNamed = named; oldGrant = grant; oldTakeovers = takeovers; oldSettled = settled;
      oldUnwanted = unwanted; oldAbandoned = abandoned; oldNow = now;
      for (q : 1 .. N) { oldDeath[q] = death[q]; oldRegistered[q] = registered[q] } }
  /* Its clock may be behind, too. */
  :: atomic { !failedOver -> failedOver = true; excused = true;
      lease = oldLease; named = oldNamed; grant = oldGrant; takeovers = oldTakeovers; settled = oldSettled;
      unwanted = oldUnwanted; abandoned = oldAbandoned; now = (snapped -> oldNow : 1);
      for (q : 1 .. N) { death[q] = oldDeath[q]; registered[q] = oldRegistered[q] } }
#endif
  :: atomic { OVER(1) && OVER(2) && OVER(3) -> break }
  od
}
