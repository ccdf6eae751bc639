/* Every kind of write beside one that fails late: the group is executed again, and leaves and tells what it would have without. */
#include <check.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "store_fixture.h"
#include "sync_vfs.h"

static struct store_fixture fixture;
static struct hd_specification ours, clients;

/* --- What stood before ------------------------------------------------------------------------------------------------------------------
 */

static void read_client_specification(void)
{
    static const char BODY[] =
        "{\"hyperparameter_sampling\":{\"type\":\"grid\",\"parameter_space\":{\"x\":[\"choice\",[[1,2,3,4]]]}},"
        "\"primary_metric_name\":\"acc\",\"primary_metric_goal\":\"maximize\",\"run_config\":{\"launcher\":\"client\"}}";
    const struct hd_specification_options options = {.seed = 1};
    struct hd_problems errors = {0}, warnings = {0};
    cJSON *body = hd_json_parse_own(BODY);

    ck_assert_msg(hd_specification_parse(body, &options, &errors, &warnings, &clients) == 0, "%s",
                  errors.count > 0 ? errors.list[0].message : "?");
    cJSON_Delete(body);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
}

static int64_t run_key(const char *id)
{
    struct store_found found;
    struct hd_error error = {0};

    ck_assert_int_eq(store_find(store_loop_reader(fixture.store), id, &found, &error), 0);
    ck_assert_int_eq(found.what, STORE_RUN);
    return found.run;
}

static int64_t sweep_with(const char *id, int64_t children, int64_t slots)
{
    struct store_generate generate;
    int64_t key = fixture_sweep(&fixture, id, &ours);

    fixture_generate(&fixture, &ours, key, id, children, slots, &generate);
    ck_assert_int_eq(generate.ret_count, children);
    store_generate_clear(&generate);
    return key;
}

static void cancel_now(int64_t sweep)
{
    struct store_cancel_sweep cancel = {.sweep = sweep, .code = "user", .write = {.done = fixture_done}};
    struct hd_error error = {0};

    ck_assert_int_eq(store_cancel_sweep(fixture.store, &cancel, &error), 0);
    fixture_wait(&fixture, &cancel.write);
    ck_assert_int_eq(cancel.write.result, 0);
}

static void hide_now(int64_t sweep, const char *id)
{
    struct store_delete_sweep hide = {.sweep = sweep, .id = id, .write = {.done = fixture_done}};
    struct hd_error error = {0};

    ck_assert_int_eq(store_delete_sweep(fixture.store, &hide, &error), 0);
    fixture_wait(&fixture, &hide.write);
    ck_assert_int_eq(hide.write.result, 0);
}

/* --- The group --------------------------------------------------------------------------------------------------------------------------
 */

static const struct store_point GOOD[] = {{.name = "acc", .kind = STORE_FLOAT, .number = 0.5}, {.name = "new", .kind = STORE_INTEGER}};
static const struct store_point ROW = {.name = "table", .kind = STORE_ROW, .text = "{\"x\":1}"};
/* Fails at its second point, when the first is stored. */
static const struct store_point BAD[] = {{.name = "never", .kind = STORE_FLOAT, .number = 9}, {.name = "table", .kind = STORE_FLOAT}};

struct group {
    struct store_report report, twin, bad[2];
    struct store_create_sweep create;
    struct store_generate generate, asked;
    struct store_ask asks[3];
    struct store_intend intend;
    struct store_running running;
    struct store_stop stop;
    struct store_unjudged unjudged;
    struct store_note note;
    struct store_end end, retried;
    struct store_tell tell;
    struct store_cancel_run cancel_run;
    struct store_cancel_sweep cancel_sweep;
    struct store_change_sweep change;
    struct store_set_device device;
    struct store_fail_sweep fail;
    struct store_delete_sweep hide;
    struct store_purge purge;
};

struct keys {
    int64_t s, t, c, f, e, g;
};

static void submit_bad(struct group *group, int number)
{
    struct hd_error error = {0};

    group->bad[number] = (struct store_report){
        .run_id = "S_1", .points = BAD, .count = 2, .reporter = "bad", .sequence = number + 1, .write = {.done = fixture_done}};
    ck_assert_int_eq(store_report(fixture.store, &group->bad[number], &error), 0);
}

