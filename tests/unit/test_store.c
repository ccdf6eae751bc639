/* The store: durability of answers, groups, conditions, and that children are taken in order with nothing lost or twice. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "store/migration.h"
#include "store_fixture.h"
#include "sync_vfs.h"

static struct store_fixture fixture;
static struct hd_specification specification;

static void set_up(void)
{
    fixture_open(&fixture, NULL);
}

static void set_up_with_vfs(void)
{
    sync_vfs_register();
    fixture_open(&fixture, SYNC_VFS_NAME);
}

static void tear_down(void)
{
    fixture_close(&fixture);
    fixture_remove(&fixture);
    hd_specification_clear(&specification);
}

/* A sweep with `count` children of which all have an attempt and are Running by a first report of 0. */
static int64_t running_sweep(int64_t count, const char *goal, int64_t failure_limit)
{
    struct store_generate generated;
    int64_t key;

    fixture_specification(&specification, goal, count, failure_limit);
    key = fixture_sweep(&fixture, "S", &specification);
    fixture_generate(&fixture, &specification, key, "S", count, count, &generated);
    ck_assert_int_eq(generated.ret_count, count);
    store_generate_clear(&generated);
    return key;
}

static int64_t run_key(const char *id)
{
    struct store_found found;
    struct hd_error error = {0};

    ck_assert_int_eq(store_find(store_loop_reader(fixture.store), id, &found, &error), 0);
    ck_assert_int_eq(found.what, STORE_RUN);
    return found.run;
}

static struct store_end end_with(const char *id, enum store_end_kind kind, int exit_code)
{
    struct store_end end = {
        .run = run_key(id),
        .kind = kind,
        .exit_code = exit_code,
        .started_us = 1,
        .ended_us = 2,
        .last_output = "last words\n",
        .write = {.done = fixture_done},
    };
    struct hd_error error = {0};

    ck_assert_int_eq(store_end(fixture.store, &end, &error), 0);
    fixture_wait(&fixture, &end.write);
    ck_assert_msg(end.write.result == 0, "%s", end.write.error.message);
    return end;
}

/* --- Durability --------------------------------------------------------------------------------------------------------------------------
 */

START_TEST(no_answer_before_the_sync)
{
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = 0.5};
    struct store_report report = {.run_id = "S_0", .points = &point, .count = 1, .write = {.done = fixture_done}};
    struct hd_error error = {0};

    running_sweep(1, "maximize", 3);
    sync_vfs_hold();
    ck_assert_int_eq(store_report(fixture.store, &report, &error), 0);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_wait_held();
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    ck_assert_msg(report.write.store != NULL, "the write came back while its sync was being held");
    sync_vfs_release();
    fixture_wait(&fixture, &report.write);
    ck_assert_int_eq(report.write.result, 0);
    ck_assert_int_eq(report.ret_accepted, 1);
}
END_TEST

START_TEST(a_failed_sync_fails_the_whole_group)
{
    enum { REPORTS = 8 };
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = 0.5};
    struct store_report reports[REPORTS], first = {.run_id = "S_0", .points = &point, .count = 1, .write = {.done = fixture_done}};
    struct hd_error error = {0};
    int64_t commits;

    running_sweep(1, "maximize", 3);
    /* The first sync is held, so that the others come together in the next group, whose sync fails. */
    sync_vfs_hold();
    ck_assert_int_eq(store_report(fixture.store, &first, &error), 0);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_wait_held();
    for (int i = 0; i < REPORTS; i++) {
        reports[i] = (struct store_report){.run_id = "S_0", .points = &point, .count = 1, .write = {.done = fixture_done}};
        ck_assert_int_eq(store_report(fixture.store, &reports[i], &error), 0);
    }
    commits = store_counters(fixture.store).commits;
    sync_vfs_fail(true);
    sync_vfs_release();
    for (int i = 0; i < REPORTS; i++) {
        fixture_wait(&fixture, &reports[i].write);
        ck_assert_int_ne(reports[i].write.result, 0);
        ck_assert_int_ge(hd_code_status(reports[i].write.error.code), 500);
    }
    ck_assert_int_eq(store_counters(fixture.store).commits, commits);
    sync_vfs_fail(false);
    /* Work goes on when the fault is gone, and nothing of the failed group is there. */
    ck_assert_int_eq(fixture_report(&fixture, "S_0", 0.25), 0);
    first = (struct store_report){.run_id = "S_0", .points = &point, .count = 1, .write = {.done = fixture_done}};
    ck_assert_int_eq(store_report(fixture.store, &first, &error), 0);
    fixture_wait(&fixture, &first.write);
    ck_assert_int_eq(first.ret_reports, 2);
}
END_TEST

