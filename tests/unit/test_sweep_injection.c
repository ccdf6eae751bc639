/* One allocation or one call to the system fails while sweeps are submitted, run, judged, taken up again, changed, cancelled and deleted,
 * with a real store, a real launcher and real children: each in its turn. What was asked for is answered, a failure with a sentence, and
 * can be asked again; what nobody asks for is tried again by the daemon itself. So all comes to its end, whatever has failed. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "fault.h"
#include "launch/snapshot.h"
#include "store/store.h"
#include "sweep/deadline.h"
#include "sweep/sweep.h"

enum { CALLS_MAX = 200000, LOOK_MS = 2, DEADLINE_MS = 20000, AGAIN_US = 20000 };

static char home[96]; /* state folder */
static char database[128];
static uv_loop_t loop;
static struct store *store;
static struct sweeps *sweeps;

/* Check's assertions allocate memory themselves: nothing may be asserted while a fault is armed. So what is wrong is noted, and what comes
 * behind it is left out. */
static char wrong[1400];

/* A call to the system that fails may be why a child cannot be started, or what it left be read: that is an end as well. Want of memory
 * passes by itself. */
static bool may_fail;

static bool is_wrong(void)
{
    return wrong[0] != '\0';
}

static void note(const char *what, const struct hd_error *error)
{
    if (!is_wrong())
        snprintf(wrong, sizeof wrong, "%.80s: %.1000s", what, error != NULL ? error->message : "");
}

/* What is tried again in a second is tried again soon. */
void __wrap_deadline_set_again(struct deadlines *deadlines, struct deadline *deadline);
void __wrap_deadline_set_again(struct deadlines *deadlines, struct deadline *deadline)
{
    deadline_set(deadlines, deadline, deadline_now_us() + AGAIN_US);
}

/* --- Waiting ----------------------------------------------------------------------------------------------------------------------------
 */

static uv_timer_t look, limit;
static bool late;

static void on_look(uv_timer_t *timer)
{
    (void)timer; /* wakes the loop, so that the condition is looked at again */
}

static void on_limit(uv_timer_t *timer)
{
    (void)timer;
    late = true;
}

/* False, and noted, when it does not come to that. */
static bool wait_until(bool (*condition)(const void *data), const void *data, const char *what)
{
    late = false;
    (void)uv_timer_start(&limit, on_limit, DEADLINE_MS, 0);
    (void)uv_timer_start(&look, on_look, LOOK_MS, LOOK_MS);
    while (!is_wrong() && !late && !condition(data))
        uv_run(&loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&limit);
    (void)uv_timer_stop(&look);
    if (late)
        note("it does not come to this", &(struct hd_error){.message = "time is up"});
    if (late)
        snprintf(wrong + strlen(wrong), sizeof wrong - strlen(wrong), ": %.100s", what);
    return !is_wrong();
}

static bool is_true(const void *data)
{
    return *(const bool *)data;
}

/* --- Opening and closing ----------------------------------------------------------------------------------------------------------------
 */

static void run_token(void *context, const char *run_id, int attempt, char *buffer, size_t size)
{
    (void)context;
    snprintf(buffer, size, "r.%s.%d", run_id, attempt);
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

static void close_all(void)
{
    bool closed = false;

    if (sweeps != NULL) {
        sweeps_close(sweeps, on_closed, &closed);
        (void)wait_until(is_true, &closed, "the sweeps are closed");
    }
    closed = false;
    if (store != NULL) {
        store_close(store, on_closed, &closed);
        (void)wait_until(is_true, &closed, "the store is closed");
    }
    if (sweeps != NULL && !is_wrong())
        sweeps_free(sweeps);
    sweeps = NULL;
    store = NULL;
}

static void open_once(struct hd_error *error)
{
    static char *environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};
    const struct store_settings store_settings = {.path = database, .queue_limit = 1 << 20};
    const struct sweeps_settings settings = {
        .state_dir = home,
        .monitor = getenv("HD_MONITOR"),
        .cgroup = "no",
        .systemd_run = "/nowhere",
        .grace_us = 200 * 1000,
        .slots = 2,
        .devices = {.root = "/nowhere", .nvidia_smi = "/nowhere", .gpus = "none"},
        .snapshot_limit = 1 << 20,
        .policy_memory = 1 << 20,
        .environment = environment,
        .url = "http://localhost:1",
        .run_token = run_token,
    };

    if (store_open(&store, &loop, &store_settings, error) != 0)
        store = NULL;
    else if (sweeps_open(&sweeps, &loop, store, &settings, error) != 0)
        sweeps = NULL;
}