#define DONE .write = {.done = fixture_done}
#define SUBMIT(function, member, ...)                                                                                                      \
    do {                                                                                                                                   \
        struct hd_error error = {0};                                                                                                       \
        group->member = (__typeof__(group->member)){__VA_ARGS__, DONE};                                                                    \
        ck_assert_int_eq(function(fixture.store, &group->member, &error), 0);                                                              \
    } while (0)

static void submit_all(struct group *group, const struct keys *keys, const char *config, bool spoil)
{
    struct hd_decision decision = {.stop = true, .type = HD_MEDIAN_STOPPING, .interval = 2, .value = 1, .threshold = 2, .runs = 3};

    decision.run = run_key("S_2");
    SUBMIT(store_create_sweep, create, .id = "N", .specification = &ours, .config = config, .warnings = "[]");
    SUBMIT(store_generate, generate, .sweep = keys->s, .sweep_id = "S", .specification = &ours, .count = 2, .slots = 1);
    group->asks[0] = (struct store_ask){.asker = "a", .sequence = 1};
    group->asks[1] = (struct store_ask){.asker = "a", .sequence = 1};
    group->asks[2] = (struct store_ask){0};
    SUBMIT(store_generate, asked, .sweep = keys->c, .sweep_id = "C", .specification = &clients, .asks = group->asks, .ask_count = 3);
    SUBMIT(store_intend, intend, .run = run_key("S_6"), .devices = "{\"gpu\":1}");
    SUBMIT(store_running, running, .run = run_key("S_3"), .started_us = 5, .monitor_pid = 6, .monitor_ticks = 7, .boot_id = "b");
    SUBMIT(store_report, report, .run_id = "S_0", .points = GOOD, .count = 2, .reporter = "good", .sequence = 1);
    if (spoil)
        submit_bad(group, 0);
    SUBMIT(store_report, twin, .run_id = "S_0", .points = GOOD, .count = 2, .reporter = "good", .sequence = 1);
    SUBMIT(store_stop, stop, .decision = decision, .metric = "acc");
    SUBMIT(store_unjudged, unjudged, .decision = {.no_metric = true, .type = HD_MEDIAN_STOPPING, .run = run_key("S_1")}, .metric = "acc");
    SUBMIT(store_note, note, .sweep = keys->s, .code = "Note", .message = "a note");
    SUBMIT(store_end, end, .run = run_key("S_4"), .kind = STORE_EXITED, .ended_us = 9, .last_output = "");
    SUBMIT(store_end, retried, .run = run_key("S_5"), .attempt = 1, .retry = true, .kind = STORE_EXITED, .exit_code = 1, .ended_us = 9,
           .last_output = "no");
    SUBMIT(store_tell, tell, .run = run_key("C_0"), .what = STORE_TOLD_FAILED, .message = "no");
    SUBMIT(store_cancel_run, cancel_run, .run = run_key("S_7"), .kind = "user");
    SUBMIT(store_cancel_sweep, cancel_sweep, .sweep = keys->t, .code = "user");
    SUBMIT(store_change_sweep, change, .sweep = keys->s, .max_total = 12, .max_concurrent = 3, .config = config);
    SUBMIT(store_set_device, device, .id = "cpu", .drained = true);
    SUBMIT(store_fail_sweep, fail, .sweep = keys->f, .message = "its source is gone");
    SUBMIT(store_delete_sweep, hide, .sweep = keys->e, .id = "E");
    SUBMIT(store_purge, purge, .sweep = keys->g);
    if (spoil)
        submit_bad(group, 1);
}

/* --- What came of it --------------------------------------------------------------------------------------------------------------------
 */

static void tell_write(struct hd_text *text, const char *name, const struct store_write *write)
{
    ck_assert_msg(write->result == 0, "%s: %s", name, write->error.message);
    hd_text_format(text, "%s: %" PRId64 " points of %" PRId64 "\n", name, write->points, write->points_run);
}

static void tell_sweep(struct hd_text *text, const char *name, const struct store_sweep_state *state)
{
    hd_text_format(text, "%s leaves %" PRId64 " %d %d %" PRId64 " %" PRId64 " %d\n", name, state->key, state->status, state->generation,
                   state->generated, state->ended, state->failed_start);
}

static void tell_children(struct hd_text *text, const struct store_generate *generate)
{
    for (int64_t i = 0; i < generate->ret_count; i++)
        hd_text_format(text, "child %" PRId64 " %" PRId64 " %s %d\n", generate->ret_children[i].key, generate->ret_children[i].number,
                       generate->ret_children[i].configuration, generate->ret_children[i].intended);
}

