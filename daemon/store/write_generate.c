/* Generation: drawing children, advancing the sampling and taking budget in one transaction (law 8). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "room.h"

static const char INSERT_RUN[] =
    "INSERT INTO run (sweep, number, id, digest, configuration, status, attempt, created_us, resumed_from, devices, started_us) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, nullif(?11, 0)) ON CONFLICT (sweep, digest) DO NOTHING";
static const char COUNT_STARTING[] = "UPDATE sweep SET starting = starting + 1, generated = generated + 1 WHERE sweep = ?1";
static const char FIND_INHERITED[] = "SELECT 1 FROM earlier CROSS JOIN run ON run.sweep = earlier.earlier AND run.digest = ?2 "
                                     "WHERE earlier.sweep = ?1 AND earlier.kind = 1 LIMIT 1";
static const char SET_SAMPLING[] = "UPDATE sweep SET draws = ?2, scan = ?3 WHERE sweep = ?1";

/* The key under which a sweep knows a configuration. That of a further child with the same one has the child's number behind it, which
 * makes it longer than any other. */
enum { DIGEST_SIZE = 16 };
struct key {
    unsigned char bytes[DIGEST_SIZE + sizeof(int64_t)];
    int length;
};

static bool make_key(const cJSON *configuration, bool further, int64_t number, struct key *ret_key)
{
    ret_key->length = further ? (int)sizeof ret_key->bytes : DIGEST_SIZE;
    memcpy(ret_key->bytes + DIGEST_SIZE, &number, sizeof number);
    return hd_configuration_digest(configuration, ret_key->bytes);
}

/* Inserts one configuration as the next child. 1: inserted, 0: the sweep has it already (and no `further` one is wanted), negative:
 * failed. `resumed_from` NULL: it was sampled. */
static int insert_child(struct database *database, struct store_generate *request, struct sweep_row *sweep, const cJSON *configuration,
                        const char *resumed_from, bool further)
{
    char detail[160] = "";
    struct hd_error *error = &request->write.error;
    bool asked = request->asks != NULL, intended = asked || request->ret_count < request->slots;
    int64_t started_us = asked ? database->now_us : 0;
    struct run_row run = {.sweep = sweep->key, .number = sweep->generated, .status = HD_STARTING};
    const char *devices = intended && request->devices != NULL ? request->devices[request->ret_count] : NULL;
    struct hd_text text = {0};
    struct key key;
    char id[96];
    int result;

    hd_json_print(&text, configuration, HD_JSON_COMPACT);
    if (text.failed || !make_key(configuration, further, sweep->generated, &key)) {
        result = hd_error_set(error, HD_UNAVAILABLE, "out of memory");
        goto done;
    }
    snprintf(id, sizeof id, "%s_%" PRId64, request->sweep_id, sweep->generated);
    result = database_run(database, error, INSERT_RUN, "iitbtiiitti", sweep->key, sweep->generated, id, key.bytes, key.length, text.data,
                          (int64_t)HD_STARTING, (int64_t)intended, database->now_us, resumed_from, devices, started_us);
    if (result != 0 || sqlite3_changes(database->handle) == 0)
        goto done;
    run.key = sqlite3_last_insert_rowid(database->handle);
    if (resumed_from != NULL)
        snprintf(detail, sizeof detail, "{\"kind\":\"resumed\",\"message\":\"it runs %s again\"}", resumed_from);
    result = database_run(database, error, COUNT_STARTING, "i", sweep->key);
    if (result == 0)
        result = store_add_event(database, sweep->key, run.key, STORE_EVENT_RUN, HD_STARTING, resumed_from != NULL ? detail : NULL, error);
    if (result == 0)
        result = run_move(database, &run, asked ? HD_RUNNING : intended ? HD_PREPARING : HD_QUEUED, NULL, error);
    if (result != 0)
        goto done;
    request->ret_children[request->ret_count++] = (struct store_generated){
        .key = run.key, .number = sweep->generated, .configuration = text.data, .intended = intended, .started_us = started_us};
    text = (struct hd_text){0};
    sweep->generated++;
    result = 1;
done:
    hd_text_clear(&text);
    return result;
}

