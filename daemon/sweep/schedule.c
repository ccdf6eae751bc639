/* The scheduler: a free slot goes to the sweep with the fewest running children, then to the oldest (decisions, Devices). */
#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

/* Children per generation command: bounds a transaction, and what one sweep may take while others wait. */
enum { GENERATE_MAX = 256, RETRY_US = 1000000 };

void slot_release(struct live_run *run)
{
    if (!run->has_slot)
        return;
    run->has_slot = false;
    run->sweep->slots--;
    run->sweep->sweeps->slots_taken--;
}

static void slot_take(struct live_run *run)
{
    run->has_slot = true;
    run->sweep->slots++;
    run->sweep->sweeps->slots_taken++;
}

/* An intent that comes back while the daemon stops is left to the next start. */
static void launch_unless_stopping(struct live_run *run)
{
    const struct sweeps *sweeps = run->sweep->sweeps;

    if (!sweeps->closing && !sweeps->ending)
        children_launch(run);
}

static struct live_run *first_waiting(const struct live_sweep *sweep)
{
    for (struct live_run *run = sweep->runs; run != NULL; run = run->next)
        if (run->attempt == 0 && !run->has_slot && !run->stopping)
            return run;
    return NULL;
}

static bool may_generate(const struct live_sweep *sweep)
{
    int64_t limit = sweep->specification.max_concurrent_runs;

    return (sweep->status == HD_STARTING || sweep->status == HD_RUNNING) && sweep->generation == HD_GENERATING && !sweep->generating &&
           !sweep->resting && sweep->generated < sweep->specification.max_total_runs && (limit == 0 || sweep->live < limit);
}

/* Leaves the sweep alone for a moment: the store did not take a write, or memory is short. */
static void rest(struct live_sweep *sweep)
{
    sweep->resting = true;
    if (sweep->sweeps->closing)
        return;
    (void)deadline_set(&sweep->sweeps->deadlines, &sweep->retry, deadline_now_us() + RETRY_US);
}

/* --- Intents: a child that was generated without a slot gets one --------------------------------------------------------------------- */

struct intend {
    struct store_intend request; /* first: the write comes back as this */
    struct live_sweep *sweep;
};

static void on_intended(struct store_write *write)
{
    struct intend *intend = (struct intend *)write;
    struct live_sweep *sweep = intend->sweep;
    struct sweeps *sweeps = sweep->sweeps;
    struct live_run *run = live_run_find(sweeps, intend->request.run); /* a cancel may have come first and ended it */

    sweep->writes--;
    if (run != NULL && write->result == 0) {
        run->attempt = intend->request.ret_attempt;
        launch_unless_stopping(run);
    } else if (run != NULL) {
        slot_release(run);
        if (write->error.code != HD_CONFLICT) {
            log_line(LOG_LEVEL_ERROR, "run %s: its start could not be stored: %s", run->id, write->error.message);
            rest(sweep);
        }
    }
    free(intend);
    live_sweep_release(sweep);
    schedule(sweeps);
}

static bool intend(struct live_run *run)
{
    struct sweeps *sweeps = run->sweep->sweeps;
    struct intend *intend = calloc(1, sizeof *intend);
    struct hd_error error = {0};

    if (intend == NULL)
        return false;
    intend->sweep = run->sweep;
    intend->request.run = run->key;
    intend->request.write.done = on_intended;
    if (store_intend(sweeps->store, &intend->request, &error) != 0) {
        free(intend);
        return false;
    }
    slot_take(run);
    run->sweep->writes++;
    return true;
}

/* --- Generation --------------------------------------------------------------------------------------------------------------------------
 */

struct generate {
    struct store_generate request; /* first: the write comes back as this */
    struct live_sweep *sweep;
};

