/* A process with one call: cluster-pilot.ts joins, leader.ts leads, follower.ts and leader-watch.ts follow. */

/* What a follower would find out by joining again. It joins at other times, too, which changes nothing. */
#define OWED (settled != 0 && GRANT(settled) >= first)
#define NEWS (lease == 0 || lease != followed[p] || registered[p] == 0 || OWED)

/* An outcome that was accepted before the call began, or made before a forget that the call came after, is stale. */
inline take(outcome) {
  if :: acceptedAt[OWNER(outcome)] <= began[p] -> stale = true :: else fi;
  if :: afterForget[p] && GRANT(outcome) <= forgotGrant -> stale = true :: else fi
}

proctype Member(byte p) {
  byte first, token, depose, about, g, q;
  mtype reply, kind;
  bool lost, given, silent, isUnwanted, left;

  atomic { began[p] = accepted; afterForget[p] = (forgotGrant != 0) }

again:
  atomic { joining[p] = false; silent = false; token = 0;
    if
    :: losses < LOSSES -> losses++; goto runAlone /* the request is lost */
    :: true -> join(p)
    fi;
    suspected[p] = 0;
    if
    :: losses < LOSSES && reply != SETTLED -> losses++; /* the reply is lost */
#ifdef RESEND
      joining[p] = true; goto again
#else
      goto runAlone
#endif
    :: true
    fi
  }
  if
  :: reply == SETTLED -> atomic { take(token); goto fine }
  :: reply == ABANDON -> goto fine
  :: reply == LEAD -> goto lead
  :: reply == FOLLOW ->
    atomic { followed[p] = token; if :: first == 0 -> first = GRANT(token) :: else fi };
    goto follow
  fi;

lead:
  working++;
  do
  :: atomic { crashes < CRASHES -> crashes++; crashed[p] = true; listens[p] = false; working--; goto end }
  :: atomic { pauses < PAUSES && !paused[p] && !paused[1] && !paused[2] && !paused[3] && QUIET ->
      pauses++; paused[p] = true; excused = true }
  :: atomic { resigns < RESIGNS && !paused[p] -> resigns++; working--; resign(p, false) } goto fine
  :: atomic { leaves < LEAVES && !paused[p] && !isUnwanted -> leaves++; isUnwanted = true; resign(p, true);
      if :: given -> working--; goto fine :: else fi }
  :: atomic { inbox[p]?[kind, about] -> inbox[p]?kind, about;
      if
      :: kind == WAKE_UNWANTED && isUnwanted && about == token -> resign(p, true);
        if :: given -> working--; goto fine :: else fi
      :: else
      fi }
  :: atomic { !isUnwanted || registered[1] != 0 || registered[2] != 0 || registered[3] != 0 -> working-- } break
  od;
  goto publish;

/* fallback.ts: no reply came, so the work is run here, and published for the join that may have been won. */
runAlone:
  atomic { alone[p] = true; excused = true; token = 0 };

publish:
  do
  :: atomic { settle(p);
      if
      :: lostSettles < LOSTSETTLES -> lostSettles++ /* the reply is lost: it is sent again */
      :: true -> break
      fi }
  :: atomic { lostSettles < LOSTSETTLES -> lostSettles++; break } /* given up on, never heard */
  od;
  atomic { paused[p] = false; alone[p] = false; goto fine };

follow:
  do
  :: atomic { inbox[p]?[kind, about] -> inbox[p]?kind, about;
      if
      :: kind == WAKE_SETTLED && GRANT(about) >= first -> take(about); goto fine
      :: kind == WAKE_POINTER || kind == WAKE_RESIGNED || kind == WAKE_FORGOTTEN -> goto again
      :: else
      fi }
  :: atomic { leaves < LEAVES -> leaves++; leave(p); goto fine }
#ifndef NOPOLL
  :: atomic { empty(inbox[p]) && NEWS -> goto again }
#endif
  :: atomic { lease != 0 && EMPTY(lease) && OWNER(lease) != p && suspected[p] != lease -> suspected[p] = lease }
  :: atomic { lease != 0 && EMPTY(lease) && suspected[p] == lease && GRACE(lease) -> depose = lease; goto again }
#ifdef STUCK
  :: atomic { lease != 0 && OWNER(lease) != p && GONE(OWNER(lease)) ->
      suspected[p] = lease; silent = true; depose = lease; goto rejoin }
#endif
  od;

#ifdef STUCK
rejoin:
  atomic { join(p); silent = false; suspected[p] = 0;
    if
    :: reply == SETTLED -> take(token); goto fine
    :: reply == ABANDON -> goto fine
    :: reply == LEAD -> goto lead
    :: reply == FOLLOW -> followed[p] = token; goto follow
    fi }
#endif

fine:
  ended[p] = true;
end:
  skip
}
