#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings_row.h"

static int set_defaults(struct settings *settings, struct hd_error *error)
{
    for (size_t i = 0; i < SETTINGS_ROWS; i++) {
        const struct settings_row *row = &settings_rows[i];
        int result = row->default_text == NULL ? 0 : settings_value_set(row, row->name, row->default_text, settings, error);
        if (result != 0)
            return result;
    }
    return 0;
}

static int read_file(struct settings *settings, const struct settings_options *options, struct hd_error *error)
{
    bool found = false;
    char *path = options->configuration_file != NULL ? strdup(options->configuration_file) : settings_place_of_file();
    if (path == NULL && options->configuration_file != NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    if (path == NULL)
        return 0; /* a user without a home folder has no file there either */
    int result = settings_file_read(path, options->configuration_file != NULL, settings, &found, error);
    if (result == 0 && found)
        settings->configuration_file = path;
    else
        free(path);
    return result;
}

/* Last, because what was said need not be found. */
static int find_places(struct settings *settings, struct hd_error *error)
{
    if (settings->state_dir == NULL && (settings->state_dir = settings_place_of_state()) == NULL)
        return hd_error_set(error, HD_INVALID, "there is no home folder to keep the state in; say where with --state-dir");
    if (settings->monitor == NULL && (settings->monitor = settings_place_of_monitor()) == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    return 0;
}

int settings_blame(const struct settings *settings, const char *name, struct hd_error *error)
{
    const struct settings_row *row = settings_row_find(name);
    int line = row != NULL ? settings->lines[row - settings_rows] : 0;
    return line > 0 ? hd_error_wrap(error, "%s:%d", settings->configuration_file, line) : -(int)error->code;
}

static int check_pairs(const struct settings *settings, struct hd_error *error)
{
    if ((settings->tls_certificate == NULL) != (settings->tls_key == NULL)) {
        const char *given = settings->tls_key == NULL ? "tls_certificate" : "tls_key";
        hd_error_set(error, HD_INVALID, "'tls_certificate' and 'tls_key' need each other: '%s' is missing",
                     settings->tls_key == NULL ? "tls_key" : "tls_certificate");
        return settings_blame(settings, given, error);
    }
    if (settings->tls_ca != NULL && settings->tls_key == NULL) {
        hd_error_set(error, HD_INVALID, "'tls_ca' is of no use without 'tls_certificate' and 'tls_key'");
        return settings_blame(settings, "tls_ca", error);
    }
    return 0;
}

static int fill(struct settings *settings, const struct settings_options *options, struct hd_error *error)
{
    int result = set_defaults(settings, error);
    if (result == 0)
        result = read_file(settings, options, error);
    if (result == 0)
        result = settings_options_apply(options, settings, error);
    if (result == 0)
        result = find_places(settings, error);
    if (result == 0)
        result = check_pairs(settings, error);
    return result;
}

/* A program that was asked to say something and could not must not say that all is well. */
static int printed(struct hd_error *error)
{
    return fflush(stdout) == 0 ? 1 : hd_error_set(error, HD_INTERNAL, "standard output cannot be written");
}

int settings_load(struct settings *settings, int argc, char **argv, struct hd_error *error)
{
    struct settings_options options;
    *settings = (struct settings){0};
    int result = settings_options_read(argc, argv, &options, error);
    if (result != 0)
        return result;
    if (options.help || options.version) {
        if (options.help)
            settings_options_print_help();
        else
            puts("hyperdrived " HD_VERSION);
        return printed(error);
    }
    result = fill(settings, &options, error);
    if (result != 0)
        settings_clear(settings);
    settings->check_only = options.check_only;
    settings->check_database = options.check_database;
    settings->argument_count = argc;
    settings->arguments = argv;
    return result;
}

void settings_clear(struct settings *settings)
{
    for (size_t i = 0; i < SETTINGS_ROWS; i++)
        settings_value_clear(&settings_rows[i], settings);
    free(settings->configuration_file);
    *settings = (struct settings){0};
}
