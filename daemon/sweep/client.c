/* Sweeps of clients: nothing is started here. Clients ask for children, report, and tell their ends (run_config.launcher is `client`).
 *
 * Questions that come while a generation command of the sweep is under way are gathered into the next one: so any number of clients share
 * its commit, and there is never more than one. */
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "log.h"

bool client_is_launcher(const struct live_sweep *sweep)
{
    return sweep->specification.run.launcher == HD_LAUNCHER_CLIENT;
}

/* --- Questions ------------------------------------------------------------------------------------------------------------------------ */

struct question {
    struct question *next;
    char *asker; /* owned; NULL: not numbered */
    int64_t sequence;
    sweeps_ask_answer *answer;
    void *data;
};

static void settle(struct question *question, const struct sweeps_asked *asked, const struct hd_error *error)
{
    question->answer(question->data, asked, error);
    free(question->asker);
    free(question);
}

static bool has_more(const struct live_sweep *sweep)
{
    return (sweep->status == HD_STARTING || sweep->status == HD_RUNNING) && sweep->generation == HD_GENERATING;
}

/* What is so without asking the store. False: it must be asked, as for all that is numbered. */
static bool answer_at_once(const struct live_sweep *sweep, const struct sweeps_question *question)
{
    int64_t limit = sweep->specification.max_concurrent_runs;
    struct sweeps_asked asked = {.kind = SWEEPS_ASKED_LATER};

    if (question->asker != NULL || (has_more(sweep) && (limit == 0 || sweep->live < limit)))
        return false;
    if (!has_more(sweep))
        asked.kind = SWEEPS_ASKED_NO_MORE;
    question->answer(question->data, &asked, NULL);
    return true;
}

static void refuse(const struct sweeps_question *question, enum hd_code code, const char *sentence)
{
    struct hd_error error = {0};

    hd_error_set(&error, code, "%s", sentence);
    question->answer(question->data, NULL, &error);
}

void sweeps_ask(struct sweeps *sweeps, int64_t key, const struct sweeps_question *given)
{
    static const struct sweeps_asked no_more = {.kind = SWEEPS_ASKED_NO_MORE};
    struct live_sweep *sweep = live_sweep_find(sweeps, key);
    struct question *question;

    if (sweeps->closing || sweeps->ending) {
        refuse(given, HD_UNAVAILABLE, "the daemon is stopping");
        return;
    }
    if (sweep == NULL) {
        given->answer(given->data, &no_more, NULL);
        return;
    }
    if (!client_is_launcher(sweep)) {
        refuse(given, HD_CONFLICT, "the sweep starts its children itself: only a sweep with the client launcher is asked for them");
        return;
    }
    if (answer_at_once(sweep, given))
        return;
    question = calloc(1, sizeof *question);
    if (question == NULL || (given->asker != NULL && (question->asker = strdup(given->asker)) == NULL)) {
        free(question);
        refuse(given, HD_UNAVAILABLE, "out of memory");
        return;
    }
    question->sequence = given->sequence;
    question->answer = given->answer;
    question->data = given->data;
    *sweep->questions_tail = question;
    sweep->questions_tail = &question->next;
    schedule(sweeps);
}

/* --- One command for many questions ----------------------------------------------------------------------------------------------------
 */

int64_t client_count_questions(const struct live_sweep *sweep, int64_t most)
{
    int64_t count = 0;

    for (const struct question *question = sweep->questions; question != NULL && count < most; question = question->next)
        count++;
    return count;
}

bool client_take_questions(struct live_sweep *sweep, int64_t most, struct client_batch *ret_batch)
{
    struct client_batch batch = {.asks = calloc((size_t)most, sizeof *batch.asks)};
    struct question **tail = &batch.first;

    if (batch.asks == NULL)
        return false;
    while (sweep->questions != NULL && batch.count < most) {
        struct question *question = sweep->questions;

        batch.asks[batch.count++] = (struct store_ask){.asker = question->asker, .sequence = question->sequence};
        sweep->questions = question->next;
        question->next = NULL;
        *tail = question;
        tail = &question->next;
    }
    if (sweep->questions == NULL)
        sweep->questions_tail = &sweep->questions;
    *ret_batch = batch;
    return true;
}

void client_refuse_waiting(struct live_sweep *sweep, const struct hd_error *error)
{
    while (sweep->questions != NULL) {
        struct question *question = sweep->questions;

        sweep->questions = question->next;
        settle(question, NULL, error);
    }
    sweep->questions_tail = &sweep->questions;
}

static void settle_old(struct question *question)
{
    struct hd_error error = {0};

    hd_error_set(&error, HD_CONFLICT, "'%s' has asked with a higher sequence than %lld already", question->asker,
                 (long long)question->sequence);
    settle(question, NULL, &error);
}

