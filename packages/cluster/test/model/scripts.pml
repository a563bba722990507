/* The scripts of src/redis/scripts, as far as the lease and the flight are concerned. Each is called in one atomic step. */

inline tell(q, kind, about) {
  if
  :: listens[q] && nfull(inbox[q]) -> inbox[q]!kind, about
  :: else
  fi
}

/* includes/presumption.lua */
inline withdrawDeath(token) {
#ifdef NOWITHDRAW
  skip
#else
  if
  :: token != 0 && death[OWNER(token)] == token ->
    death[OWNER(token)] = 0;
    if :: takeovers > 0 -> takeovers-- :: else fi
  :: else
  fi
#endif
}

inline forgetDeaths() {
  for (q : 1 .. N) { death[q] = 0 }
}

/* includes/claim.lua: whose death, election or outcome a process speaks of that does not know its token. */
inline claim(p) {
  if
  :: token != 0
  :: token == 0 && lease != 0 && OWNER(lease) == p -> token = lease
  :: token == 0 && !(lease != 0 && OWNER(lease) == p) && named != 0 && OWNER(named) == p -> token = named
  :: token == 0 && !(lease != 0 && OWNER(lease) == p) && !(named != 0 && OWNER(named) == p) ->
    if
    :: settled != 0 && OWNER(settled) == p -> token = settled
    :: else -> token = death[p]
    fi
  fi
}

#ifdef NOFENCE
#define ACCEPTS(token) true
#else
#ifdef TOKONLY
#define ACCEPTS(token) \
  (token != 0 && (GRANT(lease) == GRANT(token) || (lease == 0 && GRANT(named) == GRANT(token))))
#else
#define ACCEPTS(token) (token != 0 && (lease == token || (lease == 0 && named == token)))
#endif
#endif

inline unregister(p) {
  registered[p] = 0;
  if
  :: unwanted != 0 && registered[1] == 0 && registered[2] == 0 && registered[3] == 0 ->
    tell(OWNER(unwanted), WAKE_UNWANTED, unwanted)
  :: else
  fi
}

inline elect(p) {
  g = grant + 1;
  if :: first + 1 > g -> g = first + 1 :: else fi;
  if :: now > g -> g = now :: else fi;
  grant = g;
  now = g + 1;
  lease = TOKEN(g, p);
  named = lease;
  unwanted = 0;
  registered[p] = 0;
  for (q : 1 .. N) { suspected[q] = 0 }
  if :: takeovers > MAXTK -> tooMany = true :: else fi;
  reply = LEAD;
  token = lease
}

/* Evidence that join.lua looks at itself. NOBEAT: an empty inbox is enough, whatever the beat says. */
#ifdef LISTED
#define EMPTY(token) false
#else
#define EMPTY(token) (!listens[OWNER(token)])
#endif
#ifdef NOBEAT
#define DEAD(token) EMPTY(token)
#else
#define DEAD(token) (suspected[p] == token && (EMPTY(token) || silent))
#endif

/* join.lua. `depose`: the leader that is held for dead. */
inline join(p) {
  if
#ifndef NONONCE
  :: lease != 0 && OWNER(lease) == p -> reply = LEAD; token = lease
#endif
  :: else ->
    if
    :: settled != 0 && first != 0 && GRANT(settled) >= first ->
      registered[p] = 0; reply = SETTLED; token = settled
    :: else ->
      if
      :: lease != 0 && depose == lease && DEAD(lease) -> named = lease; lease = 0
      :: else
      fi;
      if
      :: lease != 0 ->
        if :: registered[p] == 0 -> unwanted = 0 :: else fi;
        registered[p] = GRANT(lease);
        reply = FOLLOW; token = lease
      :: lease == 0 ->
        lost = (named != 0 && death[OWNER(named)] != named);
        if :: lost -> death[OWNER(named)] = named; takeovers++ :: else fi;
        if
#ifndef NOBOUND
        :: takeovers > MAXTK ->
          if :: lost || abandoned == NEVER -> abandoned = ABANDONED_NOW :: else fi;
          if
          :: abandoned == ABANDONED_NOW ->
            registered[p] = 0; reply = ABANDON; token = 0;
            if :: crashes <= MAXTK -> wronglyAbandoned = true :: else fi
          :: else -> takeovers = MAXTK; forgetDeaths(); elect(p)
          fi
#endif
        :: else -> elect(p)
        fi
      fi
    fi
  fi;
  lost = false; depose = 0; g = 0
}

/* settle.lua. `token` 0: for the join that this process gave up on. */
inline settle(p) {
  claim(p);
  if
  :: token != 0 && settled == token -> wakeFollowers(p) /* already */
  :: !(token != 0 && settled == token) && ACCEPTS(token) ->
    if :: lease != 0 && OWNER(lease) != p -> notByOwner = true :: else fi;
    if :: GRANT(token) < lastGrant -> outOfOrder = true :: else fi;
    lastGrant = GRANT(token);
    accepted++;
    acceptedAt[p] = accepted;
    lease = 0; named = 0; takeovers = 0; unwanted = 0; abandoned = NEVER; registered[p] = 0;
    forgetDeaths();
    grant = GRANT(token);
    settled = token;
    wakeFollowers(p)
  :: else -> withdrawDeath(token); unregister(p)
  fi
}

inline wakeFollowers(p) {
  for (q : 1 .. N) {
    if
    :: registered[q] != 0 && registered[q] <= GRANT(token) ->
      registered[q] = 0;
#ifdef POINTERS
      tell(q, WAKE_POINTER, token)
#else
      tell(q, WAKE_SETTLED, token)
#endif
    :: else
    fi
  }
}

#define FOLLOWED (registered[1] != 0 || registered[2] != 0 || registered[3] != 0)

/* resign.lua. `ifUnwanted`: only if nobody waits. `given`: whether leadership was given up, or was somebody else's. */
inline resign(p, ifUnwanted) {
  claim(p);
  given = true;
  if
  :: !ACCEPTS(token) -> withdrawDeath(token); unregister(p)
  :: else ->
    registered[p] = 0;
    if
    :: ifUnwanted && FOLLOWED -> unwanted = token; given = false
    :: else ->
      lease = 0;
      withdrawDeath(token);
      named = 0; unwanted = 0;
      if
      :: !FOLLOWED -> takeovers = 0; abandoned = NEVER; forgetDeaths(); if :: settled == 0 -> grant = 0 :: else fi
      :: else
      fi;
      for (q : 1 .. N) { if :: registered[q] != 0 -> tell(q, WAKE_RESIGNED, token) :: else fi }
    fi
  fi
}

/* leave.lua */
inline leave(p) {
  unregister(p)
}

/* forget.lua */
inline forget() {
  token = (lease != 0 -> lease : named);
  if :: grant > forgotGrant -> forgotGrant = grant :: else fi;
  if
  :: token != 0 || settled != 0 ->
    for (q : 1 .. N) { if :: registered[q] != 0 -> tell(q, WAKE_FORGOTTEN, token) :: else fi };
    if :: token != 0 -> tell(OWNER(token), WAKE_FORGOTTEN, token) :: else fi
  :: else
  fi;
  lease = 0; named = 0; takeovers = 0; settled = 0; unwanted = 0; abandoned = NEVER;
  forgetDeaths();
  token = 0
}

/* renew.lua, for a leader that lives. */
inline renew(token_) {
  lease = token_;
  named = token_;
  withdrawDeath(token_);
  if :: GRANT(token_) > grant -> grant = GRANT(token_) :: else fi;
  /* The beat has moved: whoever read it before knows nothing any more. */
  for (q : 1 .. N) { suspected[q] = 0 }
}