START_TEST(writes_that_wait_share_a_commit)
{
    enum { REPORTS = 100 };
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = 0.5};
    struct store_report reports[REPORTS], first = {.run_id = "S_0", .points = &point, .count = 1, .write = {.done = fixture_done}};
    struct hd_error error = {0};
    int64_t commits;

    running_sweep(1, "maximize", 3);
    commits = store_counters(fixture.store).commits;
    sync_vfs_hold();
    ck_assert_int_eq(store_report(fixture.store, &first, &error), 0);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_wait_held();
    for (int i = 0; i < REPORTS; i++) {
        reports[i] = (struct store_report){.run_id = "S_0", .points = &point, .count = 1, .write = {.done = fixture_done}};
        ck_assert_int_eq(store_report(fixture.store, &reports[i], &error), 0);
    }
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_release();
    fixture_wait(&fixture, &reports[REPORTS - 1].write);
    ck_assert_int_eq(store_counters(fixture.store).commits, commits + 2);
    ck_assert_int_eq(reports[REPORTS - 1].ret_reports, REPORTS + 1);
}
END_TEST

/* The third of five fails after it has stored points: the others are executed again, and are there once. */
START_TEST(a_group_with_a_refused_write_is_stored_once)
{
    enum { REPORTS = 5, BAD = 2 };
    const struct store_point batch[] = {{.name = "acc", .kind = STORE_FLOAT, .number = 9},
                                        {.name = "acc", .kind = STORE_FLOAT, .number = 9},
                                        {.name = "t", .kind = STORE_FLOAT, .number = 9}};
    const struct store_point row = {.name = "t", .kind = STORE_ROW, .text = "{\"x\":1}"};
    struct store_report reports[REPORTS], first = {.run_id = "S_0", .points = &row, .count = 1, .write = {.done = fixture_done}};
    struct hd_error error = {0};

    running_sweep(1, "maximize", 3);
    sync_vfs_hold();
    ck_assert_int_eq(store_report(fixture.store, &first, &error), 0);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_wait_held();
    for (int i = 0; i < REPORTS; i++) {
        reports[i] = (struct store_report){.run_id = "S_0",
                                           .points = batch,
                                           .count = i == BAD ? 3
                                                    : i == 0 ? 2
                                                             : 1,
                                           .reporter = i == BAD ? "bad" : "good",
                                           .sequence = i + 1,
                                           .write = {.done = fixture_done}};
        ck_assert_int_eq(store_report(fixture.store, &reports[i], &error), 0);
    }
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_release();
    fixture_wait(&fixture, &reports[REPORTS - 1].write);
    for (int i = 0; i < REPORTS; i++) {
        ck_assert_int_eq(reports[i].write.result, i == BAD ? -(int)HD_CONFLICT : 0);
        ck_assert(!reports[i].ret_duplicate);
    }
    ck_assert_int_eq(reports[REPORTS - 1].ret_reports, 5);
    /* Its sequence is not taken. */
    reports[BAD].count = 1;
    reports[BAD].write = (struct store_write){.done = fixture_done};
    ck_assert_int_eq(store_report(fixture.store, &reports[BAD], &error), 0);
    fixture_wait(&fixture, &reports[BAD].write);
    ck_assert(!reports[BAD].ret_duplicate);
    ck_assert_int_eq(reports[BAD].ret_reports, 6);
}
END_TEST

