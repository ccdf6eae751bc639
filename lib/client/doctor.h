/* `hyperdrive doctor`: what the checks share. Each check is one function and one row of the table in doctor.c. */
#ifndef HD_CLIENT_DOCTOR_H
#define HD_CLIENT_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client.h"
#include "core/text.h"
#include "find.h"

enum doctor_result {
    DOCTOR_OK,
    DOCTOR_WARNING, /* works, but not as it should */
    DOCTOR_FAULT,
    DOCTOR_UNKNOWN, /* the check cannot be made here */
    DOCTOR_RESULTS,
};

/* What one check found: a sentence that says what is, and if that is wrong what would be right. */
struct doctor_finding {
    enum doctor_result result;
    struct hd_text message;
};

/* What all checks may look at; learnt once, before the first of them. */
struct doctor {
    struct client *client;
    char *folder;           /* state folder; owned */
    struct address address; /* with a url only if one was found */
    struct hd_error address_error;
    cJSON *version; /* what the daemon tells about itself; NULL: it did not */
    struct hd_error version_error;
    bool local;         /* the daemon's folder and process can be looked at here */
    pid_t pid;          /* with `local` */
    double ahead;       /* seconds that the daemon's clock is ahead of ours */
    double uncertainty; /* of it: half the time of the request */
    int64_t free_least; /* bytes that should be free */
};

typedef void doctor_check(struct doctor *doctor, struct doctor_finding *finding);

void doctor_found(struct doctor_finding *finding, enum doctor_result result, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* doctor_daemon.c */
doctor_check doctor_check_address, doctor_check_reachable, doctor_check_token, doctor_check_version, doctor_check_database,
    doctor_check_clock, doctor_check_devices, doctor_check_run_limits;
/* doctor_folder.c */
doctor_check doctor_check_folder, doctor_check_secrets, doctor_check_file_system, doctor_check_free_space, doctor_check_lock;
/* Whether the folder of a daemon that does not run has runs, and no database: then that was found. */
bool doctor_database_is_gone(const struct doctor *doctor, struct doctor_finding *finding);
/* doctor_machine.c */
doctor_check doctor_check_monitor, doctor_check_configuration, doctor_check_systemd;
/* doctor_python.c */
doctor_check doctor_check_python;
/* doctor_process.c */
doctor_check doctor_check_limits, doctor_check_leftovers;

/* doctor_run.c: runs a program (argv[0] is looked for in PATH) for at most 10 s, and takes what it says on stdout and stderr, up to 64 KiB.
 * Its exit code; negative: it could not be run, did not end in time, or ended by a signal. */
int doctor_run(char *const argv[], struct hd_text *ret_said);
/* doctor_run.c: a small file, as of /proc, up to 64 KiB. False when it cannot be read. */
bool doctor_read(const char *path, struct hd_text *ret_content);
/* doctor_run.c: the value of a variable in an environment of `length` bytes as /proc shows it; NULL: it has none. */
const char *doctor_variable(const char *environment, size_t length, const char *name);

#endif
