/* The list of a run's log files. For pool threads. */
#ifndef HYPERDRIVED_API_LOG_LIST_H
#define HYPERDRIVED_API_LOG_LIST_H

#include <stdbool.h>

#include "core/text.h"

/* Appends the answer: every file that can be asked for by its name, in folders within the log folders too, up to a limit;
 * and whether the logs were removed. */
void log_list_print(const char *run_folder, bool removed, struct hd_text *text);

#endif