START_TEST(a_full_queue_is_said)
{
    static struct store_point points[9000];
    struct store_report reports[3] = {0};
    struct hd_error error = {0};

    running_sweep(1, "maximize", 3);
    for (int i = 0; i < 9000; i++)
        points[i] = (struct store_point){.name = "acc", .kind = STORE_INTEGER, .integer = i};
    sync_vfs_hold();
    for (int i = 0; i < 3; i++)
        reports[i] = (struct store_report){.run_id = "S_0", .points = points, .count = 9000, .write = {.done = fixture_done}};
    ck_assert_int_eq(store_report(fixture.store, &reports[0], &error), 0);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_wait_held();
    ck_assert_int_eq(store_report(fixture.store, &reports[1], &error), 0);
    ck_assert_int_eq(store_report(fixture.store, &reports[2], &error), -(int)HD_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error.message, "too many writes"));
    sync_vfs_release();
    fixture_wait(&fixture, &reports[1].write);
    ck_assert_int_eq(reports[1].write.result, 0);
}
END_TEST

/* --- Reports -----------------------------------------------------------------------------------------------------------------------------
 */

START_TEST(a_refused_write_leaves_no_trace)
{
    const struct store_point batch[] = {{.name = "acc", .kind = STORE_FLOAT, .number = 1}, {.name = "t", .kind = STORE_FLOAT, .number = 1}};
    const struct store_point row = {.name = "t", .kind = STORE_ROW, .text = "{\"x\":1}"};
    struct store_report good = {.run_id = "S_0", .points = &row, .count = 1, .write = {.done = fixture_done}};
    struct store_report bad = {
        .run_id = "S_0", .points = batch, .count = 2, .reporter = "r", .sequence = 1, .write = {.done = fixture_done}};
    struct hd_error error = {0};

    running_sweep(1, "maximize", 3);
    ck_assert_int_eq(store_report(fixture.store, &good, &error), 0);
    ck_assert_int_eq(store_report(fixture.store, &bad, &error), 0);
    fixture_wait(&fixture, &good.write);
    fixture_wait(&fixture, &bad.write);
    ck_assert_int_eq(good.write.result, 0);
    ck_assert_int_eq(bad.write.result, -(int)HD_CONFLICT);
    ck_assert_ptr_nonnull(strstr(bad.write.error.message, "'t' is a table"));
    /* Neither its first point nor its sequence is there. */
    bad.count = 1;
    bad.write = (struct store_write){.done = fixture_done};
    ck_assert_int_eq(store_report(fixture.store, &bad, &error), 0);
    fixture_wait(&fixture, &bad.write);
    ck_assert_int_eq(bad.write.result, 0);
    ck_assert(!bad.ret_duplicate);
    ck_assert_int_eq(bad.ret_reports, 1);
}
END_TEST

START_TEST(a_request_is_taken_once)
{
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = 0.5};
    struct store_report report;
    struct hd_error error = {0};

    running_sweep(1, "maximize", 3);
    for (int i = 0; i < 3; i++) {
        report = (struct store_report){
            .run_id = "S_0", .points = &point, .count = 1, .reporter = "r", .sequence = 7, .write = {.done = fixture_done}};
        ck_assert_int_eq(store_report(fixture.store, &report, &error), 0);
        fixture_wait(&fixture, &report.write);
        ck_assert_int_eq(report.write.result, 0);
        ck_assert_int_eq(report.ret_duplicate, i > 0);
        ck_assert_int_eq(report.ret_reports, 1);
    }
    end_with("S_0", STORE_EXITED, 0);
    report = (struct store_report){
        .run_id = "S_0", .points = &point, .count = 1, .reporter = "r", .sequence = 7, .write = {.done = fixture_done}};
    ck_assert_int_eq(store_report(fixture.store, &report, &error), 0);
    fixture_wait(&fixture, &report.write);
    ck_assert(report.ret_duplicate);
    report.sequence = 8;
    report.write = (struct store_write){.done = fixture_done};
    ck_assert_int_eq(store_report(fixture.store, &report, &error), 0);
    fixture_wait(&fixture, &report.write);
    ck_assert_int_eq(report.write.result, -(int)HD_CONFLICT);
}
END_TEST

/* --- Generation --------------------------------------------------------------------------------------------------------------------------
 */

