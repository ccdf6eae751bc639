/* What the exit status of hyperdrived means. Service managers go by it: the units restart the daemon after any but EXIT_MISTAKE. */
#ifndef HYPERDRIVED_EXIT_CODES_H
#define HYPERDRIVED_EXIT_CODES_H

enum exit_code {
    EXIT_DONE = 0,    /* stopped as it was asked to, or said what was asked for */
    EXIT_FAILED = 1,  /* a start that may succeed another time: the port is taken, the disk is full; --check-database has
                       * found faults, or --check-config what another user may see or do */
    EXIT_MISTAKE = 2, /* somebody must put something right first: options, settings, who owns a file, a database that is gone */
};

#endif
