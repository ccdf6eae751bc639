/* The API: one file per resource. A handler reads a request, calls sweep/ or store/, writes a reply. */
#ifndef HYPERDRIVED_API_H
#define HYPERDRIVED_API_H

#include "http/http.h"
#include "lane.h"
#include "store/store.h"
#include "sweep/sweep.h"

struct event_hub;
struct followers;

struct api {
    uv_loop_t *loop;
    struct store *store;
    struct event_hub *events;
    struct followers *followers;
    struct sweeps *sweeps; /* NULL until everything is taken up: then the daemon is not ready */
    const char *state_dir;
    const char *monitor, *configuration_file; /* as told by /version; the file may be NULL */
    char instance[24];                        /* of this start; part of entity tags, so that none outlives the program that made it */
    struct http_server *http;                 /* NULL while the daemon starts */
    int big_answers;                          /* atomic; at most so many at once are larger than an answer in memory */
    int big_answers_open;                     /* atomic */
    int64_t newest_audit;                     /* key of the newest row of the record of who did what */
    int64_t audit_days;                       /* that rows are kept */
    bool looking_again;                       /* whether reads work */
    struct api_check {
        int64_t at_us;    /* when the last look through the database ended; 0: there was none yet */
        char fault[1024]; /* what it found first; "": nothing */
    } check;
    struct lane lane;         /* its part of the pool */
    int jobs;                 /* on the pool; their ends may still use the store */
    void (*idle)(void *data); /* waits for the last of them */
    void *idle_data;
};

/* Calls `idle` when no job of the API is on the pool any more, maybe at once. */
void api_when_idle(struct api *api, void (*idle)(void *data), void *data);

/* Removes what a daemon that was killed in the middle of a backup has left in the state folder. */
void api_backup_clear(const char *state_dir);

extern const struct http_route api_routes[];

#endif
