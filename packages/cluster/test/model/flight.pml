/* One flight of one key as Redis and N processes see it. Each script is one atomic step, and everything between two
   scripts may interleave: other processes, deaths, pauses, lost messages, a failover. Time is left out but for what the
   protocol rests on: see bounds.pml. docs/MODEL.md says which script and which function each step stands for.

   Switches, by spin -D:
   CRASHES=n      leaders that die          PAUSES=n    leaders that are stopped past their lease and come back
   DROPS=n        inboxes of live processes that lose their connection, and what is sent meanwhile
   LOSSES=n       joins whose request or reply is lost      RESEND  such a join is sent again; else the process gives up
   LOSTSETTLES=n  settles whose reply is lost, so that they are sent again, or that are given up on
   RESIGNS=n      leaders that close        LEAVES=n    callers that leave: followers, or all callers of a leader
   FORGETS=n      forget                    EARLY=n     leases that end early: a jump of the server's clock, an eviction
   RETAINS=n      retained outcomes that end early          FAILOVER  a replica that is behind becomes primary
   LISTED         nobody can see whether a leader listens   STUCK   leases do not end by themselves
   POINTERS       outcomes are not sent along               MAXTK=n maxTakeovers
   Broken on purpose: NOPOLL, NOFENCE, TOKONLY, NONONCE, NOBEAT, NOWITHDRAW, NOBOUND */
#define N 3
#ifndef MAXTK
#define MAXTK 1
#endif

#include "state.pml"
#include "bounds.pml"
#include "scripts.pml"
#include "member.pml"
#include "faults.pml"
#include "claims.pml"

init {
  atomic {
    byte q;
    for (q : 1 .. N) { listens[q] = true }
    for (q : 1 .. N) { run Member(q) }
    run Time();
    run Faults()
  }
}