void client_settle(struct live_sweep *sweep, struct client_batch *batch, const struct hd_error *error)
{
    for (int64_t i = 0; i < batch->count; i++) {
        struct question *question = batch->first;
        const struct store_ask *ask = &batch->asks[i];
        struct sweeps_asked asked = {.kind = SWEEPS_ASKED_GIVEN, .run = ask->ret_run, .repeated = ask->ret_answer == STORE_ASK_REPEATED};

        batch->first = question->next;
        if (ask->ret_answer == STORE_ASK_NOTHING)
            asked.kind = has_more(sweep) ? SWEEPS_ASKED_LATER : SWEEPS_ASKED_NO_MORE;
        if (error == NULL && ask->ret_answer == STORE_ASK_OLD)
            settle_old(question);
        else
            settle(question, error == NULL ? &asked : NULL, error);
    }
    free(batch->asks);
    *batch = (struct client_batch){0};
    if (sweep->sweeps->closing || sweep->sweeps->ending) {
        struct hd_error stopping = {0};

        hd_error_set(&stopping, HD_UNAVAILABLE, "the daemon is stopping");
        client_refuse_waiting(sweep, &stopping);
    }
}

void client_take_child(struct live_run *run, int64_t started_us)
{
    free(run->configuration);
    run->configuration = NULL;
    run->attempt = 1;
    run->started_us = started_us;
    control_watch_timeout(run);
}

/* --- Ends -------------------------------------------------------------------------------------------------------------------------------
 */

struct telling {
    struct store_tell request; /* first: the write comes back as this */
    struct sweeps *sweeps;
    char *message;
    sweeps_tell_answer *answer; /* NULL: the client was not heard of */
    void *data;
};

static void free_telling(struct telling *telling)
{
    free(telling->message);
    free(telling);
}

static void on_told(struct store_write *write)
{
    struct telling *telling = (struct telling *)write;
    struct sweeps *sweeps = telling->sweeps;
    struct live_run *run = live_run_find(sweeps, telling->request.run);

    if (write->result == 0 && run != NULL && hd_status_ended(telling->request.ret_status))
        control_run_ended(run, &telling->request.ret_sweep);
    else if (write->result != 0 && telling->answer == NULL && run != NULL && !sweeps->closing)
        deadline_set_again(&sweeps->deadlines, &run->timeout);
    if (telling->answer != NULL)
        telling->answer(telling->data, telling->request.ret_status, write->result != 0 ? &write->error : NULL);
    free_telling(telling);
    schedule(sweeps);
}

/* False with `error` when it is not on its way. */
static bool tell(struct sweeps *sweeps, int64_t run, enum store_told what, const char *message, sweeps_tell_answer *answer, void *data,
                 struct hd_error *error)
{
    struct telling *telling = calloc(1, sizeof *telling);

    if (telling == NULL || (message != NULL && (telling->message = strdup(message)) == NULL)) {
        free(telling);
        hd_error_set(error, HD_UNAVAILABLE, "out of memory");
        return false;
    }
    telling->sweeps = sweeps;
    telling->answer = answer;
    telling->data = data;
    telling->request = (struct store_tell){.run = run, .what = what, .message = telling->message, .write = {.done = on_told}};
    if (store_tell(sweeps->store, &telling->request, error) == 0)
        return true;
    free_telling(telling);
    return false;
}

void sweeps_tell_completed(struct sweeps *sweeps, int64_t run, sweeps_tell_answer *answer, void *data)
{
    struct hd_error error = {0};

    if (!tell(sweeps, run, STORE_TOLD_COMPLETED, NULL, answer, data, &error))
        answer(data, HD_STATUS_NONE, &error);
}

void sweeps_tell_failed(struct sweeps *sweeps, int64_t run, const char *message, sweeps_tell_answer *answer, void *data)
{
    struct hd_error error = {0};

    if (!tell(sweeps, run, STORE_TOLD_FAILED, message, answer, data, &error))
        answer(data, HD_STATUS_NONE, &error);
}

/* A client learns of a cancel by the answer to its next report. One that says nothing within the grace has vanished. */
void client_stop(struct live_run *run)
{
    struct sweeps *sweeps = run->sweep->sweeps;

    deadline_set(&sweeps->deadlines, &run->timeout, deadline_now_us() + sweeps->settings.grace_us);
}

void client_give_up(struct live_run *run)
{
    struct hd_error error = {0};

    if (tell(run->sweep->sweeps, run->key, STORE_TOLD_NOTHING, NULL, NULL, NULL, &error))
        return;
    log_line(LOG_LEVEL_WARNING, "run %s: that its client has vanished could not be stored, tried again in a second: %s", run->id,
             error.message);
    deadline_set_again(&run->sweep->sweeps->deadlines, &run->timeout);
}

void client_recover(struct live_run *run)
{
    free(run->configuration);
    run->configuration = NULL;
    if (run->stopping)
        client_stop(run);
    else
        control_watch_timeout(run);
}
