/* The record of who did what: each request that may change something, but not the reports of runs, which are many and say themselves whose
 * they are. Nothing of a body is in it.
 *
 * The row of a request is handed to the writer before its handler is called. Writes are done in their order, so no change that the handler
 * makes is ever durable without it; and when it cannot be written there is no change. */
#ifndef HYPERDRIVED_API_AUDIT_H
#define HYPERDRIVED_API_AUDIT_H

#include "api.h"

/* Learns from the store where the record ends. Before the first request. */
int audit_open(struct api *api, struct hd_error *error);
/* For struct http_settings. */
bool audit_record(void *api, struct http_request *request);
/* What the request turned out to be about: the sweep that it made, the child that it was given. Before it is answered. */
void audit_set_target(struct http_request *request, const char *id);

#endif