START_TEST(a_grid_is_taken_once_across_reopening)
{
    enum { SIZE = 50 };
    bool seen[SIZE] = {false};
    struct store_generate generated;
    int64_t key, count = 0;

    fixture_specification(&specification, "maximize", SIZE, 0);
    key = fixture_sweep(&fixture, "S", &specification);
    for (;;) {
        fixture_generate(&fixture, &specification, key, "S", 7, 3, &generated);
        for (int64_t i = 0; i < generated.ret_count; i++) {
            int x = -1;

            ck_assert_int_eq(sscanf(generated.ret_children[i].configuration, "{\"x\":%d}", &x), 1);
            ck_assert_int_eq(x, count);
            ck_assert(!seen[x]);
            seen[x] = true;
            ck_assert_int_eq(generated.ret_children[i].number, count++);
            ck_assert_int_eq(generated.ret_children[i].intended, i < 3);
        }
        if (generated.ret_count == 0)
            break;
        ck_assert_int_eq(generated.ret_sweep.generation, count < SIZE ? HD_GENERATING : HD_GENERATED_SPACE);
        store_generate_clear(&generated);
        fixture_close(&fixture);
        fixture_reopen(&fixture, NULL);
    }
    store_generate_clear(&generated);
    ck_assert_int_eq(count, SIZE);
}
END_TEST

/* --- Ends --------------------------------------------------------------------------------------------------------------------------------
 */

START_TEST(a_sweep_ends_with_its_last_child)
{
    struct store_end end;

    running_sweep(2, "maximize", 3);
    end = end_with("S_0", STORE_EXITED, 1);
    ck_assert_int_eq(end.ret_status, HD_FAILED);
    ck_assert_int_eq(end.ret_sweep.status, HD_RUNNING);
    end = end_with("S_1", STORE_EXITED, 0);
    ck_assert_int_eq(end.ret_status, HD_COMPLETED);
    ck_assert_int_eq(end.ret_sweep.status, HD_COMPLETED);
    /* Told again after a crash: nothing changes. */
    end = end_with("S_0", STORE_EXITED, 1);
    ck_assert_int_eq(end.ret_status, HD_FAILED);
    ck_assert_int_eq(end.ret_sweep.ended, 2);
}
END_TEST

START_TEST(the_failure_limit_cancels_the_rest)
{
    struct store_end end;
    struct store_found found;
    struct hd_error error = {0};

    running_sweep(5, "maximize", 2);
    ck_assert_int_eq(fixture_report(&fixture, "S_4", 1), 0);
    end = end_with("S_0", STORE_EXITED, 1);
    ck_assert(!end.ret_sweep.failed_start);
    end = end_with("S_1", STORE_SIGNALED, 0);
    ck_assert(end.ret_sweep.failed_start);
    ck_assert_int_eq(end.ret_sweep.generation, HD_GENERATED_FAILURES);
    ck_assert_int_eq(store_find(store_loop_reader(fixture.store), "S_4", &found, &error), 0);
    ck_assert_int_eq(found.status, HD_CANCEL_REQUESTED);
    end_with("S_2", STORE_STOPPED_EARLY, 0);
    end_with("S_3", STORE_EXITED, 0); /* it was running unseen: its cancel counts, whatever its exit code */
    end = end_with("S_4", STORE_EXITED, 0);
    ck_assert_int_eq(end.ret_status, HD_CANCELED);
    ck_assert_int_eq(end.ret_sweep.status, HD_FAILED);
}
END_TEST

/* --- Reads -------------------------------------------------------------------------------------------------------------------------------
 */

static int collect_number(void *context, const struct store_run *run)
{
    struct hd_text *text = context;

    hd_text_format(text, "%lld ", (long long)run->number);
    return 0;
}

START_TEST(ranking_merges_the_classes)
{
    static const double VALUES[] = {0.5, 0.9, 0.5, 0.1, 0.9};
    struct hd_text text = {0};
    struct hd_error error = {0};
    struct store_reader *reader = store_loop_reader(fixture.store);
    int64_t key = running_sweep(6, "maximize", 0);
    char id[8];

    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "S_%d", i);
        ck_assert_int_eq(fixture_report(&fixture, id, VALUES[i]), 0);
    }
    end_with("S_1", STORE_EXITED, 1);
    end_with("S_2", STORE_EXITED, 0);
    ck_assert_int_eq(store_read_sorted(reader, key, false, false, 0, collect_number, &text, &error), 0);
    hd_text_add_char(&text, '|');
    ck_assert_int_eq(store_read_sorted(reader, key, true, true, 0, collect_number, &text, &error), 0);
    hd_text_add_char(&text, '|');
    ck_assert_int_eq(store_read_best(reader, key, false, true, collect_number, &text, &error), 0);
    hd_text_add_char(&text, '|');
    ck_assert_int_eq(store_read_sorted(reader, key, false, false, 2, collect_number, &text, &error), 0);
    ck_assert_str_eq(text.data, "4 1 2 0 3 5 |3 2 0 4 1 |4 |4 1 ");
    hd_text_clear(&text);
}
END_TEST

