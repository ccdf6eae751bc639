/* Devices in the store: which ones are drained. */
#include <string.h>

#include "core/json.h"
#include "reader.h"
#include "room.h"

static const char IS_DRAINED[] = "SELECT 1 FROM device WHERE device = ?1 AND drained = 1";
static const char SET_DRAINED[] = "INSERT INTO device (device, drained) VALUES (?1, ?2) "
                                  "ON CONFLICT (device) DO UPDATE SET drained = excluded.drained";

static int add_event(struct database *database, const char *id, bool drained, struct hd_error *error)
{
    struct hd_text detail = {0};
    int result;

    hd_text_add_string(&detail, "{\"id\":");
    hd_json_print_string(&detail, id);
    hd_text_format(&detail, ",\"state\":\"%s\"}", drained ? "drained" : "active");
    result = detail.failed ? hd_error_set(error, HD_UNAVAILABLE, "out of memory")
                           : store_add_event(database, 0, 0, STORE_EVENT_DEVICE, HD_STATUS_NONE, detail.data, error);
    hd_text_clear(&detail);
    return result;
}

static int set_device(struct database *database, struct store_write *write)
{
    struct store_set_device *request = (struct store_set_device *)write;
    sqlite3_stmt *statement = database_query(database, &write->error, IS_DRAINED, "t", request->id);
    int was = statement != NULL ? database_step(database, statement, &write->error) : -(int)write->error.code, result;

    if (was < 0)
        return was;
    if (was == 1)
        database_reset(statement);
    if ((was == 1) == request->drained)
        return 0;
    result = database_run(database, &write->error, SET_DRAINED, "ti", request->id, (int64_t)request->drained);
    return result == 0 ? add_event(database, request->id, request->drained, &write->error) : result;
}

int store_set_device(struct store *store, struct store_set_device *request, struct hd_error *error)
{
    return store_submit(store, &request->write, set_device, (int64_t)strlen(request->id), error);
}

static const char DRAINED[] = "SELECT device FROM device WHERE drained = 1 ORDER BY device";

int store_read_drained(struct store_reader *reader, store_drained_row *row, void *context, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, DRAINED, "");
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        result = row(context, database_text(statement, 0));
        if (result != 0) {
            database_reset(statement);
            break;
        }
    }
    return result;
}
