/* A sweep's specification: JSON of reference section 4 -> checked values, every default filled in, every error and warning found. */
#ifndef HD_CORE_SPECIFICATION_H
#define HD_CORE_SPECIFICATION_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "goal.h"
#include "policy.h"
#include "problems.h"
#include "sampling.h"
#include "space.h"
#include "status.h"

/* Who starts the children. Stored in databases: never renumber. */
enum hd_launcher { HD_LAUNCHER_NONE = 0, HD_LAUNCHER_LOCAL = 1, HD_LAUNCHER_SLURM = 2, HD_LAUNCHER_CLIENT = 3 };

struct hd_run_config {
    enum hd_launcher launcher;
    const char *source_directory; /* absolute, or NULL */
    const char *script;           /* relative to it, or NULL: then a command, or a client needs neither */
    const char *interpreter;      /* NULL: the script is executed itself */
    const cJSON *arguments;       /* array of scalars */
    const cJSON *command;         /* string or array of strings; NULL with a script */
    const cJSON *inputs;          /* object: literals, and objects with `type`, `mode`, `path` */
    const cJSON *outputs;         /* object of objects; each is a folder of that name among the child's outputs, made before its start */
    const cJSON *environment;     /* object of strings */
    const char *run_as;           /* Unix user as whom the children run; NULL: as the daemon's own */
    bool snapshot;
    double gpus_per_run; /* a whole number, or a fraction below 1: then children share a GPU */
    double cpus_per_run;
    int64_t memory_limit_mb; /* MiB; 0: none */
    int64_t process_limit;   /* processes and threads; 0: none */
    bool cpu_limit;          /* holds the run to cpus_per_run */
    int64_t max_retries;
    const cJSON *retry_on; /* array of causes: "signal", "lost", "out_of_memory", {"exit_code": [...]}, {"pattern": "..."} */
};

struct hd_specification {
    cJSON *config; /* owned: the object that `hyperdrive_config` answers; all strings here point into it */
    const char *experiment;
    const char *name; /* these three NULL when absent */
    const char *display_name;
    const char *description;
    struct hd_sampling sampling;
    struct hd_space *space; /* owned */
    const char *metric;     /* NULL: no primary metric */
    enum hd_goal goal;
    struct hd_policy_rule policy; /* HD_POLICY_NONE: no early termination */
    int64_t max_total_runs;       /* filled in for a grid without one */
    int64_t max_concurrent_runs;  /* 0: as many as there are free slots */
    int64_t max_duration_us;
    int64_t trial_timeout_us;       /* 0: none; the smaller of the two fields that give it */
    int64_t initial_failure_limit;  /* 0: off */
    bool nested_flat;               /* nested_arguments is `flat` */
    const cJSON *resume_from;       /* array of ids, or null */
    const char **resume_child_runs; /* the children that the first of this sweep run again; owned, its strings are not */
    int64_t resumed_count;
    struct hd_run_config run;
};

/* What an id of an earlier sweep or run stands for. */
struct hd_earlier {
    enum { HD_EARLIER_NOTHING, HD_EARLIER_SWEEP, HD_EARLIER_RUN } kind;
    enum hd_status status; /* of the sweep, or of the run */
    int64_t sweep;         /* key of the sweep, or of the run's sweep: the same for all runs of one */
    const char *sweep_id;
    const char *metric; /* of that sweep; NULL: none */
    enum hd_goal goal;
};

/* What a machine has: no run may ask for more. */
struct hd_machine {
    double gpus, cpus;
    int64_t slots;         /* children at once */
    const char *no_limits; /* why runs cannot be held to limits, as the end of a sentence; NULL: they can */
};

struct hd_specification_options {
    int64_t seed;                                          /* taken when the input gives none; within +-HD_INTEGER_MAX */
    bool (*is_directory)(void *context, const char *path); /* NULL: not asked (the core does no I/O) */
    bool (*exists)(void *context, const char *path);       /* file or directory of an input; NULL: not asked */
    /* False when nobody can tell now, which the context then knows: nothing more is asked. Strings live until the next call. NULL: not
     * asked */
    bool (*find_earlier)(void *context, const char *id, struct hd_earlier *ret_earlier);
    /* Why children may not run as this user (NULL: as the daemon's own), in `reason`; true when they may. NULL: not asked */
    bool (*may_run_as)(void *context, const char *user, char *reason, size_t size);
    void *context;
    const struct hd_machine *machine; /* NULL: not asked */
    bool stored;                      /* it was accepted before: rules that are younger than that do not refuse it */
};

/* Reads `body`, which stays the caller's: the fields of section 4, or a sweep job of section 9. On success 0 and *ret filled; on any
 * finding -1 and all of them in `errors`, in the order of section 4.2. What `ret->config` holds, given again, makes an equal specification.
 */
int hd_specification_parse(const cJSON *body, const struct hd_specification_options *options, struct hd_problems *errors,
                           struct hd_problems *warnings, struct hd_specification *ret);
void hd_specification_clear(struct hd_specification *specification);

#endif