/* --- Early termination ---------------------------------------------------------------------------------------------------------------
 */

static struct store_stop stop_run(const char *id)
{
    struct store_stop request = {
        .decision =
            {.stop = true, .type = HD_BANDIT, .run = run_key(id), .interval = 1, .value = 0.1, .best = 0.9, .best_run = run_key("S_0")},
        .metric = "acc",
        .write = {.done = fixture_done},
    };
    struct hd_error error = {0};

    ck_assert_int_eq(store_stop(fixture.store, &request, &error), 0);
    fixture_wait(&fixture, &request.write);
    ck_assert_int_eq(request.write.result, 0);
    return request;
}

/* Only a run in Running is stopped, and only once; the reason names the best run. */
START_TEST(a_stop_is_for_running_runs)
{
    struct store_stop stop;

    running_sweep(3, "maximize", 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fixture_report(&fixture, i == 0 ? "S_0" : "S_1", 0.5), 0);
    stop = stop_run("S_2"); /* it has an attempt, but did not start */
    ck_assert(!stop.ret_stopped);
    ck_assert_ptr_null(stop.ret_stop_reason);
    stop = stop_run("S_1");
    ck_assert(stop.ret_stopped);
    ck_assert_int_eq(stop.ret_status, HD_CANCEL_REQUESTED);
    ck_assert_ptr_nonnull(strstr(stop.ret_stop_reason, "\"best_run_id\":\"S_0\""));
    free(stop.ret_stop_reason);
    stop = stop_run("S_1");
    ck_assert(!stop.ret_stopped);
    ck_assert_ptr_nonnull(stop.ret_stop_reason);
    free(stop.ret_stop_reason);
    ck_assert_int_eq(fixture_report(&fixture, "S_1", 0.7), 0); /* it still reports */
    ck_assert_int_eq(end_with("S_1", STORE_SIGNALED, 0).ret_status, HD_CANCELED);
}
END_TEST

/* What was left over by a process that has ended makes its run Finalizing: it is not stopped any more. */
START_TEST(spooled_points_are_of_a_run_that_finalizes)
{
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = 0.25};
    struct store_report report = {.run_id = "S_0", .points = &point, .count = 1, .spooled = true, .write = {.done = fixture_done}};
    struct hd_error error = {0};
    struct store_stop stop;

    running_sweep(1, "maximize", 0);
    ck_assert_int_eq(fixture_report(&fixture, "S_0", 0.5), 0);
    ck_assert_int_eq(store_report(fixture.store, &report, &error), 0);
    fixture_wait(&fixture, &report.write);
    ck_assert_int_eq(report.write.result, 0);
    ck_assert_int_eq(report.ret_status, HD_FINALIZING);
    ck_assert_int_eq(report.ret_reports, 2);
    stop = stop_run("S_0");
    ck_assert(!stop.ret_stopped);
    ck_assert_int_eq(end_with("S_0", STORE_EXITED, 0).ret_status, HD_COMPLETED);
}
END_TEST

static int see_series(void *context, const struct store_series *series)
{
    (void)context, (void)series;
    return 0;
}

static int count_point(void *context, const struct store_stored_point *point)
{
    (void)point;
    ++*(int *)context;
    return 0;
}

