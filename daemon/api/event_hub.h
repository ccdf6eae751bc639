/* The event table as streams: each stream is a cursor over its ordinals, so that nothing is lost or doubled between what was and what
 * comes.
 *
 * Streams that are up to date are fed together: the events of a commit are read once, and each is put into words once. A stream whose
 * reader is slow falls behind and reads for itself, in pieces, when there is room again. The points of runs are told apart from that,
 * merged, and only to who keeps up. */
#ifndef HYPERDRIVED_API_EVENT_HUB_H
#define HYPERDRIVED_API_EVENT_HUB_H

#include "http/http.h"
#include "store/store.h"

struct event_hub;

/* Listens to the store. The store must outlive it, and all streams must be gone before it is closed. */
int event_hub_open(struct event_hub **ret_hub, uv_loop_t *loop, struct store *store, struct hd_error *error);
void event_hub_close(struct event_hub *hub); /* NULL is fine; freed when the loop has let go */

struct event_wish {
    int64_t sweep;       /* key; 0: all, and the daemon itself */
    int64_t after;       /* the ordinal behind which it begins */
    bool lines;          /* lines of the sweep's log, as plain text; otherwise Server-Sent Events, with the merged points */
    bool follow;         /* false: it ends with what is stored now. A sweep's stream ends with the sweep in any case. */
    const char *preface; /* sent first; NULL: nothing */
};
/* True when the sweep has ended and has no event behind that ordinal: none will come. */
bool event_hub_is_over(const struct event_hub *hub, int64_t sweep, int64_t after);
/* Answers the request. */
void event_hub_serve(struct event_hub *hub, struct http_request *request, const struct event_wish *wish);

#endif
