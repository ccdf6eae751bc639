/* What the launcher and the hyperdrive-monitor program agree on.
 *
 * hyperdrive-monitor RUN ATTEMPT [stopped] runs one attempt of the run whose folder is RUN as RUN/launch.json says, and outlives whoever
 * started it. With `stopped` it claims the attempt and ends it without executing anything. SIGTERM asks for the end of the whole tree.
 */
#ifndef HYPERDRIVED_MONITOR_H
#define HYPERDRIVED_MONITOR_H

/* A pipe to the launcher, if there is one: perhaps MONITOR_WAITING and a sentence, then MONITOR_RUNNING and microseconds, or MONITOR_FAILED
 * and a sentence; each ends in a newline. */
#define MONITOR_STATUS_FD 3
#define MONITOR_RUNNING   'R'
#define MONITOR_FAILED    'E'
#define MONITOR_WAITING   'W' /* it claimed the attempt, and tries to execute the program again and again */
#define MONITOR_LOCK_FILE "lock"
#define MONITOR_STOPPED   "stopped"

enum monitor_exit {
    MONITOR_EXIT_RECORDED = 0, /* the exit record is written */
    MONITOR_EXIT_USAGE = 2,
    MONITOR_EXIT_FULL = 69,    /* the disk is full: nothing was claimed */
    MONITOR_EXIT_FAILED = 70,  /* nothing was run: MONITOR_FAILED says why. Or the record could not be written */
    MONITOR_EXIT_BUSY = 75,    /* somebody holds RUN/lock */
    MONITOR_EXIT_CLAIMED = 76, /* RUN/started.<attempt> exists: the attempt ran before */
};

#endif
