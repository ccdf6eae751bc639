/* The table of all routes. */
#include "handlers.h"

#define ROOT            "/api/v1"
#define PARAMETERS(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct http_route api_routes[] = {
    {"GET", "/healthz", HTTP_OPEN, api_healthz, NULL},
    {"GET", "/readyz", HTTP_OPEN, api_readyz, NULL},
    {"GET", ROOT "/version", HTTP_OWNER_ONLY, api_version, NULL},
    {"GET", ROOT "/openapi.yaml", HTTP_OWNER_ONLY, api_openapi, NULL},
    {"POST", ROOT "/backup", HTTP_OWNER_ONLY, api_backup, NULL},

    {"GET", ROOT "/sweeps", HTTP_OWNER_ONLY, api_list_sweeps, PARAMETERS("status", "experiment", "limit", "after")},
    {"POST", ROOT "/sweeps", HTTP_OWNER_ONLY, api_submit, NULL},
    {"GET", ROOT "/sweeps/{id}", HTTP_OWNER_ONLY, api_get_sweep, NULL},
    {"PATCH", ROOT "/sweeps/{id}", HTTP_OWNER_ONLY, api_change_sweep, NULL},
    {"DELETE", ROOT "/sweeps/{id}", HTTP_OWNER_ONLY, api_delete_sweep, NULL},
    {"POST", ROOT "/sweeps/{id}/cancel", HTTP_OWNER_ONLY, api_cancel_sweep, NULL},
    {"POST", ROOT "/sweeps/{id}/ask", HTTP_OWNER_ONLY, api_ask, NULL},
    {"POST", ROOT "/sweeps/{id}/fail", HTTP_OWNER_ONLY, api_fail, NULL},
    {"GET", ROOT "/sweeps/{id}/diagnostics", HTTP_OWNER_ONLY, api_diagnostics, NULL},
    {"GET", ROOT "/sweeps/{id}/config", HTTP_OWNER_ONLY, api_get_config, NULL},
    {"GET", ROOT "/sweeps/{id}/best", HTTP_OWNER_ONLY, api_best,
     PARAMETERS("include_failed", "include_canceled", "include_resume_from_runs")},
    {"GET", ROOT "/sweeps/{id}/children", HTTP_OWNER_ONLY, api_list_children, PARAMETERS("limit", "after")},
    {"GET", ROOT "/sweeps/{id}/children/sorted", HTTP_OWNER_ONLY, api_sorted, PARAMETERS("top", "reverse", "discard_no_metric")},
    {"GET", ROOT "/sweeps/{id}/hyperparameters", HTTP_OWNER_ONLY, api_hyperparameters, NULL},
    {"GET", ROOT "/sweeps/{id}/metrics", HTTP_OWNER_ONLY, api_sweep_metrics, PARAMETERS("form")},
    {"GET", ROOT "/sweeps/{id}/log", HTTP_OWNER_ONLY, api_sweep_log, PARAMETERS("follow")},
    {"GET", ROOT "/sweeps/{id}/events", HTTP_OWNER_ONLY, api_sweep_events, PARAMETERS("from", "last_event_id", "follow")},

    {"GET", ROOT "/devices", HTTP_OWNER_ONLY, api_list_devices, NULL},
    {"PATCH", ROOT "/devices/{id}", HTTP_OWNER_ONLY, api_change_device, NULL},

    {"GET", ROOT "/runs/{id}", HTTP_OWN_RUN, api_get_run, NULL},
    {"POST", ROOT "/runs/{id}/cancel", HTTP_OWNER_ONLY, api_cancel_run, NULL},
    {"POST", ROOT "/runs/{id}/complete", HTTP_OWN_RUN, api_complete_run, NULL},
    {"POST", ROOT "/runs/{id}/fail", HTTP_OWN_RUN, api_fail_run, NULL},
    {"GET", ROOT "/runs/{id}/metrics", HTTP_OWN_RUN, api_run_metrics, PARAMETERS("form", "from")},
    {"POST", ROOT "/runs/{id}/metrics", HTTP_OWN_RUN, api_report, NULL},
    {"GET", ROOT "/runs/{id}/logs", HTTP_OWN_RUN, api_list_logs, NULL},
    {"GET", ROOT "/runs/{id}/logs/{name...}", HTTP_OWN_RUN, api_get_log, PARAMETERS("follow")},

    {"GET", ROOT "/events", HTTP_OWNER_ONLY, api_events, PARAMETERS("from", "last_event_id", "follow")},
    {0},
};