/* A daemon that cannot start is started again. */
static void open_all(void)
{
    for (int attempt = 0; attempt < 2 && sweeps == NULL && !is_wrong(); attempt++) {
        struct hd_error error = {0};

        open_once(&error);
        if (sweeps == NULL && (attempt > 0 || error.message[0] == '\0'))
            note("open", &error);
        if (sweeps == NULL)
            close_all();
    }
}

/* --- What is asked for: each once more when it fails, since one fault alone is armed
 * ------------------------------------------------------
 */

struct outcome {
    bool here, failed;
    int64_t key; /* of a new sweep */
    struct hd_error error;
};

static void settle(struct outcome *outcome, const struct hd_error *error)
{
    outcome->here = true;
    outcome->failed = error != NULL;
    if (error != NULL)
        outcome->error = *error;
}

/* True when it must be asked again. */
static bool has_failed(struct outcome *outcome, const char *what, int attempt)
{
    if (!wait_until(is_true, &outcome->here, what) || !outcome->failed)
        return false;
    if (attempt > 0 || hd_code_status(outcome->error.code) < 500 || outcome->error.message[0] == '\0')
        note(what, &outcome->error);
    return true;
}

static void on_created(struct sweeps_submission *submission, int64_t key, bool repeated)
{
    struct outcome *outcome = submission->data;

    (void)repeated;
    outcome->key = key;
    settle(outcome, NULL);
}

static void on_refused(struct sweeps_submission *submission, const struct hd_problems *problems)
{
    struct hd_error error = {0};

    hd_error_set(&error, HD_INTERNAL, "it is refused: %.900s", problems->count > 0 ? problems->list[0].message : "");
    if (!may_fail)
        note("submission", &error);
    settle(submission->data, &error);
}

static void on_failed(struct sweeps_submission *submission, const struct hd_error *error)
{
    settle(submission->data, error);
}

static int64_t submit(const char *text)
{
    struct outcome outcome = {0};

    for (int attempt = 0; attempt < 2 && !is_wrong(); attempt++) {
        cJSON *body = hd_json_parse_own(text);
        const struct sweeps_submission submission = {
            .body = body, .data = &outcome, .created = on_created, .refused = on_refused, .failed = on_failed};

        outcome = (struct outcome){0};
        if (body == NULL)
            continue;
        sweeps_submit(sweeps, &submission);
        if (!has_failed(&outcome, "submission", attempt))
            break;
    }
    return outcome.key;
}

static void on_canceled(void *data, bool canceled, enum hd_status status, const struct hd_error *error)
{
    (void)canceled, (void)status;
    settle(data, error);
}

static void on_answer(void *data, const struct hd_error *error)
{
    settle(data, error);
}

#define ASK(what, ...)                                                                                                                     \
    for (int attempt = 0; attempt < 2 && !is_wrong(); attempt++) {                                                                         \
        struct outcome outcome = {0};                                                                                                      \
                                                                                                                                           \
        __VA_ARGS__;                                                                                                                       \
        if (!has_failed(&outcome, what, attempt))                                                                                          \
            break;                                                                                                                         \
    }

/* A report as the API takes it: stored, judged, answered. */
struct reporting {
    struct store_report request; /* first: the write comes back as this */
    struct outcome outcome;
};

static void on_judged(struct store_report *report)
{
    settle(&((struct reporting *)report)->outcome, NULL);
}

static void on_reported(struct store_write *write)
{
    struct reporting *reporting = (struct reporting *)write;

    if (write->result == 0)
        sweeps_judge(sweeps, &reporting->request, on_judged);
    else
        settle(&reporting->outcome, &write->error);
}

static void report(const char *run_id, double value)
{
    const struct store_point point = {.name = "acc", .kind = STORE_FLOAT, .number = value};

    for (int attempt = 0; attempt < 2 && !is_wrong(); attempt++) {
        struct reporting reporting = {
            .request = {
                .run_id = run_id, .reporter = "reporter", .sequence = 1, .points = &point, .count = 1, .write = {.done = on_reported}}};
        struct hd_error error = {0};
        bool failed;

        if (store_report(store, &reporting.request, &error) != 0)
            settle(&reporting.outcome, &error);
        failed = has_failed(&reporting.outcome, "report", attempt);
        free(reporting.request.ret_stop_reason);
        if (!failed)
            break;
    }
}

