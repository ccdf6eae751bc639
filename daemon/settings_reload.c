#include "settings_row.h"

int settings_read_again(const struct settings *settings, struct settings *ret_fresh, struct hd_error *error)
{
    struct settings fresh;
    int result = settings_load(&fresh, settings->argument_count, settings->arguments, error);
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
