/* What all commands share: the command line, the output, the connection. */
#ifndef HD_CLIENT_CLIENT_H
#define HD_CLIENT_CLIENT_H

#include <stdbool.h>

#include "arguments.h"
#include "core/error.h"
#include "output.h"
#include "rest.h"

/* Exit codes; part of the interface. */
enum {
    EXIT_OK = 0,
    EXIT_NOT_COMPLETED = 1, /* the sweep did not end Completed */
    EXIT_FAULT = 1,         /* doctor found something wrong */
    EXIT_USAGE = 2,         /* usage, or invalid input */
    EXIT_NOT_FOUND = 3,
    EXIT_CONFLICT = 4,
    EXIT_REFUSED = 5,
    EXIT_NO_CONNECTION = 6,
};

struct client;
typedef int command_function(struct client *client, struct hd_error *error); /* an exit code, or a negative hd_code */

struct command {
    const char *name;
    const char *operands; /* of its usage line */
    const char *summary;  /* one line */
    const char *help;     /* what one must know, and examples */
    uint32_t options;     /* beside OPTIONS_COMMON */
    int least, most;      /* operands; most < 0: any number */
    command_function *run;
};

struct client {
    const struct command *command;
    struct arguments arguments;
    struct output output;  /* stdout */
    struct rest *rest;     /* from client_connect() on */
    struct hd_text source; /* of the file that is submitted; owned */
};

/* Finds the daemon, once. Nothing is sent yet. */
int client_connect(struct client *client, struct hd_error *error);

/* The id that an operand names: itself, or with `last`, or without an operand, that of the newest sweep. Connects. Owned by the caller. */
int client_id(struct client *client, int operand, char **ret_id, struct hd_error *error);

/* GET of /sweeps/{id}, or when there is no such sweep of /runs/{id}. */
int client_find(struct client *client, const char *id, bool *ret_run, struct rest_answer *ret_answer, struct hd_error *error);

/* Gives every child of a sweep, in order; they are read page by page. `take` returns 0, or a negative code that ends it. */
typedef int client_child(void *data, const cJSON *run, struct hd_error *error);
int client_children(struct client *client, const char *sweep, client_child *take, void *data, struct hd_error *error);

/* "/sweeps/{id}" or "/runs/{id}" and what follows it; look at `failed`. */
struct hd_text client_path(const char *collection, const char *id, const char *rest);

/* GET whose answer goes to stdout, unchanged, however long. Takes over and frees the path. */
int client_print_json(struct client *client, struct hd_text *path, struct hd_error *error);

/* Prints a failure: its sentence, and the details below it. Returns the exit code. */
int client_fail(const struct client *client, const struct hd_error *error);

/* Follows a sweep until it ends. `id` is the sweep's. */
int watch_sweep(struct client *client, const char *id, struct hd_error *error);

/* Creates a sweep, once: sent again with the same key when the connection breaks before the answer. */
int client_submit(struct client *client, const cJSON *specification, struct rest_answer *ret_answer, struct hd_error *error);

/* Waits; short enough for what asks again and again. */
void client_pause(long milliseconds);
/* Of a clock that nobody sets. */
int64_t client_now_ms(void);

command_function command_submit, command_list, command_show, command_watch, command_best, command_children, command_hyperparameters,
    command_metrics, command_config, command_logs, command_cancel, command_replay, command_retry, command_report, command_validate,
    command_sample, command_set, command_delete, command_devices, command_doctor, command_events, command_token, command_audit,
    command_backup;

#endif
