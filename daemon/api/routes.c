/* The table of all routes, and of what each role may do: a role may use the rows that need it or one before it. */
#include "handlers.h"

#define ROOT            "/api/v1"
#define PARAMETERS(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct http_route api_routes[] = {
    {"GET", "/healthz", HTTP_OPEN, 0, api_healthz, NULL},
    {"GET", "/readyz", HTTP_OPEN, 0, api_readyz, NULL},
    {"GET", ROOT "/version", HTTP_READ, 0, api_version, NULL},
    {"GET", ROOT "/openapi.yaml", HTTP_READ, 0, api_openapi, NULL},
    {"POST", ROOT "/backup", HTTP_ADMIN, HTTP_RECORDED, api_backup, NULL},

    {"GET", ROOT "/sweeps", HTTP_READ, 0, api_list_sweeps, PARAMETERS("status", "experiment", "limit", "after")},
    {"POST", ROOT "/sweeps", HTTP_SUBMIT, HTTP_RECORDED, api_submit, NULL},
    {"GET", ROOT "/sweeps/{id}", HTTP_READ, 0, api_get_sweep, NULL},
    {"PATCH", ROOT "/sweeps/{id}", HTTP_SUBMIT, HTTP_RECORDED, api_change_sweep, NULL},
    {"DELETE", ROOT "/sweeps/{id}", HTTP_ADMIN, HTTP_RECORDED, api_delete_sweep, NULL},
    {"POST", ROOT "/sweeps/{id}/cancel", HTTP_SUBMIT, HTTP_RECORDED, api_cancel_sweep, NULL},
    {"POST", ROOT "/sweeps/{id}/ask", HTTP_SUBMIT, HTTP_RECORDED, api_ask, NULL},
    {"POST", ROOT "/sweeps/{id}/fail", HTTP_SUBMIT, 0, api_fail, NULL},
    {"GET", ROOT "/sweeps/{id}/diagnostics", HTTP_READ, 0, api_diagnostics, NULL},
    {"GET", ROOT "/sweeps/{id}/config", HTTP_READ, 0, api_get_config, NULL},
    {"GET", ROOT "/sweeps/{id}/best", HTTP_READ, 0, api_best, PARAMETERS("include_failed", "include_canceled", "include_resume_from_runs")},
    {"GET", ROOT "/sweeps/{id}/children", HTTP_READ, 0, api_list_children, PARAMETERS("limit", "after")},
    {"GET", ROOT "/sweeps/{id}/children/sorted", HTTP_READ, 0, api_sorted, PARAMETERS("top", "reverse", "discard_no_metric")},
    {"GET", ROOT "/sweeps/{id}/hyperparameters", HTTP_READ, 0, api_hyperparameters, NULL},
    {"GET", ROOT "/sweeps/{id}/metrics", HTTP_READ, 0, api_sweep_metrics, PARAMETERS("form")},
    {"GET", ROOT "/sweeps/{id}/log", HTTP_READ, 0, api_sweep_log, PARAMETERS("follow")},
    {"GET", ROOT "/sweeps/{id}/events", HTTP_READ, 0, api_sweep_events, PARAMETERS("from", "last_event_id", "follow")},

    {"GET", ROOT "/devices", HTTP_READ, 0, api_list_devices, NULL},
    {"PATCH", ROOT "/devices/{id}", HTTP_ADMIN, HTTP_RECORDED, api_change_device, NULL},

    {"GET", ROOT "/runs/{id}", HTTP_READ, HTTP_OWN_RUN, api_get_run, NULL},
    {"POST", ROOT "/runs/{id}/cancel", HTTP_SUBMIT, HTTP_RECORDED, api_cancel_run, NULL},
    {"POST", ROOT "/runs/{id}/complete", HTTP_SUBMIT, HTTP_OWN_RUN | HTTP_RECORDED, api_complete_run, NULL},
    {"POST", ROOT "/runs/{id}/fail", HTTP_SUBMIT, HTTP_OWN_RUN | HTTP_RECORDED, api_fail_run, NULL},
    {"GET", ROOT "/runs/{id}/metrics", HTTP_READ, HTTP_OWN_RUN, api_run_metrics, PARAMETERS("form", "from")},
    {"POST", ROOT "/runs/{id}/metrics", HTTP_SUBMIT, HTTP_OWN_RUN, api_report, NULL},
    {"GET", ROOT "/runs/{id}/logs", HTTP_READ, HTTP_OWN_RUN, api_list_logs, NULL},
    {"GET", ROOT "/runs/{id}/logs/{name...}", HTTP_READ, HTTP_OWN_RUN, api_get_log, PARAMETERS("follow")},

    {"GET", ROOT "/tokens", HTTP_ADMIN, 0, api_list_tokens, NULL},
    {"POST", ROOT "/tokens", HTTP_ADMIN, HTTP_RECORDED, api_create_token, NULL},
    {"DELETE", ROOT "/tokens/{token}", HTTP_ADMIN, HTTP_RECORDED, api_revoke_token, NULL},

    {"GET", ROOT "/audit", HTTP_ADMIN, 0, api_list_audit, PARAMETERS("limit", "after")},

    {"GET", ROOT "/events", HTTP_READ, 0, api_events, PARAMETERS("from", "last_event_id", "follow")},
    {0},
};
