#include "store_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"

enum { DEADLINE_MS = 20000 };

static void open_store(struct store_fixture *fixture, const char *vfs)
{
    const struct store_settings settings = {.path = fixture->path, .vfs = vfs, .queue_limit = 1 << 20};
    struct hd_error error = {0};

    ck_assert_int_eq(uv_loop_init(&fixture->loop), 0);
    ck_assert_msg(store_open(&fixture->store, &fixture->loop, &settings, &error) == 0, "%s", error.message);
}

void fixture_open(struct store_fixture *fixture, const char *vfs)
{
    memset(fixture, 0, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "%.40s/hd-store-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/test.db", fixture->folder);
    open_store(fixture, vfs);
}

void fixture_reopen(struct store_fixture *fixture, const char *vfs)
{
    open_store(fixture, vfs);
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

void fixture_close(struct store_fixture *fixture)
{
    fixture->closed = false;
    store_close(fixture->store, on_closed, &fixture->closed);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    ck_assert(fixture->closed);
    ck_assert_int_eq(uv_loop_close(&fixture->loop), 0);
}

void fixture_remove(struct store_fixture *fixture)
{
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    char path[128];

    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        snprintf(path, sizeof path, "%s%s", fixture->path, SUFFIXES[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->folder);
}

void fixture_done(struct store_write *write)
{
    write->store = NULL; /* back; the writer thread does not look at this member */
}

static void on_deadline(uv_timer_t *timer)
{
    ck_abort_msg("a write did not come back within %d ms", DEADLINE_MS);
    (void)timer;
}

void fixture_wait(struct store_fixture *fixture, struct store_write *write)
{
    uv_timer_t deadline;

    uv_timer_init(&fixture->loop, &deadline);
    uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
    while (write->store != NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&deadline, NULL);
    uv_run(&fixture->loop, UV_RUN_NOWAIT); /* the timer stands on this stack: let the loop forget it */
}

void fixture_specification(struct hd_specification *specification, const char *goal, int64_t count, int64_t failure_limit)
{
    const struct hd_specification_options options = {.seed = 1};
    struct hd_problems errors = {0}, warnings = {0};
    struct hd_text text = {0};
    cJSON *body;

    hd_text_add_string(&text, "{\"hyperparameter_sampling\":{\"type\":\"grid\",\"parameter_space\":{\"x\":[\"choice\",[[");
    for (int64_t i = 0; i < count; i++)
        hd_text_format(&text, "%s%lld", i > 0 ? "," : "", (long long)i);
    hd_text_format(&text,
                   "]]]}},\"primary_metric_name\":\"acc\",\"primary_metric_goal\":\"%s\",\"initial_failure_limit\":%lld,"
                   "\"run_config\":{\"command\":\"true ${{search_space.x}}\"}}",
                   goal, (long long)failure_limit);
    body = hd_json_parse_own(text.data);
    ck_assert_ptr_nonnull(body);
    ck_assert_msg(hd_specification_parse(body, &options, &errors, &warnings, specification) == 0, "%s",
                  errors.count > 0 ? errors.list[0].message : "?");
    cJSON_Delete(body);
    hd_text_clear(&text);
    hd_problems_clear(&errors);
    hd_problems_clear(&warnings);
}

int64_t fixture_sweep(struct store_fixture *fixture, const char *id, const struct hd_specification *specification)
{
    struct hd_text config = {0};
    struct store_create_sweep create = {.id = id, .specification = specification, .warnings = "[]", .write = {.done = fixture_done}};
    struct hd_error error = {0};

    hd_json_print(&config, specification->config, HD_JSON_COMPACT);
    create.config = config.data;
    ck_assert_int_eq(store_create_sweep(fixture->store, &create, &error), 0);
    fixture_wait(fixture, &create.write);
    ck_assert_msg(create.write.result == 0, "%s", create.write.error.message);
    hd_text_clear(&config);
    return create.ret_key;
}

void fixture_generate(struct store_fixture *fixture, const struct hd_specification *specification, int64_t sweep, const char *id,
                      int64_t count, int64_t slots, struct store_generate *request)
{
    struct hd_error error = {0};

    *request = (struct store_generate){
        .sweep = sweep,
        .sweep_id = id,
        .specification = specification,
        .count = count,
        .slots = slots,
        .write = {.done = fixture_done},
    };
    ck_assert_int_eq(store_generate(fixture->store, request, &error), 0);
    fixture_wait(fixture, &request->write);
    ck_assert_msg(request->write.result == 0, "%s", request->write.error.message);
}

int fixture_report(struct store_fixture *fixture, const char *run_id, double value)
{
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = value};
    struct store_report report = {.run_id = run_id, .points = &point, .count = 1, .write = {.done = fixture_done}};
    struct hd_error error = {0};

    ck_assert_int_eq(store_report(fixture->store, &report, &error), 0);
    fixture_wait(fixture, &report.write);
    free(report.ret_stop_reason);
    return report.write.result;
}
