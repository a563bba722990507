/* What Redis holds, what processes hold, and what only the claims look at. */

/* A token: the grant, and whose attempt it is. Each process makes one call, so a process stands for its nonce, too. */
#define TOKEN(grant, p) ((grant) * 4 + (p))
#define GRANT(token) ((token) / 4)
#define OWNER(token) ((token) % 4)

/* The two keys of the flight; 0 is a field that is not there. */
byte lease;
byte named;
byte grant;
byte takeovers;
byte settled;
byte unwanted;
byte death[N + 1]; /* the field d:<token>, at its process */
byte registered[N + 1]; /* the grant followed */
mtype = { NEVER, ABANDONED_NOW, ABANDONED_ONCE };
mtype abandoned = NEVER;
/* The server's clock, as far as grants look at it. */
byte now = 1;

/* Inboxes: pub/sub, so that what is sent while nobody listens is lost. */
mtype = { WAKE_SETTLED, WAKE_POINTER, WAKE_RESIGNED, WAKE_FORGOTTEN, WAKE_UNWANTED };
chan inbox[N + 1] = [2] of { mtype, byte };
bool listens[N + 1];

/* Processes. */
mtype = { LEAD, FOLLOW, SETTLED, ABANDON };
bool ended[N + 1]; /* its caller has been answered, or has left */
bool crashed[N + 1];
bool paused[N + 1];
bool alone[N + 1]; /* runs the work without knowing whether it leads: its join got no reply */
bool joining[N + 1]; /* a join is under way, and may be sent again */
byte followed[N + 1]; /* the token followed */
/* The leader's inbox was empty, and its beat has not moved since: the token that is suspected. */
byte suspected[N + 1];

/* For the claims. */
byte working; /* leaders that run the work */
bool excused; /* something has happened that may make two run it at a time */
byte crashes, pauses, drops, losses, lostSettles, resigns, leaves, forgets, early, retains;
bool failedOver, snapped;
byte accepted; /* settles that were accepted */
byte acceptedAt[N + 1];
byte began[N + 1]; /* how many had been accepted when its call began */
byte forgotGrant; /* of the flight that was forgotten */
bool afterForget[N + 1];
byte lastGrant;
bool outOfOrder, notByOwner, stale, tooMany, wronglyAbandoned;
