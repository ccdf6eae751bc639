#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings_row.h"

/* A pipe, as the shell makes it for --config <(...), can be read once: opening it again would wait for a writer for ever, and the daemon's
 * stop for that. */
static int check_is_no_pipe(const char *path, struct hd_error *error)
{
    struct stat status;
    int result = 0, file = path != NULL ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (file < 0)
        return 0; /* which is said better when it is read */
    if (fstat(file, &status) == 0 && S_ISFIFO(status.st_mode))
        result = hd_error_set(error, HD_INVALID, "%s: the configuration file is a pipe, which cannot be read a second time", path);
    close(file);
    return result;
}

int settings_read_again(const struct settings *settings, struct settings *ret_fresh, struct hd_error *error)
{
    struct settings fresh;
    int result = check_is_no_pipe(settings->configuration_file, error);
    if (result == 0)
        result = settings_load(&fresh, settings->argument_count, settings->arguments, error);
    if (result > 0)
        return hd_error_set(error, HD_INTERNAL, "the command line asks for something else than to run"); /* UNTESTED: it did run */
    if (result == 0)
        *ret_fresh = fresh;
    return result;
}

void settings_take(struct settings *settings, struct settings *fresh, settings_difference *differs, void *data)
{
    for (size_t i = 0; i < SETTINGS_ROWS; i++) {
        const struct settings_row *row = &settings_rows[i];
        if (settings_value_equal(row, settings, fresh))
            continue;
        if (row->reloadable)
            settings_value_swap(row, settings, fresh);
        differs(data, row->name, row->reloadable);
    }
}