static void take_child(struct live_sweep *sweep, struct store_generated *child)
{
    struct live_run *run = live_run_add(sweep, child->key, child->number, child->configuration);

    child->configuration = NULL;
    if (run == NULL) {
        log_line(LOG_LEVEL_ERROR, "sweep %s: no memory for child %lld; it is started when the daemon is started again", sweep->id,
                 (long long)child->number);
        return;
    }
    if (child->intended) {
        slot_take(run);
        run->attempt = 1;
        launch_unless_stopping(run);
    }
}

static void on_generated(struct store_write *write)
{
    struct generate *generate = (struct generate *)write;
    struct live_sweep *sweep = generate->sweep;
    struct sweeps *sweeps = sweep->sweeps;

    sweep->writes--;
    sweep->generating = false;
    sweep->slots -= generate->request.slots; /* what was reserved; children take theirs */
    sweeps->slots_taken -= generate->request.slots;
    if (write->result == 0) {
        for (int64_t i = 0; i < generate->request.ret_count; i++)
            take_child(sweep, &generate->request.ret_children[i]);
        sweep->resting = generate->request.ret_count == 0;
        control_apply(sweep, &generate->request.ret_sweep);
    } else {
        log_line(LOG_LEVEL_ERROR, "sweep %s: children could not be generated: %s", sweep->id, write->error.message);
        rest(sweep);
    }
    store_generate_clear(&generate->request);
    free(generate);
    live_sweep_release(sweep);
    schedule(sweeps);
}

static bool generate(struct live_sweep *sweep, int64_t slots)
{
    struct sweeps *sweeps = sweep->sweeps;
    int64_t limit = sweep->specification.max_concurrent_runs;
    int64_t count = limit > 0 ? limit - sweep->live : slots;
    struct generate *generate = calloc(1, sizeof *generate);
    struct hd_error error = {0};

    if (generate == NULL)
        return false;
    if (count > GENERATE_MAX)
        count = GENERATE_MAX;
    if (slots > count)
        slots = count;
    generate->sweep = sweep;
    generate->request = (struct store_generate){
        .sweep = sweep->key,
        .sweep_id = sweep->id,
        .specification = &sweep->specification,
        .count = count,
        .slots = slots,
        .write = {.done = on_generated},
    };
    if (store_generate(sweeps->store, &generate->request, &error) != 0) {
        free(generate);
        return false;
    }
    sweep->generating = true;
    sweep->writes++;
    sweep->slots += slots;
    sweeps->slots_taken += slots;
    return true;
}

/* Of the sweeps that could use a slot the one that holds the fewest; the list is by age, so the first of equals is the oldest. */
static struct live_sweep *neediest(struct sweeps *sweeps, int64_t *ret_candidates)
{
    struct live_sweep *best = NULL;

    *ret_candidates = 0;
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next) {
        if (sweep->resting || (first_waiting(sweep) == NULL && !may_generate(sweep)))
            continue;
        ++*ret_candidates;
        if (best == NULL || sweep->slots < best->slots)
            best = sweep;
    }
    return best;
}

/* A sweep with a concurrency of its own generates up to it even without a slot: its children are Queued. */
static void generate_queued(struct sweeps *sweeps)
{
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        if (sweep->specification.max_concurrent_runs > 0 && may_generate(sweep))
            (void)generate(sweep, 0);
}

void schedule(struct sweeps *sweeps)
{
    int64_t candidates;

    if (sweeps->closing || sweeps->ending)
        return;
    while (sweeps->slots_taken < sweeps->settings.slots) {
        struct live_sweep *sweep = neediest(sweeps, &candidates);
        int64_t free_slots = sweeps->settings.slots - sweeps->slots_taken;
        struct live_run *waiting;
        bool done;

        if (sweep == NULL)
            break;
        waiting = first_waiting(sweep);
        done = waiting != NULL ? intend(waiting) : generate(sweep, candidates == 1 ? free_slots : 1);
        if (!done)
            rest(sweep);
    }
    generate_queued(sweeps);
}