/* --- What is to be seen; a read that fails sees nothing yet ------------------------------------------------------------------------------
 */

struct view {
    int64_t sweep; /* key */
    enum hd_status status;
    char id[64];
    int64_t generated, by_status[HD_STATUS_COUNT];
    int64_t first_run, attempts, reports, metrics; /* the last three: sums over its runs */
    char error[500];                               /* of the last run that has one */
};

static int see_sweep(void *context, const struct store_sweep *sweep)
{
    struct view *view = context;

    view->status = sweep->status;
    view->generated = sweep->generated;
    memcpy(view->by_status, sweep->by_status, sizeof view->by_status);
    snprintf(view->id, sizeof view->id, "%s", sweep->id);
    return 0;
}

static int see_run(void *context, const struct store_run *run)
{
    struct view *view = context;

    if (run->number == 0)
        view->first_run = run->key;
    view->attempts += run->attempt;
    view->reports += run->reports;
    view->metrics += run->has_metric;
    if (run->error != NULL)
        snprintf(view->error, sizeof view->error, "%s", run->error);
    return 0;
}

static bool look_at(int64_t sweep, struct view *ret_view)
{
    struct store_reader *reader = store_loop_reader(store);
    struct hd_error error = {0};

    *ret_view = (struct view){.sweep = sweep};
    return store_read_sweep(reader, sweep, see_sweep, ret_view, &error) == 0 &&
           store_read_runs(reader, sweep, -1, 0, see_run, ret_view, &error) == 0;
}

static bool has_ended(const void *data)
{
    struct view view;

    return look_at(*(const int64_t *)data, &view) && hd_status_ended(view.status);
}

static bool two_run(const void *data)
{
    struct view view;

    return look_at(*(const int64_t *)data, &view) && (view.by_status[HD_RUNNING] == 2 || (may_fail && view.by_status[HD_FAILED] > 0));
}

static bool one_is_canceled(const void *data)
{
    struct view view;

    return look_at(*(const int64_t *)data, &view) && view.by_status[HD_CANCELED] == 1;
}

static int count_sweep(void *context, const struct store_sweep *sweep)
{
    (void)sweep;
    ++*(int *)context;
    return 0;
}

static bool all_is_deleted(const void *data)
{
    struct hd_error error = {0};
    int left = 0;

    (void)data;
    return store_read_deleting_sweeps(store_loop_reader(store), count_sweep, &left, &error) == 0 && left == 0;
}

/* Whose command line has the state folder in it: monitors. What their children leave is killed by them. */
static bool no_monitor_is_left(const void *data)
{
    DIR *all = opendir("/proc");
    const struct dirent *entry;
    bool found = false;

    (void)data;
    while (all != NULL && !found && (entry = readdir(all)) != NULL) {
        char path[300], line[4096];
        int file;
        ssize_t size;

        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        file = open(path, O_RDONLY | O_CLOEXEC);
        size = file >= 0 ? read(file, line, sizeof line) : 0;
        if (file >= 0)
            (void)close(file);
        found = size > 0 && memmem(line, (size_t)size, home, strlen(home)) != NULL;
    }
    if (all != NULL)
        (void)closedir(all);
    return all != NULL && !found;
}

/* --- Scenarios -----------------------------------------------------------------------------------------------------------------------
 */

#define METRIC "\"primary_metric_name\":\"acc\",\"primary_metric_goal\":\"maximize\",\"initial_failure_limit\":0"

static int64_t judged, learning, failing;

/* Two children that never end: the policy stops one, whose metric is the worse, and the other is cancelled when the daemon was started
 * again meanwhile. */
