/* How `hyperdrive report` gets a report to the daemon: by a request, or through the run's spool when the daemon stays away.
 *
 * Reports that earlier calls have kept there go first, so that points are stored in the order of the calls. Those of libhyperdrive's
 * reporters are left alone: each sends its own while it lives. */
#ifndef HD_CLIENT_REPORT_DELIVERY_H
#define HD_CLIENT_REPORT_DELIVERY_H

#include "client.h"
#include "reporter_name.h"

/* What the reporters of this command begin with, and no other's. */
#define REPORT_PREFIX "report-"
enum { REPORT_SEQUENCE = 1, REPORT_NAME_SIZE = sizeof(REPORT_PREFIX) - 1 + HD_REPORTER_NAME_SIZE };

struct report_delivery {
    struct client *client; /* connected */
    const char *path;      /* of the run's metrics */
    const char *spool;     /* folder; NULL: nothing can be kept */
    int64_t deadline_ms;   /* monotonic: what fails later is not tried again */
};

/* 0 when it is stored, with the daemon's answer, or when it is kept: then the answer stays empty, and stderr has said so. */
int report_deliver(const struct report_delivery *delivery, const char *reporter, const struct hd_text *body, struct rest_answer *ret_answer,
                   struct hd_error *error);

#endif
