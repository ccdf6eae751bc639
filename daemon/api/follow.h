/* A run's log as it grows: an answer that ends when the run has ended and all of its log was sent.
 *
 * Files are looked at every quarter of a second. inotify would say sooner, and say it for every line that a training prints; it says
 * nothing on network file systems, where run folders may lie, and its watches are few and shared by all programs of a user. */
#ifndef HYPERDRIVED_API_FOLLOW_H
#define HYPERDRIVED_API_FOLLOW_H

#include "api.h"

struct followers;

int followers_open(struct followers **ret_followers, struct api *api, struct hd_error *error);
/* All streams must be gone, and the API idle. NULL is fine; freed when the loop has let go. */
void followers_close(struct followers *followers);

struct follow_wish {
    int64_t run;  /* key */
    char *folder; /* of the run; owned by the wish, and so is the name */
    char *name;
    int file;          /* open for reading; -1: there is none yet */
    int64_t size;      /* of it */
    int64_t kept_from; /* what stands before is gone */
};
/* Answers the request, from the first byte of its Range header on. Takes over what the wish owns. */
void followers_serve(struct followers *followers, struct http_request *request, const struct follow_wish *wish);

#endif
