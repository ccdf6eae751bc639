#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings_row.h"

enum { OPTION_CONFIG = SETTINGS_ROWS, OPTION_CHECK_CONFIG, OPTION_CHECK_DATABASE, OPTION_VERSION, OPTION_HELP, OPTIONS, NAME_SIZE = 32 };

/* getopt's answers must not be characters of short options. */
enum { ANSWER_BASE = 1000 };

/* "state_dir" as it is typed: "state-dir". */
static void option_name(const struct settings_row *row, char buffer[NAME_SIZE])
{
    snprintf(buffer, NAME_SIZE, "%s", row->name);
    for (char *at = buffer; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
}

static void fill_table(char names[SETTINGS_ROWS][NAME_SIZE], struct option table[OPTIONS + 1])
{
    static const struct option others[] = {
        {"config", required_argument, NULL, ANSWER_BASE + OPTION_CONFIG},
        {"check-config", no_argument, NULL, ANSWER_BASE + OPTION_CHECK_CONFIG},
        {"check-database", no_argument, NULL, ANSWER_BASE + OPTION_CHECK_DATABASE},
        {"version", no_argument, NULL, ANSWER_BASE + OPTION_VERSION},
        {"help", no_argument, NULL, ANSWER_BASE + OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    for (int i = 0; i < SETTINGS_ROWS; i++) {
        option_name(&settings_rows[i], names[i]);
        table[i] = (struct option){names[i], required_argument, NULL, ANSWER_BASE + i};
    }
    memcpy(&table[SETTINGS_ROWS], others, sizeof others);
}

/* `given` is what was typed: "--stat-dir=/x". */
static int unknown_option(const char *given, struct hd_error *error)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(given, "="), given);
    for (char *at = name + strspn(name, "-"); *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
    const struct settings_row *nearest = settings_row_nearest(name + strspn(name, "-"));
    if (nearest == NULL || strncmp(given, "--", 2) != 0)
        return hd_error_set(error, HD_INVALID, "there is no option '%.80s'; 'hyperdrived --help' lists them all", given);
    option_name(nearest, name);
    return hd_error_set(error, HD_INVALID, "there is no option '%.80s'; did you mean '--%s'?", given, name);
}

/* The argument that getopt_long just took for an option; its value may stand in one of its own. */
static const char *given_option(char **argv)
{
    return argv[optind - (optarg != NULL && optarg == argv[optind - 1] ? 2 : 1)];
}

/* getopt_long takes abbreviations too; but what is short for one setting today may be short for two tomorrow, and a slip must not start a
 * daemon. */
static bool is_whole_name(const char *given, const char *name)
{
    return strcspn(given, "=") == strlen(name) + 2 && strncmp(given + 2, name, strlen(name)) == 0;
}

int settings_options_read(int argc, char **argv, struct settings_options *ret_options, struct hd_error *error)
{
    char names[SETTINGS_ROWS][NAME_SIZE];
    struct option table[OPTIONS + 1];
    struct settings_options options = {0};
    fill_table(names, table);
    optind = 0; /* glibc: forget an earlier argv */
    for (int answer; (answer = getopt_long(argc, argv, "+:", table, NULL)) != -1;) {
        if (answer == ':')
            return hd_error_set(error, HD_INVALID, "the option '%.80s' needs a value", argv[optind - 1]);
        if (answer >= ANSWER_BASE && !is_whole_name(given_option(argv), table[answer - ANSWER_BASE].name))
            return unknown_option(given_option(argv), error);
        if (answer == ANSWER_BASE + OPTION_HELP)
            options.help = true;
        else if (answer == ANSWER_BASE + OPTION_VERSION)
            options.version = true;
        else if (answer == ANSWER_BASE + OPTION_CHECK_CONFIG)
            options.check_only = true;
        else if (answer == ANSWER_BASE + OPTION_CHECK_DATABASE)
            options.check_database = true;
        else if (answer == ANSWER_BASE + OPTION_CONFIG)
            options.configuration_file = optarg;
        else if (answer >= ANSWER_BASE)
            options.values[answer - ANSWER_BASE] = optarg;
        else
            return unknown_option(argv[optind - 1], error);
    }
    if (optind < argc)
        return hd_error_set(error, HD_INVALID, "'%.80s' is no option; every option begins with '--'", argv[optind]);
    *ret_options = options;
    return 0;
}

/* A path of the command line counts from the current folder, one of the file must be absolute. */
static int apply_path(const struct settings_row *row, const char *subject, const char *path, struct settings *settings,
                      struct hd_error *error)
{
    char *folder = getcwd(NULL, 0);
    char *absolute = NULL;
    int result;
    if (folder == NULL)
        result = hd_error_set(error, HD_INVALID, "%s: the current folder is gone; give an absolute path", subject);
    else if (asprintf(&absolute, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path) < 0) {
        absolute = NULL;
        result = hd_error_set(error, HD_UNAVAILABLE, "%s: out of memory", subject);
    } else
        result = settings_value_set(row, subject, absolute, settings, error);
    free(absolute);
    free(folder);
    return result;
}

int settings_options_apply(const struct settings_options *options, struct settings *settings, struct hd_error *error)
{
    for (size_t i = 0; i < SETTINGS_ROWS; i++) {
        const struct settings_row *row = &settings_rows[i];
        const char *value = options->values[i];
        char name[NAME_SIZE], subject[NAME_SIZE + 2];
        option_name(row, name);
        snprintf(subject, sizeof subject, "--%s", name);
        if (value == NULL)
            continue;
        bool relative = row->kind == SETTINGS_PATH && value[0] != '/' && value[0] != '\0';
        int result = relative ? apply_path(row, subject, value, settings, error) : settings_value_set(row, subject, value, settings, error);
        if (result != 0)
            return result;
        settings->lines[i] = 0;
    }
    return 0;
}

static void print_default(const struct settings_row *row)
{
    char *place = NULL;
    if (row->offset == offsetof(struct settings, state_dir))
        place = settings_place_of_state();
    else if (row->offset == offsetof(struct settings, monitor))
        place = settings_place_of_monitor();
    const char *text = row->default_text != NULL ? row->default_text : place;
    if (text != NULL)
        printf("        Default: %s\n", text);
    free(place);
}

void settings_options_print_help(void)
{
    char *file = settings_place_of_file();
    printf("Usage: hyperdrived [OPTION VALUE]...\n"
           "Runs hyperparameter sweeps and answers for them over HTTP.\n\n"
           "  --config FILE\n        read FILE instead of %s\n"
           "  --check-config\n        say whether configuration file and options are right, and stop\n"
           "  --check-database\n        say whether the database of the state folder is whole, and stop; a daemon may run meanwhile\n"
           "  --version\n        print the version and stop\n"
           "  --help\n        print this and stop\n\n"
           "Settings. In the configuration file they are lines 'name = value', with '_' instead of '-'; an option overrides the file.\n"
           "SIGHUP makes a running daemon read the file again.\n"
           "A SIZE has a unit (B, kB, MB, GB, KiB, MiB, GiB), a DURATION too (us, ms, s, min, h, d).\n\n",
           file != NULL ? file : "the default file");
    free(file);
    for (size_t i = 0; i < SETTINGS_ROWS; i++) {
        char name[NAME_SIZE];
        option_name(&settings_rows[i], name);
        printf("  --%s %s\n        %s\n", name, settings_kind_placeholder(settings_rows[i].kind), settings_rows[i].help);
        if (!settings_rows[i].reloadable)
            puts("        A change needs a restart.");
        print_default(&settings_rows[i]);
    }
    printf("\nExamples:\n"
           "  hyperdrived\n"
           "  hyperdrived --state-dir /tmp/sweeps --listen 127.0.0.1:0 --slots 4\n"
           "  hyperdrived --config /etc/hyperdrive/hyperdrived.conf --check-config\n");
}
