/* What must hold in every run. Each is checked by itself. */

/* Every caller is answered, unless its process dies: nobody waits for ever. */
ltl answered { <> (OVER(1) && OVER(2) && OVER(3)) }
/* One leader runs the work at a time, unless something happened that nobody can tell from a death. */
ltl once { [] (working <= 1 || excused) }
/* What is accepted is accepted in the order of grants. */
ltl ordered { [] (!outOfOrder) }
/* Nobody settles while somebody else holds the lease. */
ltl fenced { [] (!notByOwner) }
/* Nobody gets an outcome that was settled before it called, or is of a flight that was forgotten before it called. */
ltl fresh { [] (!stale) }
/* Work is not begun again more often than maxTakeovers says. */
ltl bounded { [] (!tooMany) }
/* A flight is given up only when so many leaders have died. */
ltl rightlyAbandoned { [] (!wronglyAbandoned) }

/* Not promised: shown to fail, so that the others are known to speak of something. */
ltl neverTakenOver { [] (takeovers == 0) }
ltl neverAbandoned { [] (abandoned == NEVER) }
ltl neverTogether { [] (working <= 1) }