static void judge_and_cancel(void)
{
    struct view view;
    char run_id[96];

    open_all();
    judged = is_wrong() ? 0
                        : submit("{\"hyperparameter_sampling\":{\"type\":\"random\",\"parameter_space\":{\"x\":[\"choice\",[[1,2,3]]]}},"
                                 "\"max_total_runs\":2,\"policy\":{\"type\":\"bandit\",\"slack_factor\":0.1}," METRIC
                                 ",\"run_config\":{\"command\":[\"sleep\",\"1000\"]}}");
    if (!wait_until(two_run, &judged, "two children run") || !look_at(judged, &view))
        return;
    if (view.by_status[HD_RUNNING] == 2) {
        snprintf(run_id, sizeof run_id, "%s_0", view.id);
        report(run_id, 1);
        snprintf(run_id, sizeof run_id, "%s_1", view.id);
        report(run_id, 0.5);
        (void)wait_until(one_is_canceled, &judged, "the policy stops a child");
    }
    close_all();
    open_all();
    if (is_wrong())
        return;
    ASK("cancel of a run", sweeps_cancel_run(sweeps, view.first_run, on_canceled, &outcome));
    if (view.by_status[HD_RUNNING] != 2)
        ASK("cancel of the sweep", sweeps_cancel(sweeps, judged, on_canceled, &outcome));
    (void)wait_until(has_ended, &judged, "the sweep ends");
    ASK("deletion", sweeps_delete(sweeps, judged, view.id, on_answer, &outcome));
}

static void check_judged(void)
{
    struct hd_error error = {0};
    struct view view = {0};

    (void)wait_until(all_is_deleted, NULL, "the sweep is deleted");
    ck_assert_msg(!is_wrong(), "%s", wrong);
    ck_assert_int_eq(store_read_sweep(store_loop_reader(store), judged, see_sweep, &view, &error), 0);
    ck_assert_int_eq(view.status, HD_STATUS_NONE);
}

/* Children that leave their metric in the spool, of a sampling that learns from it; and one that fails, and fails again. */
static void learn_and_retry(void)
{
    const struct sweeps_change change = {.has_max_total = true, .max_total = 5};
    char text[900];

    open_all();
    if (is_wrong())
        return;
    snprintf(text, sizeof text,
             "{\"hyperparameter_sampling\":{\"type\":\"bayesian\",\"parameter_space\":{\"x\":[\"uniform\",[0,1]]}},\"max_total_runs\":4,"
             "\"max_concurrent_runs\":2," METRIC ",\"run_config\":{\"source_directory\":\"%s/source\",\"script\":\"train.sh\","
             "\"interpreter\":\"/bin/sh\",\"arguments\":[]}}",
             home);
    learning = submit(text);
    failing = submit("{\"hyperparameter_sampling\":{\"type\":\"grid\",\"parameter_space\":{\"x\":[\"choice\",[[1]]]}}," METRIC
                     ",\"run_config\":{\"command\":[\"false\"],\"max_retries\":1,\"retry_on\":[{\"exit_code\":[1]}]}}");
    ASK("change", sweeps_change(sweeps, learning, &change, on_answer, &outcome));
    (void)wait_until(has_ended, &learning, "the sweep that learns ends");
    (void)wait_until(has_ended, &failing, "the sweep that fails ends");
}

static void check_learned(void)
{
    struct view view;

    ck_assert(look_at(learning, &view));
    ck_assert_int_eq(view.status, HD_COMPLETED);
    ck_assert_int_eq(view.by_status[HD_COMPLETED] + view.by_status[HD_FAILED], 5);
    ck_assert_msg(view.by_status[HD_FAILED] <= may_fail, "a child failed: %s", view.error);
    ck_assert_int_ge(view.reports, 5 - may_fail);
    ck_assert_int_eq(view.metrics, view.reports);
    ck_assert(look_at(failing, &view));
    ck_assert_int_eq(view.by_status[HD_FAILED], 1);
    ck_assert_int_ge(view.attempts, 2 - may_fail);
}

/* A client asks for children and tells their ends; and then the daemon ends a child of its own, and starts none any more. */
static int64_t asked, ended;

static void on_asked(void *data, const struct sweeps_asked *answer, const struct hd_error *error)
{
    struct outcome *outcome = data;

    outcome->key = answer != NULL && answer->kind == SWEEPS_ASKED_GIVEN ? answer->run : 0;
    settle(outcome, error);
}

static void on_told(void *data, enum hd_status status, const struct hd_error *error)
{
    (void)status;
    settle(data, error);
}

static int64_t ask(int64_t sequence)
{
    int64_t run = 0;

    ASK("question",
        sweeps_ask(sweeps, asked, &(struct sweeps_question){.asker = "a", .sequence = sequence, .answer = on_asked, .data = &outcome});
        (void)wait_until(is_true, &outcome.here, "a child for the client"); run = outcome.key);
    return run;
}

