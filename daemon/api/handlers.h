/* The handlers of all routes, by the file that has them. Internal to the API. */
#ifndef HYPERDRIVED_API_HANDLERS_H
#define HYPERDRIVED_API_HANDLERS_H

#include "api.h"

/* submit.c */
http_handler api_submit;
/* sweep_api.c */
http_handler api_get_sweep, api_get_config, api_list_sweeps, api_cancel_sweep, api_fail, api_diagnostics;
/* What cancels of sweeps and of runs answer; `data` is the request. */
void api_reply_canceled(void *data, bool canceled, enum hd_status status, const struct hd_error *error);
/* False after a 400 when the request carries anything but an empty object. */
bool api_expect_no_body(struct http_request *request);
/* Answers with the sweep's resource. */
void api_reply_sweep(struct http_request *request, struct api *api, int64_t key, int status);
/* change.c */
http_handler api_change_sweep;
/* delete.c */
http_handler api_delete_sweep;
/* devices.c */
http_handler api_list_devices, api_change_device;
/* tokens.c */
http_handler api_list_tokens, api_create_token, api_revoke_token;
/* audit.c */
http_handler api_list_audit;
/* ask.c */
http_handler api_ask, api_complete_run, api_fail_run;
/* run_api.c */
http_handler api_get_run, api_list_children, api_cancel_run;
/* ranking.c */
http_handler api_best, api_sorted, api_hyperparameters;
/* metrics.c */
http_handler api_sweep_metrics, api_run_metrics;
/* report.c */
http_handler api_report;
/* sweep_log.c */
http_handler api_sweep_log;
/* events.c */
http_handler api_events, api_sweep_events;
/* logs.c */
http_handler api_list_logs, api_get_log;
/* health.c */
http_handler api_healthz, api_readyz, api_version;
/* backup.c */
http_handler api_backup;
/* openapi.c */
http_handler api_openapi;

#endif
