/* The daemon's settings: built-in defaults, then hyperdrived.conf, then the command line. */
#ifndef HYPERDRIVED_SETTINGS_H
#define HYPERDRIVED_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

enum { SETTINGS_ROWS = 36 };

struct settings {
    char *configuration_file; /* the file that was read; NULL: none */
    char *state_dir;          /* absolute */
    char *listen;             /* "127.0.0.1:8700" */
    char **socket_access;     /* "alice:submit", "@students:read": who may do what without a token over a Unix socket; ends in NULL */
    char **allowed_hosts;     /* further names by which clients may ask; ends in NULL */
    char *tls_certificate;    /* PEM files; NULL: plain HTTP. Both or none */
    char *tls_key;
    char *tls_ca;           /* PEM file that children and the hyperdrive command are given; NULL: none */
    bool allow_plaintext;   /* others than this machine may be served without TLS */
    bool group_token;       /* the daemon's group may read STATE/token */
    int64_t slots;          /* children at once; 0: auto, one per GPU, or per CPU if there are none */
    char *gpus;             /* to hand out: "auto", "none", or a list */
    char *nvidia_smi;       /* path of the program */
    char *device_root;      /* in front of /proc, /sys, /dev and /run where GPUs and controllers are looked for */
    char *cgroup;           /* below which runs get theirs: "auto", "no", or a path */
    char *systemd_run;      /* path of the program */
    char *monitor;          /* path of hyperdrive-monitor */
    int64_t stop_grace_us;  /* between TERM and KILL */
    bool stop_children;     /* SIGTERM ends the children too */
    int64_t log_limit;      /* bytes of a child's log that are kept */
    int64_t snapshot_limit; /* bytes */
    int64_t body_limit;     /* bytes */
    int64_t connections;
    int64_t connections_per_address;
    int64_t header_timeout_us;
    int64_t body_timeout_us;
    int64_t idle_timeout_us;
    int64_t write_queue; /* bytes */
    int64_t big_answers; /* at once */
    int64_t policy_memory_mb;
    char **run_as_users;       /* users as whom children may run, where the daemon is root; ends in NULL */
    int64_t audit_days;        /* that the record of who did what is kept */
    char **environment_keep;   /* names (or PREFIX*) of the daemon's own environment that children get; ends in NULL */
    int64_t keep_days;         /* that a sweep is kept when it has ended; 0: for ever */
    int64_t keep_logs_mb;      /* MiB that the logs of ended runs may take in all; 0: no limit */
    int64_t check_interval_us; /* between looks through the database; 0: none */
    int log_level;             /* syslog numbers: 3 error, 4 warning, 6 info, 7 debug */
    bool check_only;           /* --check-config */
    bool check_database;       /* --check-database */
    int argument_count;        /* the command line, to be read again; it belongs to main() */
    char **arguments;
    int lines[SETTINGS_ROWS]; /* of the file in which each setting stands, in the order of the table; 0: in none */
};

/* Reads the command line and the file. 0: go on; 1: done (--help, --version: exit 0); negative: `error` says
 * file:line (or the option), what is wrong and what would be right (exit 2). Nothing is left to clear unless the answer is 0. */
int settings_load(struct settings *settings, int argc, char **argv, struct hd_error *error);
void settings_clear(struct settings *settings);
/* Puts file and line of this setting, if it stands there, before the error's message; returns its negative code. */
int settings_blame(const struct settings *settings, const char *name, struct hd_error *error);

/* Reads command line and file once more, as they are now. Any thread; on failure `settings` stay good and `ret_fresh` is not touched. */
int settings_read_again(const struct settings *settings, struct settings *ret_fresh, struct hd_error *error);
/* Moves what may change at run time from `fresh` to `settings`. `differs` is told each setting that is different, and whether it was taken
 * or needs a restart. What is left in `fresh` is still to be cleared. */
typedef void settings_difference(void *data, const char *name, bool taken);
void settings_take(struct settings *settings, struct settings *fresh, settings_difference *differs, void *data);

#endif
