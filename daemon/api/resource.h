/* What the resources share: finding them by id, and printing them. */
#ifndef HYPERDRIVED_API_RESOURCE_H
#define HYPERDRIVED_API_RESOURCE_H

#include "api.h"

/* Finds the sweep of the route's first part; answers 404 itself and returns false when there is none (or the daemon is not ready). */
bool resource_find_sweep(struct http_request *request, struct api *api, struct store_found *ret_found);
bool resource_find_run(struct http_request *request, struct api *api, struct store_found *ret_found);

/* What has ended never changes again: names it for caches, and true when the client has it and was told so. `found` is the sweep or run
 * that all of the answer is about. */
bool resource_unchanged(struct http_request *request, const struct api *api, const struct store_found *found);

/* Members of objects; `comma` puts one before. */
void resource_string(struct hd_text *text, const char *name, const char *value); /* ,"name":"value" or null */
void resource_instant(struct hd_text *text, const char *name, int64_t at_us);    /* 0: null */
void resource_json(struct hd_text *text, const char *name, const char *json);    /* NULL: null */

/* The sweep resource of reference 2.1. `with_config` false leaves `config` out (lists). */
int resource_print_sweep(struct hd_text *text, struct store_reader *reader, const struct store_sweep *sweep, bool with_config,
                         struct hd_error *error);
void resource_print_run(struct hd_text *text, const struct store_run *run, const char *state_dir);

#endif
