/* Every operation on the store's files fails once, in every way: what was acknowledged is there afterwards, once, and what was refused was
 * refused with a sentence. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/check.h"
#include "store/fault_vfs.h"
#include "store_fixture.h"

enum { REPORTS = 6 };

static char control[96];

static void set_fault(const char *fault, int number)
{
    FILE *file = fopen(control, "w");

    ck_assert_ptr_nonnull(file);
    if (number > 0)
        fprintf(file, "%s %d\n", fault, number);
    else
        fprintf(file, "%s\n", fault);
    ck_assert_int_eq(fclose(file), 0);
}

static void clear_fault(void)
{
    (void)unlink(control);
}

/* What became of the writes of one scenario. */
struct outcome {
    bool opened, has_sweep, has_runs;
    bool reported[REPORTS];
    bool ended;
};

/* Waits for the write: whether it was acknowledged. A refusal is the server's fault and says why. */
static bool is_acknowledged(struct store_fixture *fixture, struct store_write *write)
{
    fixture_wait(fixture, write);
    if (write->result == 0)
        return true;
    ck_assert_int_ge(hd_code_status(write->error.code), 500);
    ck_assert_msg(strncmp(write->error.message, "the database ", strlen("the database ")) == 0, "%s", write->error.message);
    return false;
}

static bool create_sweep(struct store_fixture *fixture, const struct hd_specification *specification, int64_t *ret_key)
{
    struct store_create_sweep create = {
        .id = "S", .specification = specification, .config = "{}", .warnings = "[]", .write = {.done = fixture_done}};
    struct hd_error error = {0};

    ck_assert_int_eq(store_create_sweep(fixture->store, &create, &error), 0);
    if (!is_acknowledged(fixture, &create.write))
        return false;
    *ret_key = create.ret_key;
    return true;
}

static bool generate(struct store_fixture *fixture, const struct hd_specification *specification, int64_t sweep)
{
    struct store_generate request = {
        .sweep = sweep, .sweep_id = "S", .specification = specification, .count = 2, .slots = 2, .write = {.done = fixture_done}};
    struct hd_error error = {0};
    bool acknowledged;

    ck_assert_int_eq(store_generate(fixture->store, &request, &error), 0);
    acknowledged = is_acknowledged(fixture, &request.write);
    store_generate_clear(&request);
    return acknowledged;
}

static bool report(struct store_fixture *fixture, int number)
{
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = number};
    struct store_report request = {
        .run_id = "S_0", .reporter = "r", .sequence = number + 1, .points = &point, .count = 1, .write = {.done = fixture_done}};
    struct hd_error error = {0};
    bool acknowledged;

    ck_assert_int_eq(store_report(fixture->store, &request, &error), 0);
    acknowledged = is_acknowledged(fixture, &request.write);
    free(request.ret_stop_reason);
    return acknowledged;
}

static bool end(struct store_fixture *fixture)
{
    struct store_end request = {
        .run = 2, .attempt = 1, .kind = STORE_EXITED, .started_us = 1, .ended_us = 2, .last_output = "", .write = {.done = fixture_done}};
    struct hd_error error = {0};

    ck_assert_int_eq(store_end(fixture->store, &request, &error), 0);
    return is_acknowledged(fixture, &request.write);
}

static void play(struct store_fixture *fixture, const struct hd_specification *specification, struct outcome *outcome)
{
    const struct store_settings settings = {.path = fixture->path, .vfs = fault_vfs_register(control), .queue_limit = 1 << 20};
    struct hd_error error = {0};
    int64_t sweep = 0;

    ck_assert_int_eq(uv_loop_init(&fixture->loop), 0);
    (void)fault_vfs_count();
    outcome->opened = store_open(&fixture->store, &fixture->loop, &settings, &error) == 0;
    if (!outcome->opened) {
        ck_assert_msg(error.message[0] != '\0', "a store that does not open says why");
        uv_run(&fixture->loop, UV_RUN_DEFAULT); /* a store that opened in part leaves the loop */
        ck_assert_int_eq(uv_loop_close(&fixture->loop), 0);
        return;
    }
    outcome->has_sweep = create_sweep(fixture, specification, &sweep);
    outcome->has_runs = outcome->has_sweep && generate(fixture, specification, sweep);
    for (int i = 0; i < REPORTS && outcome->has_runs; i++)
        outcome->reported[i] = report(fixture, i);
    outcome->ended = outcome->has_runs && end(fixture);
    fixture_close(fixture);
}

/* --- What is there afterwards -------------------------------------------------------------------------------------------------------- */

struct seen {
    int count[REPORTS];
    enum hd_status statuses[2];
    int runs;
};

