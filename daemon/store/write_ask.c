/* Children of clients: which question gets which child, and what clients tell of the end of one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "room.h"

/* --- Questions ------------------------------------------------------------------------------------------------------------------------ */

static const char FIND_ASKER[] = "SELECT sequence, run FROM asker WHERE sweep = ?1 AND asker = ?2";
static const char SET_ASKER[] = "INSERT INTO asker (sweep, asker, sequence, run) VALUES (?1, ?2, ?3, ?4) "
                                "ON CONFLICT DO UPDATE SET sequence = excluded.sequence, run = excluded.run";

/* Among the questions of one command: the same one, sent again while the first still waits. -1: there is none. */
static int64_t earlier_twin(const struct store_ask *asks, int64_t index)
{
    for (int64_t i = 0; i < index; i++)
        if (asks[i].asker != NULL && strcmp(asks[i].asker, asks[index].asker) == 0 && asks[i].sequence == asks[index].sequence)
            return i;
    return -1;
}

/* What is known of a numbered question before anything is drawn. */
static int find_asked(struct database *database, int64_t sweep, struct store_ask *ask, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, FIND_ASKER, "it", sweep, ask->asker);
    int result;

    if (statement == NULL || (result = database_step(database, statement, error)) < 0)
        return -(int)error->code;
    if (result == 1) {
        int64_t last = sqlite3_column_int64(statement, 0);

        if (ask->sequence == last) {
            ask->ret_answer = STORE_ASK_REPEATED;
            ask->ret_run = sqlite3_column_int64(statement, 1);
        } else if (ask->sequence < last) {
            ask->ret_answer = STORE_ASK_OLD;
        }
        database_reset(statement);
    }
    return 0;
}

int asks_find(struct database *database, struct store_generate *request)
{
    int64_t wanted = 0;
    int result = 0;

    for (int64_t i = 0; i < request->ask_count && result == 0; i++) {
        struct store_ask *ask = &request->asks[i];

        ask->ret_answer = STORE_ASK_NOTHING;
        ask->ret_run = 0;
        if (ask->asker != NULL)
            result = find_asked(database, request->sweep, ask, &request->write.error);
        if (ask->ret_answer == STORE_ASK_NOTHING && (ask->asker == NULL || earlier_twin(request->asks, i) < 0))
            wanted++;
    }
    request->count = wanted;
    return result;
}

int asks_answer(struct database *database, struct store_generate *request)
{
    int64_t next = 0;
    int result = 0;

    for (int64_t i = 0; i < request->ask_count && result == 0; i++) {
        struct store_ask *ask = &request->asks[i];
        int64_t twin = ask->asker != NULL ? earlier_twin(request->asks, i) : -1;

        if (ask->ret_answer != STORE_ASK_NOTHING)
            continue;
        if (twin >= 0 && request->asks[twin].ret_run != 0) {
            ask->ret_answer = STORE_ASK_REPEATED;
            ask->ret_run = request->asks[twin].ret_run;
        } else if (twin < 0 && next < request->ret_count) {
            ask->ret_answer = STORE_ASK_NEW;
            ask->ret_run = request->ret_children[next++].key;
            if (ask->asker != NULL)
                result = database_run(database, &request->write.error, SET_ASKER, "itii", request->sweep, ask->asker, ask->sequence,
                                      ask->ret_run);
        }
    }
    return result;
}

/* --- Ends -------------------------------------------------------------------------------------------------------------------------------
 */

static const char LAUNCHER[] = "SELECT launcher FROM sweep WHERE sweep = ?1";
static const char SET_ERROR[] = "UPDATE run SET error = ?2 WHERE run = ?1";

static int check_launcher(struct database *database, const struct run_row *row, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, LAUNCHER, "i", row->sweep);
    int64_t launcher;

    if (statement == NULL || database_step(database, statement, error) < 0)
        return -(int)error->code;
    launcher = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    if (launcher == HD_LAUNCHER_CLIENT)
        return 0;
    return hd_error_set(error, HD_CONFLICT, "the run ends with its program: only runs of a sweep with the client launcher are told to end");
}

static int move_failed(struct database *database, struct run_row *row, const char *message, struct hd_error *error)
{
    struct hd_text text = {0};
    char *json;
    int result;

    hd_text_add_string(&text, "{\"code\":\"ClientFailed\",\"message\":");
    hd_json_print_string(&text, message);
    hd_text_add_char(&text, '}');
    json = hd_text_take(&text);
    if (json == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    result = database_run(database, error, SET_ERROR, "it", row->key, json);
    if (result == 0)
        result = run_move(database, row, HD_FAILED, json, error);
    free(json);
    return result;
}

static int end(struct database *database, struct run_row *row, struct store_tell *request)
{
    struct hd_error *error = &request->write.error;
    int result;

    if (row->status == HD_CANCEL_REQUESTED)
        result = run_move(database, row, HD_CANCELED, row->stop_reason, error);
    else if (request->what == STORE_TOLD_NOTHING)
        return 0;
    else if ((result = run_move(database, row, HD_FINALIZING, NULL, error)) == 0)
        result = request->what == STORE_TOLD_COMPLETED ? run_move(database, row, HD_COMPLETED, NULL, error)
                                                       : move_failed(database, row, request->message, error);
    return result == 0 ? sweep_run_ended(database, row, false, &request->ret_sweep, error) : result;
}

/* To tell the same end again is right, since the answer may have been lost; so is to tell any end of what was cancelled. */
static int check_ended(const struct run_row *row, const struct store_tell *request, struct hd_error *error)
{
    enum hd_status told = request->what == STORE_TOLD_COMPLETED ? HD_COMPLETED : HD_FAILED;

    if (request->what == STORE_TOLD_NOTHING || row->status == HD_CANCELED || row->status == told)
        return 0;
    return hd_error_set(error, HD_CONFLICT, "the run has ended already: it is %s", hd_status_name(row->status));
}

static int tell(struct database *database, struct store_write *write)
{
    struct store_tell *request = (struct store_tell *)write;
    struct sweep_row sweep;
    struct run_row row;
    int result = run_load(database, request->run, &row, &write->error);

    if (result != 0)
        return result;
    result = check_launcher(database, &row, &write->error);
    if (result == 0)
        result = sweep_load(database, row.sweep, &sweep, &write->error);
    if (result == 0) {
        sweep_state(&sweep, &request->ret_sweep);
        result = hd_status_ended(row.status) ? check_ended(&row, request, &write->error) : end(database, &row, request);
    }
    request->ret_status = row.status;
    run_clear(&row);
    return result;
}

int store_tell(struct store *store, struct store_tell *request, struct hd_error *error)
{
    return store_submit(store, &request->write, tell, 0, error);
}
