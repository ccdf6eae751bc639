/* Options and operands of the command line: one table of options, from which they are read and explained. */
#ifndef HD_CLIENT_ARGUMENTS_H
#define HD_CLIENT_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"

enum option_id {
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_STATE_DIR,
    OPTION_URL,
    OPTION_JSON,
    OPTION_WATCH,
    OPTION_STATUS,
    OPTION_EXPERIMENT,
    OPTION_LIMIT,
    OPTION_TOP,
    OPTION_REVERSE,
    OPTION_DISCARD_NO_METRIC,
    OPTION_NO_FAILED,
    OPTION_NO_CANCELED,
    OPTION_NO_INHERITED,
    OPTION_FOLLOW,
    OPTION_STEP,
    OPTION_RETRY,
    OPTION_NUMBER,
    OPTION_MAX_TOTAL_RUNS,
    OPTION_MAX_CONCURRENT_RUNS,
    OPTION_YES,
    OPTION_POLICY,
    OPTION_CANCELED,
    OPTION_MIN_FREE,
    OPTION_ROLE,
    OPTION_REPLACE,
    OPTION_COUNT,
};

#define OPTION_BIT(option) (UINT32_C(1) << (option))
#define OPTIONS_COMMON     (OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_STATE_DIR) | OPTION_BIT(OPTION_URL) | OPTION_BIT(OPTION_JSON))

struct arguments {
    const char *value[OPTION_COUNT]; /* NULL: not given; "" for an option without a value */
    int64_t number[OPTION_COUNT];    /* of options that are numbers */
    char **operands;
    int operand_count;
};

/* Reads the options of `allowed` from the front of argv (argv[0] is skipped). With `permute` also those behind operands. `arguments` is
 * added to, not emptied. HD_INVALID on a fault. */
int arguments_read(struct arguments *arguments, int argc, char **argv, uint32_t allowed, bool permute, struct hd_error *error);
/* One line for each option of `shown`. */
void arguments_explain(FILE *out, uint32_t shown);

#endif
