/* Questions about events, which are read in pieces: a statement stays open for a bounded number of rows. */
#include "reader.h"

#define COLUMNS                                                                                                                            \
    "SELECT event.ordinal, event.at_us, event.kind, event.sweep, "                                                                         \
    "CASE event.kind WHEN 9 THEN json_extract(event.detail, '$.id') ELSE sweep.id END, run.id, event.status, event.detail, "               \
    "coalesce(sweep.deleting, 0), event.run FROM event LEFT JOIN sweep ON sweep.sweep = event.sweep LEFT JOIN run ON run.run = event.run "

static const char ALL_EVENTS[] = COLUMNS "WHERE event.ordinal > ?1 AND event.ordinal <= ?2 ORDER BY event.ordinal LIMIT ?3";
static const char SWEEP_EVENTS[] =
    COLUMNS "WHERE event.sweep = ?4 AND event.ordinal > ?1 AND event.ordinal <= ?2 ORDER BY event.ordinal LIMIT ?3";

static sqlite3_stmt *query(struct store_reader *reader, const struct store_event_range *range, struct hd_error *error)
{
    int64_t limit = range->limit > 0 ? range->limit : -1;

    if (range->sweep == 0)
        return database_query(&reader->database, error, ALL_EVENTS, "iii", range->after, range->until, limit);
    return database_query(&reader->database, error, SWEEP_EVENTS, "iiii", range->after, range->until, limit, range->sweep);
}

static void load(sqlite3_stmt *statement, struct store_event *ret_event)
{
    *ret_event = (struct store_event){
        .ordinal = sqlite3_column_int64(statement, 0),
        .at_us = sqlite3_column_int64(statement, 1),
        .kind = (enum store_event_kind)sqlite3_column_int(statement, 2),
        .sweep = sqlite3_column_int64(statement, 3),
        .sweep_id = database_text_or_null(statement, 4),
        .run = sqlite3_column_int64(statement, 9),
        .run_id = database_text_or_null(statement, 5),
        .status = (enum hd_status)sqlite3_column_int(statement, 6),
        .detail = database_text_or_null(statement, 7),
    };
}

int store_read_events(struct store_reader *reader, const struct store_event_range *range, store_event_row *row, void *context,
                      int64_t *ret_last, struct hd_error *error)
{
    sqlite3_stmt *statement = query(reader, range, error);
    int64_t last = range->after, count = 0;
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        struct store_event event;
        bool hidden = sqlite3_column_int(statement, 8) != 0;

        load(statement, &event);
        last = event.ordinal;
        count++;
        if (!hidden && (result = row(context, &event)) != 0) {
            database_reset(statement);
            return result;
        }
    }
    if (result == 0 && ret_last != NULL)
        *ret_last = range->limit > 0 && count >= range->limit ? last : range->until;
    return result;
}

static const char BOUNDS[] = "SELECT coalesce((SELECT min(ordinal) FROM event), 0), ordinal FROM clock";

int store_read_event_bounds(struct store_reader *reader, int64_t *ret_oldest, int64_t *ret_now, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, BOUNDS, "");
    int result;

    if (statement == NULL || (result = database_step(&reader->database, statement, error)) < 0)
        return -(int)error->code;
    if (result == 0)
        return hd_error_set(error, HD_INTERNAL, "the database has no clock");
    *ret_oldest = sqlite3_column_int64(statement, 0);
    *ret_now = sqlite3_column_int64(statement, 1);
    database_reset(statement);
    return 0;
}