static void tell_answers(struct hd_text *text, const struct group *group)
{
    const struct store_report *reports[] = {&group->report, &group->twin};

    for (int i = 0; i < 2; i++)
        hd_text_format(text, "report %" PRId64 " %" PRId64 " %" PRId64 " %d %d %d\n", reports[i]->ret_ordinal, reports[i]->ret_accepted,
                       reports[i]->ret_reports, reports[i]->ret_duplicate, reports[i]->ret_started, reports[i]->ret_status);
    tell_children(text, &group->generate);
    tell_children(text, &group->asked);
    for (int i = 0; i < 3; i++)
        hd_text_format(text, "ask %d %" PRId64 "\n", group->asks[i].ret_answer, group->asks[i].ret_run);
    hd_text_format(text, "created %" PRId64 " intended %d running %d stopped %d %d\n", group->create.ret_key, group->intend.ret_attempt,
                   group->running.ret_status, group->stop.ret_stopped, group->stop.ret_status);
    hd_text_format(text, "ended %d retried %d %d told %d canceled %d %d %d purged %d\n", group->end.ret_status, group->retried.ret_status,
                   group->retried.ret_attempt, group->tell.ret_status, group->cancel_run.ret_canceled, group->cancel_run.ret_status,
                   group->cancel_sweep.ret_canceled, group->purge.ret_done);
    tell_sweep(text, "generate", &group->generate.ret_sweep);
    tell_sweep(text, "ask", &group->asked.ret_sweep);
    tell_sweep(text, "end", &group->end.ret_sweep);
    tell_sweep(text, "retry", &group->retried.ret_sweep);
    tell_sweep(text, "tell", &group->tell.ret_sweep);
    tell_sweep(text, "cancel_run", &group->cancel_run.ret_sweep);
    tell_sweep(text, "cancel_sweep", &group->cancel_sweep.ret_sweep);
    tell_sweep(text, "change", &group->change.ret_sweep);
    tell_sweep(text, "fail", &group->fail.ret_sweep);
}

/* Times differ from one execution to the next. */
static void add_value(struct hd_text *text, sqlite3_stmt *row, int column)
{
    const char *name = sqlite3_column_name(row, column), *value = (const char *)sqlite3_column_text(row, column), *time;
    size_t length = strlen(name);

    if (value == NULL || (length > 3 && strcmp(name + length - 3, "_us") == 0)) {
        hd_text_add_string(text, "|");
        return;
    }
    time = strstr(value, "at_utc");
    hd_text_add_string(text, "|");
    hd_text_add(text, value, time != NULL ? (size_t)(time - value) : strlen(value));
}

static void tell_table(struct hd_text *text, sqlite3 *database, const char *table)
{
    char sql[128];
    sqlite3_stmt *row;

    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2", table);
    if (strcmp(table, "clock") == 0)
        snprintf(sql, sizeof sql, "SELECT ordinal FROM clock");
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &row, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(database));
    while (sqlite3_step(row) == SQLITE_ROW) {
        hd_text_add_string(text, table);
        for (int i = 0; i < sqlite3_column_count(row); i++)
            add_value(text, row, i);
        hd_text_add_string(text, "\n");
    }
    sqlite3_finalize(row);
}

static void tell_database(struct hd_text *text)
{
    sqlite3 *database;
    sqlite3_stmt *tables;

    ck_assert_int_eq(sqlite3_open_v2(fixture.path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database,
                                        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name", -1,
                                        &tables, NULL),
                     SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW)
        tell_table(text, database, (const char *)sqlite3_column_text(tables, 0));
    sqlite3_finalize(tables);
    sqlite3_close(database);
}

/* --- Both ways --------------------------------------------------------------------------------------------------------------------------
 */

static struct keys prepare(void)
{
    struct keys keys = {.s = sweep_with("S", 8, 6), .t = sweep_with("T", 2, 1), .f = fixture_sweep(&fixture, "F", &ours)};
    struct store_ask first = {0};
    struct store_generate ask = {.sweep_id = "C", .specification = &clients, .asks = &first, .ask_count = 1, DONE};
    const struct store_point points[] = {ROW, {.name = "acc", .kind = STORE_NAN}};
    struct store_report table = {.run_id = "S_1", .points = points, .count = 2, DONE};
    struct hd_error error = {0};

