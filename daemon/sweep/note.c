/* What the log of a sweep, and the daemon's own, are told besides changes of status. */
#include <stdio.h>
#include <stdlib.h>

#include "live.h"
#include "log.h"

struct note {
    struct store_note request; /* first: the write comes back as this */
    struct live_sweep *sweep;
    char message[HD_ERROR_MESSAGE_SIZE];
};

static void complain(const struct live_sweep *sweep, const struct hd_error *error)
{
    log_line(LOG_LEVEL_WARNING, "sweep %s: a line of its log could not be stored: %s", sweep->id, error->message);
}

static void on_stored(struct store_write *write)
{
    struct note *note = (struct note *)write;
    struct live_sweep *sweep = note->sweep;

    sweep->writes--;
    if (write->result != 0)
        complain(sweep, &write->error);
    free(note);
    live_sweep_release(sweep);
}

void sweep_note(struct live_sweep *sweep, bool warning, const char *code, const char *message)
{
    struct note *note = calloc(1, sizeof *note);
    struct hd_error error = {0};

    log_line(warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "sweep %s: %s", sweep->id, message);
    if (note == NULL)
        return;
    note->sweep = sweep;
    (void)snprintf(note->message, sizeof note->message, "%s", message);
    note->request =
        (struct store_note){.sweep = sweep->key, .warning = warning, .code = code, .message = note->message, .write = {.done = on_stored}};
    if (store_note(sweep->sweeps->store, &note->request, &error) == 0) {
        sweep->writes++;
        return;
    }
    complain(sweep, &error);
    free(note);
}
