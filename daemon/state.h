/* The state folder: made, locked against a second daemon, and the small files in it that tell where the daemon is. */
#ifndef HYPERDRIVED_STATE_H
#define HYPERDRIVED_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"

/* Descriptors that hold the state folder for the daemon's life; -1: none. */
struct state_locks {
    int file, folder;
};

/* Makes the folder and its parts, and takes its locks; with `passable` other users may go through it to what is theirs, else nobody may. A
 * folder of another user is refused, and one into which others may write is closed to them. */
int state_open(const char *state_dir, bool passable, struct state_locks *locks, struct hd_error *error);
void state_close(struct state_locks *locks);
/* Whether state_open() could make it, or use it; nothing is made or changed. */
int state_check(const char *state_dir, struct hd_error *error);

/* Makes the database's file, if it is missing, and closes it and its companions to others, whoever may go through the folder. Those of
 * another user are refused. */
int state_close_database(const char *path, struct hd_error *error);

enum { STATE_URL_SIZE = 512 };
/* What STATE/url records; "": nothing. */
void state_recorded_url(const char *state_dir, char *url, size_t size);
/* Its port; 0: none. */
int state_recorded_port(const char *state_dir);
/* For everybody who may look into the folder. */
int state_write_url(const char *state_dir, const char *url, struct hd_error *error);

#endif