/* Whoever asks for what is new again and again does not have all that is old read each time. */
START_TEST(points_from_a_place_on_are_read_alone)
{
    int seen = 0;
    struct store_metrics_reader reader = {.series = see_series, .point = count_point, .context = &seen, .from = 7};
    struct store_found found;
    struct hd_error error = {0};

    running_sweep(1, "maximize", 0);
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(fixture_report(&fixture, "S_0", i), 0);
    ck_assert_int_eq(store_find(store_loop_reader(fixture.store), "S_0", &found, &error), 0);
    ck_assert_int_eq(store_read_metrics(store_loop_reader(fixture.store), 0, found.run, &reader, &error), 0);
    ck_assert_int_eq(seen, 2);
    reader.from = 0;
    seen = 0;
    ck_assert_int_eq(store_read_metrics(store_loop_reader(fixture.store), 0, found.run, &reader, &error), 0);
    ck_assert_int_eq(seen, 9);
}
END_TEST

static int append(void *context, int columns, char **values, char **names)
{
    (void)columns, (void)names;
    hd_text_format(context, "%s\n", values[3]);
    return 0;
}

/* The plans that the hot questions depend on: index walks, and no sorting (decisions, Ranking). */
START_TEST(hot_questions_are_index_walks)
{
    static const struct {
        const char *sql, *index;
    } QUESTIONS[] = {
        {"SELECT run FROM run WHERE sweep = 1 AND class = 0 AND rank_key IS NOT NULL ORDER BY rank_key, run DESC", "run_best"},
        {"SELECT run FROM run WHERE sweep = 1 AND class = 2 AND rank_key IS NOT NULL ORDER BY rank_key DESC, run DESC", "run_worst"},
        {"SELECT run FROM run WHERE sweep = 1 AND rank_key IS NULL ORDER BY run DESC", "run_unranked"},
        {"SELECT run FROM run WHERE sweep = 1 AND status IN (1, 2, 3, 4, 5, 6, 10) AND number > 5 ORDER BY number LIMIT 1", "run_live"},
        {"SELECT run FROM run CROSS JOIN sweep ON sweep.sweep = run.sweep WHERE log_bytes IS NULL AND run.ended_us IS NOT NULL "
         "ORDER BY run.ended_us LIMIT 9",
         "run_log_unknown"},
        {"SELECT run FROM run CROSS JOIN sweep ON sweep.sweep = run.sweep WHERE log_bytes > 0 ORDER BY run.ended_us LIMIT 9", "run_log"},
        {"SELECT sum(log_bytes) FROM run INDEXED BY run_log WHERE log_bytes > 0", "USING COVERING INDEX run_log"},
        {"SELECT * FROM sweep INDEXED BY sweep_live WHERE status IN (1, 4, 6) ORDER BY sweep", "sweep_live"},
        {"SELECT * FROM event WHERE sweep = 1 AND ordinal > 7 ORDER BY ordinal", "event_sweep"},
        {"SELECT event.ordinal, sweep.id, run.id FROM event LEFT JOIN sweep ON sweep.sweep = event.sweep "
         "LEFT JOIN run ON run.run = event.run WHERE event.ordinal > 7 AND event.ordinal <= 9 ORDER BY event.ordinal LIMIT 5",
         "SEARCH event USING INTEGER PRIMARY KEY"},
        {"SELECT sequence, kind, value, step, at_us, ordinal FROM point WHERE run = 1 AND name = "
         "(SELECT sweep.metric FROM run JOIN sweep USING (sweep) WHERE run.run = 1) AND sequence >= 7 ORDER BY sequence LIMIT 64",
         "SEARCH point USING PRIMARY KEY (run=? AND name=? AND sequence>?)"},
        {"SELECT sequence, kind, value, step, at_us, ordinal FROM point WHERE run = 1 AND name = 2 AND sequence >= 7 ORDER BY sequence",
         "SEARCH point USING PRIMARY KEY (run=? AND name=? AND sequence>?)"},
    };
    sqlite3 *database;

    ck_assert_int_eq(sqlite3_open(fixture.path, &database), SQLITE_OK);
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof QUESTIONS[0]; i++) {
        struct hd_text plan = {0}, sql = {0};

        hd_text_format(&sql, "EXPLAIN QUERY PLAN %s", QUESTIONS[i].sql);
        ck_assert_int_eq(sqlite3_exec(database, sql.data, append, &plan, NULL), SQLITE_OK);
        ck_assert_msg(strstr(plan.data, QUESTIONS[i].index) != NULL, "%s:\n%s", QUESTIONS[i].sql, plan.data);
        ck_assert_msg(strstr(plan.data, "TEMP B-TREE") == NULL, "%s:\n%s", QUESTIONS[i].sql, plan.data);
        hd_text_clear(&plan);
        hd_text_clear(&sql);
    }
    sqlite3_close(database);
}
END_TEST