    ask.sweep = keys.c = fixture_sweep(&fixture, "C", &clients);
    ck_assert_int_eq(store_generate(fixture.store, &ask, &error), 0);
    fixture_wait(&fixture, &ask.write);
    ck_assert_int_eq(ask.ret_count, 1);
    store_generate_clear(&ask);
    ck_assert_int_eq(store_report(fixture.store, &table, &error), 0);
    fixture_wait(&fixture, &table.write);
    ck_assert_int_eq(fixture_report(&fixture, "S_2", 0.25), 0);
    keys.e = sweep_with("E", 1, 0);
    cancel_now(keys.e);
    keys.g = sweep_with("G", 2, 0);
    cancel_now(keys.g);
    hide_now(keys.g, "G");
    return keys;
}

static void check_group(const struct group *group, bool spoil, struct hd_text *text)
{
#define TELL(member) tell_write(text, #member, &group->member.write)
    TELL(report), TELL(twin), TELL(create), TELL(generate), TELL(asked), TELL(intend), TELL(running), TELL(stop), TELL(unjudged);
    TELL(note), TELL(end), TELL(retried), TELL(tell), TELL(cancel_run), TELL(cancel_sweep), TELL(change), TELL(device), TELL(fail);
    TELL(hide), TELL(purge);
    for (int i = 0; spoil && i < 2; i++) {
        ck_assert_int_eq(group->bad[i].write.result, -(int)HD_CONFLICT);
        ck_assert_int_eq(group->bad[i].write.points, 0);
    }
}

/* What a group of all kinds leaves and tells, as text. */
static void play(bool spoil, struct hd_text *text)
{
    struct group *group = calloc(1, sizeof *group);
    struct store_report first = {.run_id = "S_1", .points = GOOD, .count = 1, DONE};
    struct store_counters before, after;
    struct hd_text config = {0};
    struct hd_error error = {0};
    struct keys keys;

    ck_assert_ptr_nonnull(group);
    fixture_open(&fixture, SYNC_VFS_NAME);
    fixture_specification(&ours, "maximize", 20, 5);
    read_client_specification();
    hd_json_print(&config, ours.config, HD_JSON_COMPACT);
    keys = prepare();
    before = store_counters(fixture.store);
    sync_vfs_hold();
    ck_assert_int_eq(store_report(fixture.store, &first, &error), 0);
    uv_run(&fixture.loop, UV_RUN_NOWAIT); /* the turn ends: it is handed over */
    sync_vfs_wait_held();
    submit_all(group, &keys, config.data, spoil);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    sync_vfs_release();
    fixture_wait(&fixture, spoil ? &group->bad[1].write : &group->purge.write);
    after = store_counters(fixture.store);
    ck_assert_int_eq(after.commits - before.commits, 2);
    ck_assert_int_eq(after.points - before.points, 3);
    check_group(group, spoil, text);
    tell_answers(text, group);
    tell_database(text);
    ck_assert(!text->failed);
    store_generate_clear(&group->generate);
    store_generate_clear(&group->asked);
    free(group->report.ret_stop_reason);
    free(group->twin.ret_stop_reason);
    free(group->stop.ret_stop_reason);
    free(group);
    free(first.ret_stop_reason);
    hd_text_clear(&config);
    fixture_close(&fixture);
    fixture_remove(&fixture);
    hd_specification_clear(&ours);
    hd_specification_clear(&clients);
}

START_TEST(a_group_that_is_executed_again_leaves_and_tells_the_same)
{
    struct hd_text alone = {0}, spoilt = {0};
    size_t same = 0;

    sync_vfs_register();
    play(false, &alone);
    play(true, &spoilt);
    while (alone.data[same] != '\0' && alone.data[same] == spoilt.data[same])
        same++;
    ck_assert_msg(alone.data[same] == spoilt.data[same], "alone: ...%.200s\nwith a refused one: ...%.200s", alone.data + same,
                  spoilt.data + same);
    /* The purge, the hidden sweep, the drained device and the new sweep are among it. */
    ck_assert_ptr_nonnull(strstr(alone.data, "purged 1\n"));
    ck_assert_ptr_nonnull(strstr(alone.data, "\"state\":\"deleted\""));
    ck_assert_ptr_nonnull(strstr(alone.data, "\"state\":\"drained\""));
    ck_assert_ptr_nonnull(strstr(alone.data, "|N|"));
    ck_assert_ptr_null(strstr(alone.data, "never"));
    hd_text_clear(&alone);
    hd_text_clear(&spoilt);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_again");
    TCase *tests = tcase_create("again");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_group_that_is_executed_again_leaves_and_tells_the_same);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
