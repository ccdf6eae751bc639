/* The value of a metric point as JSON. */
#ifndef HYPERDRIVED_API_METRIC_VALUE_H
#define HYPERDRIVED_API_METRIC_VALUE_H

#include "core/text.h"
#include "store/store.h"

void metric_value_print(struct hd_text *text, const struct store_stored_point *point, const char *run_id);

#endif
