/* The table of settings: one row each, from which the file parser, the options, --help and the defaults are made. */
#ifndef HYPERDRIVED_SETTINGS_ROW_H
#define HYPERDRIVED_SETTINGS_ROW_H

#include <stddef.h>

#include "settings.h"

enum settings_kind {
    SETTINGS_PATH,     /* char *, absolute */
    SETTINGS_ADDRESS,  /* char *, "127.0.0.1:8700", "[::1]:8700", "unix:/run/hyperdrive/socket" */
    SETTINGS_INTEGER,  /* int64_t */
    SETTINGS_BYTES,    /* int64_t, written with a unit */
    SETTINGS_DURATION, /* int64_t microseconds, written with a unit */
    SETTINGS_BOOLEAN,  /* bool */
    SETTINGS_LEVEL,    /* int, a syslog number */
    SETTINGS_NAMES,    /* char **, ends in NULL: names of variables, or their beginnings */
    SETTINGS_HOSTS,    /* the same: names of machines */
    SETTINGS_USERS,    /* the same: names of Unix users */
    SETTINGS_ROLES,    /* the same: users and groups, and what they may do */
    SETTINGS_CGROUP,   /* char *, "auto", "no", or an absolute path */
    SETTINGS_GPUS,     /* char *, "auto", "none", or a list of positions, UUIDs and PCI addresses */
};

struct settings_row {
    const char *name; /* as in the file; as an option its underscores become dashes */
    enum settings_kind kind;
    size_t offset;            /* of its field in struct settings */
    const char *default_text; /* as it would stand in the file; NULL: none, or settings_place_of_... finds it */
    const char *zero_word;    /* a word that may stand for the integer 0, or NULL */
    int64_t minimum, maximum; /* of the three kinds that are numbers */
    bool reloadable;          /* SIGHUP takes a new value; the others need a restart */
    const char *help;         /* one sentence without a final stop */
};

extern const struct settings_row settings_rows[SETTINGS_ROWS];

/* NULL if no row has this name. */
const struct settings_row *settings_row_find(const char *name);
/* The row whose name is nearest to a mistyped one; NULL if none is near. */
const struct settings_row *settings_row_nearest(const char *name);

/* What stands for a value of this kind in --help: "PATH", "SIZE". */
const char *settings_kind_placeholder(enum settings_kind kind);
/* Reads `text` into the row's field and frees what was there. `subject` begins the error's sentence: "'slots'", "--slots". */
int settings_value_set(const struct settings_row *row, const char *subject, const char *text, struct settings *settings,
                       struct hd_error *error);
void settings_value_clear(const struct settings_row *row, struct settings *settings);
bool settings_value_equal(const struct settings_row *row, const struct settings *a, const struct settings *b);
/* Exchanges the row's field. */
void settings_value_swap(const struct settings_row *row, struct settings *a, struct settings *b);

/* What the command line said. All strings belong to argv. */
struct settings_options {
    const char *configuration_file;
    bool check_only, check_database, help, version;
    const char *values[SETTINGS_ROWS]; /* in the order of the table; NULL: not given */
};

int settings_options_read(int argc, char **argv, struct settings_options *ret_options, struct hd_error *error);
int settings_options_apply(const struct settings_options *options, struct settings *settings, struct hd_error *error);
void settings_options_print_help(void);

/* Reads the file over what `settings` holds. A missing file is an error only if it `must_exist`; `ret_found` says if there was one. */
int settings_file_read(const char *path, bool must_exist, struct settings *settings, bool *ret_found, struct hd_error *error);

/* Where things are if nobody says so. The caller frees the string; NULL when memory is short, or when there is no home folder to look in.
 */
char *settings_place_of_file(void);
char *settings_place_of_state(void);
char *settings_place_of_monitor(void);

#endif