static bool one_runs(const void *data)
{
    struct view view;

    return look_at(*(const int64_t *)data, &view) && (view.by_status[HD_RUNNING] == 1 || (may_fail && view.by_status[HD_FAILED] > 0));
}

static void ask_and_end(void)
{
    int64_t run;
    bool gone = false;

    open_all();
    asked = is_wrong() ? 0
                       : submit("{\"hyperparameter_sampling\":{\"type\":\"grid\",\"parameter_space\":{\"x\":[\"choice\",[[1,2]]]}}," METRIC
                                ",\"run_config\":{\"launcher\":\"client\"}}");
    if (is_wrong())
        return;
    run = ask(1);
    ASK("completion", sweeps_tell_completed(sweeps, run, on_told, &outcome));
    run = ask(2);
    ASK("failure", sweeps_tell_failed(sweeps, run, "for no reason", on_told, &outcome));
    (void)wait_until(has_ended, &asked, "the client's sweep ends");
    ended = is_wrong()
                ? 0
                : submit("{\"hyperparameter_sampling\":{\"type\":\"random\",\"parameter_space\":{\"x\":[\"choice\",[[1,2,3]]]}},"
                         "\"max_total_runs\":2,\"max_concurrent_runs\":1," METRIC ",\"run_config\":{\"command\":[\"sleep\",\"1000\"]}}");
    if (!wait_until(one_runs, &ended, "a child runs"))
        return;
    sweeps_end_children(sweeps, on_closed, &gone);
    (void)wait_until(is_true, &gone, "all children are ended");
}

static void check_asked(void)
{
    struct view view;

    ck_assert(look_at(asked, &view));
    ck_assert_int_eq(view.by_status[HD_COMPLETED], 1);
    ck_assert_int_eq(view.by_status[HD_FAILED], 1);
    ASK("cancel", sweeps_cancel(sweeps, ended, on_canceled, &outcome)); /* started again, it has gone on with the next child */
    (void)wait_until(has_ended, &ended, "the sweep ends");
    ck_assert_msg(!is_wrong(), "%s", wrong);
    ck_assert(look_at(ended, &view));
    ck_assert_int_ge(view.by_status[HD_CANCELED], 1 - may_fail);
}

/* --- Each in its turn -------------------------------------------------------------------------------------------------------------------
 */