/* Is the configuration one of an inherited sweep? A sampling that learns has learned from it, and does not take it again. */
static int is_inherited(struct database *database, struct store_generate *request, const struct sweep_row *sweep,
                        const cJSON *configuration, bool *ret_inherited)
{
    struct hd_error *error = &request->write.error;
    struct key key;
    sqlite3_stmt *statement;
    int result;

    *ret_inherited = false;
    if (request->specification->sampling.type != HD_BAYESIAN)
        return 0;
    if (!make_key(configuration, false, 0, &key))
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    statement = database_query(database, error, FIND_INHERITED, "ib", sweep->key, key.bytes, key.length);
    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result < 0)
        return result;
    *ret_inherited = result == 1;
    database_reset(statement);
    return 0;
}

/* Samples a configuration. 1: inserted, 0: it is known, negative: failed. */
static int insert_sampled(struct database *database, struct store_generate *request, struct sweep_row *sweep, const cJSON *configuration)
{
    bool inherited;
    int result = is_inherited(database, request, sweep, configuration, &inherited);

    return result != 0 || inherited ? result : insert_child(database, request, sweep, configuration, NULL, false);
}

/* Takes the first unused configuration in grid order. 1: taken, 0: there is none, negative: failed. */
static int take_unused(struct database *database, struct store_generate *request, struct sweep_row *sweep, uint64_t size)
{
    for (; (uint64_t)sweep->scan < size; sweep->scan++) {
        cJSON *configuration = hd_space_at(request->specification->space, (uint64_t)sweep->scan);
        int result;

        if (configuration == NULL)
            return hd_error_set(&request->write.error, HD_UNAVAILABLE, "out of memory");
        result = insert_sampled(database, request, sweep, configuration);
        cJSON_Delete(configuration);
        if (result != 0)
            return result;
    }
    return 0;
}

/* The next of the children that are run again. Two of them may have the same configuration, and other outputs to go on from. */
static int take_resumed(struct database *database, struct store_generate *request, struct sweep_row *sweep)
{
    const char *earlier = request->specification->resume_child_runs[sweep->generated];
    cJSON *configuration = NULL;
    int result = earlier_configuration(database, earlier, &configuration, &request->write.error);

    if (result != 0)
        return result;
    result = insert_child(database, request, sweep, configuration, earlier, false);
    if (result == 0)
        result = insert_child(database, request, sweep, configuration, earlier, true);
    cJSON_Delete(configuration);
    return result;
}

/* Draws one more child. 1: drawn, 0: the space has no more, negative: failed. */
static int draw_child(struct database *database, struct store_generate *request, struct sweep_row *sweep, uint64_t size)
{
    if (sweep->generated < request->specification->resumed_count)
        return take_resumed(database, request, sweep);
    while (request->proposals_tried < request->proposal_count) {
        int result = insert_sampled(database, request, sweep, request->proposals[request->proposals_tried++]);

        if (result != 0)
            return result;
    }
    for (int skips = 0; skips < HD_SAMPLING_SKIPS; skips++) {
        cJSON *configuration = NULL;
        int result =
            hd_sampling_draw(&request->specification->sampling, request->specification->space, (uint64_t)sweep->draws, &configuration);

        if (result > 0)
            return 0;
        if (result < 0)
            return hd_error_set(&request->write.error, HD_UNAVAILABLE, "out of memory");
        sweep->draws++;
        result = insert_sampled(database, request, sweep, configuration);
        cJSON_Delete(configuration);
        if (result != 0)
            return result;
    }
    return size > 0 ? take_unused(database, request, sweep, size) : 0;
}

/* Has every configuration of a finite space been sampled? Those that are run again may lie outside of it, so they do not count here; if
 * some lie in it, the sampling itself comes to its end. */