/* --- Opening -----------------------------------------------------------------------------------------------------------------------------
 */

static int open_again(struct hd_error *error)
{
    const struct store_settings settings = {.path = fixture.path, .queue_limit = 1 << 20};
    struct store *store;
    uv_loop_t loop;
    int result;

    uv_loop_init(&loop);
    result = store_open(&store, &loop, &settings, error);
    if (result == 0)
        store_close(store, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return result;
}

START_TEST(a_newer_database_is_refused)
{
    struct hd_error error = {0};
    sqlite3 *database;

    ck_assert_int_eq(sqlite3_open(fixture.path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    ck_assert_int_lt(open_again(&error), 0);
    ck_assert_ptr_nonnull(strstr(error.message, "newer than this program knows"));
}
END_TEST

/* A database of version 1 with a sweep in it opens, and its rows are as they were. */
START_TEST(an_older_database_is_brought_forward)
{
    static const char SWEEP[] = "PRAGMA application_id = 0x68794472; PRAGMA user_version = 1;"
                                "INSERT INTO sweep (id, experiment, config, warnings, goal, seed, max_total, max_concurrent, "
                                "failure_limit, status, created_us) VALUES ('OLD', 'e', '{}', '[]', 1, 0, 1, 0, 0, 7, 5)";
    struct store_found found;
    struct hd_error error = {0};
    sqlite3 *database;

    fixture_close(&fixture);
    ck_assert_int_eq(unlink(fixture.path), 0);
    ck_assert_int_eq(sqlite3_open(fixture.path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, store_migrations[0], NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, SWEEP, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    fixture_reopen(&fixture, NULL);
    ck_assert_int_eq(store_find(store_loop_reader(fixture.store), "OLD", &found, &error), 0);
    ck_assert_int_eq(found.what, STORE_SWEEP);
    ck_assert_int_eq(found.status, HD_COMPLETED);
}
END_TEST

START_TEST(no_database_is_refused)
{
    struct hd_error error = {0};
    FILE *file;

    fixture_close(&fixture);
    file = fopen(fixture.path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("this is no database, but a text that is long enough to be looked at as if it were one, really long enough", file);
    fclose(file);
    ck_assert_int_lt(open_again(&error), 0);
    ck_assert_ptr_nonnull(strstr(error.message, "not a database"));
    ck_assert_int_eq(unlink(fixture.path), 0);
    fixture_reopen(&fixture, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *durable = tcase_create("durability"), *rows = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(durable, set_up_with_vfs, tear_down);
    tcase_set_timeout(durable, 60);
    tcase_add_test(durable, no_answer_before_the_sync);
    tcase_add_test(durable, a_failed_sync_fails_the_whole_group);
    tcase_add_test(durable, writes_that_wait_share_a_commit);
    tcase_add_test(durable, a_group_with_a_refused_write_is_stored_once);
    tcase_add_test(durable, a_full_queue_is_said);
    suite_add_tcase(suite, durable);
    tcase_add_checked_fixture(rows, set_up, tear_down);
    tcase_set_timeout(rows, 60);
    tcase_add_test(rows, a_refused_write_leaves_no_trace);
    tcase_add_test(rows, a_request_is_taken_once);
    tcase_add_test(rows, a_grid_is_taken_once_across_reopening);
    tcase_add_test(rows, a_sweep_ends_with_its_last_child);
    tcase_add_test(rows, the_failure_limit_cancels_the_rest);
    tcase_add_test(rows, ranking_merges_the_classes);
    tcase_add_test(rows, a_stop_is_for_running_runs);
    tcase_add_test(rows, spooled_points_are_of_a_run_that_finalizes);
    tcase_add_test(rows, points_from_a_place_on_are_read_alone);
    tcase_add_test(rows, hot_questions_are_index_walks);
    tcase_add_test(rows, a_newer_database_is_refused);
    tcase_add_test(rows, an_older_database_is_brought_forward);
    tcase_add_test(rows, no_database_is_refused);
    suite_add_tcase(suite, rows);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