static int see_point(void *context, const struct store_stored_point *point)
{
    struct seen *seen = context;

    ck_assert(point->kind == STORE_FLOAT && point->number >= 0 && point->number < REPORTS);
    seen->count[(int)point->number]++;
    return 0;
}

static int see_series(void *context, const struct store_series *series)
{
    (void)context;
    ck_assert_str_eq(series->name, "acc");
    return 0;
}

static int see_run(void *context, const struct store_run *run)
{
    struct seen *seen = context;

    ck_assert_int_lt(seen->runs, 2);
    seen->statuses[seen->runs++] = run->status;
    return 0;
}

static void fail_for(void *context, const char *sentence)
{
    ck_abort_msg("after %s: %s", (const char *)context, sentence);
}

static void assert_stored(struct store_fixture *fixture, const struct outcome *outcome, char *fault)
{
    struct seen seen = {0};
    struct store_checked checked;
    struct store_found found;
    struct hd_error error = {0};
    struct store_metrics_reader reader = {.series = see_series, .point = see_point, .context = &seen};

    fixture_reopen(fixture, NULL);
    ck_assert_int_eq(store_find(store_loop_reader(fixture->store), "S", &found, &error), 0);
    ck_assert_msg(found.what == STORE_SWEEP || !outcome->has_sweep, "after %s the sweep is missing", fault);
    if (found.what == STORE_SWEEP) {
        ck_assert_int_eq(store_read_runs(store_loop_reader(fixture->store), found.sweep, -1, 0, see_run, &seen, &error), 0);
        ck_assert_int_eq(store_read_metrics(store_loop_reader(fixture->store), found.sweep, 0, &reader, &error), 0);
    }
    ck_assert_msg(seen.runs == 2 || !outcome->has_runs, "after %s there are %d runs", fault, seen.runs);
    for (int i = 0; i < REPORTS; i++)
        ck_assert_msg(seen.count[i] == 1 || (seen.count[i] == 0 && !outcome->reported[i]), "after %s report %d (%s) is there %d times",
                      fault, i, outcome->reported[i] ? "acknowledged" : "refused", seen.count[i]);
    ck_assert_msg(!outcome->ended || seen.statuses[1] == HD_COMPLETED, "after %s the end is missing", fault);
    fixture_close(fixture);
    ck_assert_int_eq(store_check(fixture->path, fail_for, fault, &checked, &error), 0);
}

static void make_folder(struct store_fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    /* In memory, where a sync costs nothing: there are hundreds of databases. */
    strcpy(fixture->folder, "/dev/shm/hd-store-XXXXXX");
    if (mkdtemp(fixture->folder) == NULL)
        strcpy(fixture->folder, "/tmp/hd-store-XXXXXX");
    ck_assert(fixture->folder[0] == '/' && (strncmp(fixture->folder, "/dev", 4) == 0 || mkdtemp(fixture->folder) != NULL));
    snprintf(fixture->path, sizeof fixture->path, "%s/test.db", fixture->folder);
    snprintf(control, sizeof control, "%s/control", fixture->folder);
}

static const char *const faults[] = {"read io", "write io", "write full", "write short", "write read_only", "sync io"};

START_TEST(each_operation_fails_once)
{
    struct hd_specification specification;
    struct store_fixture fixture;
    int operations, failed = 0;

    fixture_specification(&specification, "maximize", 2, 0);
    make_folder(&fixture);
    {
        struct outcome outcome = {0};

        play(&fixture, &specification, &outcome);
        operations = fault_vfs_count();
        ck_assert(outcome.ended && outcome.reported[REPORTS - 1]);
        assert_stored(&fixture, &outcome, (char[]){"nothing"});
        fixture_remove(&fixture);
    }
    ck_assert_int_gt(operations, 50);
    for (int number = 1; number <= operations; number++) {
        struct outcome outcome = {0};
        char fault[64];

        snprintf(fault, sizeof fault, "%s %d", faults[_i], number);
        make_folder(&fixture);
        set_fault(faults[_i], number);
        play(&fixture, &specification, &outcome);
        clear_fault();
        failed += !outcome.opened || !outcome.ended || !outcome.reported[REPORTS - 1];
        assert_stored(&fixture, &outcome, fault);
        fixture_remove(&fixture);
    }
    ck_assert_msg(strncmp(faults[_i], "read", 4) == 0 || failed > 0, "no write was refused by %s", faults[_i]);
    hd_specification_clear(&specification);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store faults");
    TCase *tests = tcase_create("faults");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, each_operation_fails_once, 0, (int)(sizeof faults / sizeof faults[0]));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