static void make_home(void)
{
    static const char PROGRAM[] =
        "mkdir spool\nprintf '{\"name\":\"acc\",\"value\":0.5,\"reporter\":\"abc\",\"sequence\":1}' > spool/abc.1.json\n";
    char path[128];
    FILE *file;

    snprintf(home, sizeof home, "%.60s/hd-sweep-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(database, sizeof database, "%s/test.db", home);
    snprintf(path, sizeof path, "%s/source", home);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/source/train.sh", home);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(PROGRAM, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(uv_timer_init(&loop, &look), 0);
    ck_assert_int_eq(uv_timer_init(&loop, &limit), 0);
}

static void remove_home(void)
{
    uv_close((uv_handle_t *)&look, NULL);
    uv_close((uv_handle_t *)&limit, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    ck_assert_int_eq(snapshot_remove(home, NULL), 0);
}

/* The n-th fails. What has failed; NULL: it was not reached. */
static const char *play_with_fault(enum fault_kind kind, long nth, void (*scenario)(void), void (*check)(void))
{
    const char *failed;

    wrong[0] = '\0';
    may_fail = kind == FAULT_SYSTEM;
    judged = learning = failing = asked = ended = 0;
    make_home();
    fault_arm(kind, nth);
    scenario();
    close_all();
    failed = fault_disarm();
    if (getenv("HD_TELL_FAULTS") != NULL)
        fprintf(stderr, "%ld: %s\n", nth, failed != NULL ? failed : "not reached");
    ck_assert_msg(!is_wrong(), "%s, call %ld: %s", failed, nth, wrong);
    open_all(); /* and now without faults: what was left to a start is done */
    ck_assert_msg(!is_wrong(), "after %s, call %ld: %s", failed, nth, wrong);
    check();
    (void)wait_until(no_monitor_is_left, NULL, "no process is left");
    close_all();
    ck_assert_msg(!is_wrong(), "after %s, call %ld: %s", failed, nth, wrong);
    remove_home();
    return failed;
}

/* So many of them, evenly spread over all. HD_EVERY_FAULT in the environment: every one; HD_FIRST_FAULT: from that one on. */
static void fail_each(enum fault_kind kind, long most, void (*scenario)(void), void (*check)(void))
{
    const char *first = getenv("HD_FIRST_FAULT");
    long nth = CALLS_MAX, all, stride;
    int descriptors;

    ck_assert_ptr_null(play_with_fault(kind, nth, scenario, check));
    descriptors = fault_descriptors();
    all = nth - fault_left(kind);
    stride = getenv("HD_EVERY_FAULT") != NULL ? 1 : all / most + 1;
    for (nth = first != NULL ? strtol(first, NULL, 10) : stride / 2; nth < all; nth += stride) {
        const char *failed = play_with_fault(kind, nth, scenario, check);

        ck_assert_msg(fault_descriptors() == descriptors, "%s, call %ld: a descriptor is left open", failed, nth);
    }
}

START_TEST(allocations_while_judging)
{
    fail_each(FAULT_MEMORY, 60, judge_and_cancel, check_judged);
}
END_TEST

START_TEST(calls_while_judging)
{
    fail_each(FAULT_SYSTEM, 30, judge_and_cancel, check_judged);
}
END_TEST

START_TEST(allocations_while_learning)
{
    fail_each(FAULT_MEMORY, 60, learn_and_retry, check_learned);
}
END_TEST

START_TEST(calls_while_learning)
{
    fail_each(FAULT_SYSTEM, 30, learn_and_retry, check_learned);
}
END_TEST

START_TEST(allocations_while_asked)
{
    fail_each(FAULT_MEMORY, 60, ask_and_end, check_asked);
}
END_TEST

START_TEST(calls_while_asked)
{
    fail_each(FAULT_SYSTEM, 30, ask_and_end, check_asked);
}
END_TEST

/* A client tells the end when the trial timeout is reached as well: its cancel stands behind the end in the writer's queue, and comes back
 * when the run is not there any more. */
struct told_late {
    int64_t run, due_us;
    struct outcome outcome;
};

static void on_tell_late(uv_timer_t *timer)
{
    struct told_late *told = timer->data;

    while (deadline_now_us() <= told->due_us) {
    }
    sweeps_tell_completed(sweeps, told->run, on_told, &told->outcome);
    uv_update_time(&loop); /* the deadline is due in this very turn */
}

START_TEST(an_end_beside_its_timeout)
{
    struct told_late told = {0};
    uv_timer_t timer;

    wrong[0] = '\0';
    make_home();
    open_all();
    asked = submit("{\"hyperparameter_sampling\":{\"type\":\"grid\",\"parameter_space\":{\"x\":[\"choice\",[[1]]]}}," METRIC
                   ",\"trial_timeout_seconds\":1,\"run_config\":{\"launcher\":\"client\"}}");
    told.run = ask(1);
    told.due_us = deadline_now_us() + 1000000;
    ck_assert_int_eq(uv_timer_init(&loop, &timer), 0);
    timer.data = &told;
    ck_assert_int_eq(uv_timer_start(&timer, on_tell_late, 900, 0), 0);
    (void)wait_until(is_true, &told.outcome.here, "the end is told");
    (void)wait_until(has_ended, &asked, "the sweep ends");
    close_all();
    ck_assert_msg(!is_wrong(), "%s", wrong);
    ck_assert(!told.outcome.failed);
    uv_close((uv_handle_t *)&timer, NULL);
    remove_home();
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tests = tcase_create(name);

    tcase_set_timeout(tests, getenv("HD_EVERY_FAULT") != NULL ? 24 * 3600 : 280);
    tcase_add_test(tests, test);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("sweep injection");

    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1); /* nobody needs the syncs of these databases */
    fault_hook_cjson();
    add(suite, "allocations while judging", allocations_while_judging);
    add(suite, "calls while judging", calls_while_judging);
    add(suite, "allocations while learning", allocations_while_learning);
    add(suite, "calls while learning", calls_while_learning);
    add(suite, "allocations while asked", allocations_while_asked);
    add(suite, "calls while asked", calls_while_asked);
    add(suite, "an end beside its timeout", an_end_beside_its_timeout);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