static bool is_exhausted(const struct store_generate *request, const struct sweep_row *sweep, uint64_t size)
{
    int64_t resumed = request->specification->resumed_count;

    return size > 0 && sweep->generated > resumed && (uint64_t)(sweep->generated - resumed) >= size;
}

/* How many children may come now: the request, the budget, the concurrency. */
static int64_t allowed(const struct store_generate *request, const struct sweep_row *sweep)
{
    int64_t count = request->count;
    int64_t live = sweep->generated - sweep->completed - sweep->failed - sweep->canceled;

    if (count > sweep->max_total - sweep->generated)
        count = sweep->max_total - sweep->generated;
    if (sweep->max_concurrent > 0 && count > sweep->max_concurrent - live)
        count = sweep->max_concurrent - live;
    return count > 0 ? count : 0;
}

static int draw_children(struct database *database, struct store_generate *request, struct sweep_row *sweep)
{
    uint64_t size = hd_space_size(request->specification->space);
    int64_t first = sweep->generated, count = allowed(request, sweep), told_at;
    char detail[96];
    int drawn = 1, result;

    if (count == 0 && sweep->generated < sweep->max_total)
        return 0;
    request->ret_children = calloc((size_t)count + 1, sizeof *request->ret_children);
    if (request->ret_children == NULL)
        return hd_error_set(&request->write.error, HD_UNAVAILABLE, "out of memory");
    told_at = ++database->ordinal; /* that they were sampled stands before what happens to them */
    while (request->ret_count < count && !is_exhausted(request, sweep, size)) {
        drawn = draw_child(database, request, sweep, size);
        if (drawn < 0)
            return drawn;
        if (drawn == 0)
            break;
    }
    result = database_run(database, &request->write.error, SET_SAMPLING, "iii", sweep->key, sweep->draws, sweep->scan);
    if (result == 0 && request->ret_count > 0) {
        snprintf(detail, sizeof detail, "{\"first\":%" PRId64 ",\"count\":%" PRId64 "}", first, request->ret_count);
        result = store_add_event_at(database, told_at, sweep->key, 0, STORE_EVENT_GENERATED, HD_STATUS_NONE, detail,
                                    &request->write.error);
    }
    if (result == 0 && (drawn == 0 || is_exhausted(request, sweep, size)))
        result = sweep_stop_generation(database, sweep, HD_GENERATED_SPACE, &request->write.error);
    else if (result == 0 && sweep->generated >= sweep->max_total)
        result = sweep_stop_generation(database, sweep, HD_GENERATED_BUDGET, &request->write.error);
    return result;
}

static int generate(struct database *database, struct store_write *write)
{
    struct store_generate *request = (struct store_generate *)write;
    struct sweep_row sweep;
    int result;

    store_generate_clear(request);
    request->proposals_tried = 0;
    result = sweep_load(database, request->sweep, &sweep, &write->error);
    if (result == 0 && request->asks != NULL)
        result = asks_find(database, request);
    if (result != 0)
        return result;
    if ((sweep.status == HD_STARTING || sweep.status == HD_RUNNING) && sweep.generation == HD_GENERATING) {
        result = draw_children(database, request, &sweep);
        if (result == 0 && sweep.status == HD_STARTING && sweep.generated > 0)
            result = sweep_move(database, &sweep, HD_RUNNING, NULL, NULL, &write->error);
        if (result == 0)
            result = sweep_settle(database, &sweep, &write->error);
    }
    if (result == 0 && request->asks != NULL)
        result = asks_answer(database, request);
    if (result != 0) {
        store_generate_clear(request);
        return result;
    }
    sweep_state(&sweep, &request->ret_sweep);
    return 0;
}

int store_generate(struct store *store, struct store_generate *request, struct hd_error *error)
{
    return store_submit(store, &request->write, generate, 0, error);
}

void store_generate_clear(struct store_generate *request)
{
    for (int64_t i = 0; i < request->ret_count; i++)
        free(request->ret_children[i].configuration);
    free(request->ret_children);
    request->ret_children = NULL;
    request->ret_count = 0;
}
