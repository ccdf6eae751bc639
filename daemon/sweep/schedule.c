/* The scheduler: what is free goes to the sweep with the fewest running children, then to the oldest; what does not suffice for that one is
 * kept for it. */
#include "live.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "proposals.h"

/* Children per generation command: bounds a transaction, and what one sweep may take while others wait. */
enum { GENERATE_MAX = 256 };

void slot_take(struct live_run *run, struct grant *grant)
{
    assert(grant != NULL);
    run->grant = grant;
    grant->owner = run;
    run->sweep->slots++;
}

void slot_release(struct live_run *run)
{
    if (run->grant == NULL)
        return;
    allocation_release(&run->sweep->sweeps->allocation, run->grant);
    run->grant = NULL;
    run->sweep->slots--;
}

/* An intent that comes back while the daemon stops is left to the next start. */
static void launch_unless_stopping(struct live_run *run)
{
    const struct sweeps *sweeps = run->sweep->sweeps;

    if (!sweeps->closing && !sweeps->ending)
        children_launch(run);
}

static bool may_generate(const struct live_sweep *sweep)
{
    int64_t limit = sweep->specification.max_concurrent_runs;

    if (proposals_awaited(sweep))
        return false;
    if (client_is_launcher(sweep))
        return sweep->questions != NULL && !sweep->generating; /* the store tells what each of them gets */
    return (sweep->status == HD_STARTING || sweep->status == HD_RUNNING) && sweep->generation == HD_GENERATING && !sweep->generating &&
           !sweep->resting && sweep->generated < sweep->specification.max_total_runs && (limit == 0 || sweep->live < limit);
}

void schedule_rest(struct live_sweep *sweep)
{
    sweep->resting = true;
    if (sweep->sweeps->closing)
        return;
    deadline_set_again(&sweep->sweeps->deadlines, &sweep->retry);
}

/* --- Intents: a child that was generated without a slot gets one --------------------------------------------------------------------- */

struct intend {
    struct store_intend request; /* first: the write comes back as this */
    struct live_sweep *sweep;
    struct live_run *run; /* NULL: a cancel came first and ended it */
    char *devices;        /* a copy: the grant goes with the run */
};

static void on_intended(struct store_write *write)
{
    struct intend *intend = (struct intend *)write;
    struct live_sweep *sweep = intend->sweep;
    struct sweeps *sweeps = sweep->sweeps;
    struct live_run *run = intend->run;

    sweep->writes--;
    if (run != NULL)
        run->intending = NULL;
    if (run != NULL && write->result == 0) {
        run->attempt = intend->request.ret_attempt;
        launch_unless_stopping(run);
    } else if (run != NULL) {
        slot_release(run);
        if (write->error.code != HD_CONFLICT) {
            log_line(LOG_LEVEL_ERROR, "run %s: its start could not be stored: %s", run->id, write->error.message);
            live_run_wait_first(run);
            schedule_rest(sweep);
        }
    }
    free(intend->devices);
    free(intend);
    live_sweep_release(sweep);
    schedule(sweeps);
}

/* Takes over the grant, unless it returns false. */
static bool intend(struct live_run *run, struct grant *grant)
{
    struct sweeps *sweeps = run->sweep->sweeps;
    struct intend *intend = calloc(1, sizeof *intend);
    struct hd_error error = {0};

    if (intend == NULL || (grant->json != NULL && (intend->devices = strdup(grant->json)) == NULL)) {
        free(intend);
        return false;
    }
    intend->sweep = run->sweep;
    intend->run = run;
    intend->request.run = run->key;
    intend->request.devices = intend->devices;
    intend->request.write.done = on_intended;
    if (store_intend(sweeps->store, &intend->request, &error) != 0) {
        free(intend->devices);
        free(intend);
        return false;
    }
    live_run_wait_no_more(run);
    run->intending = &intend->run;
    slot_take(run, grant);
    run->sweep->writes++;
    return true;
}

/* --- Generation --------------------------------------------------------------------------------------------------------------------------
 */

struct generate {
    struct store_generate request; /* first: the write comes back as this */
    struct live_sweep *sweep;
    struct grant *grants[GENERATE_MAX]; /* of the first children, request.slots of them */
    const char *devices[GENERATE_MAX];  /* the same for the store */
    struct client_batch clients;        /* whose questions it is for, if it is for any */
    cJSON *proposals[PROPOSALS_MOST];   /* owned */
    struct live_run *runs[GENERATE_MAX]; /* what the children become; owned */
};

/* Takes over the run, and the grant; NULL: the child is Queued. */
static void take_child(struct live_sweep *sweep, struct live_run *run, struct store_generated *child, struct grant *grant)
{
    live_run_add(run, sweep, child->key, child->number, child->configuration);
    child->configuration = NULL;
    if (client_is_launcher(sweep)) {
        client_take_child(run, child->started_us);
    } else if (child->intended) {
        slot_take(run, grant);
        run->attempt = 1;
        launch_unless_stopping(run);
    } else {
        live_run_wait(run);
    }
}

/* Children take their grants; the others are given back. */
static void take_children(struct generate *generate)
{
    struct live_sweep *sweep = generate->sweep;
    int64_t count = generate->request.write.result == 0 ? generate->request.ret_count : 0, slots = generate->request.slots;

    sweep->slots -= slots;
    for (int64_t i = 0; i < count; i++) {
        take_child(sweep, generate->runs[i], &generate->request.ret_children[i], i < slots ? generate->grants[i] : NULL);
        generate->runs[i] = NULL;
    }
    for (int64_t i = count; i < slots; i++)
        allocation_release(&sweep->sweeps->allocation, generate->grants[i]);
}

static void free_generate(struct generate *generate)
{
    for (int64_t i = 0; i < generate->request.proposal_count; i++)
        cJSON_Delete(generate->proposals[i]);
    for (int64_t i = 0; i < GENERATE_MAX; i++)
        free(generate->runs[i]);
    store_generate_clear(&generate->request);
    free(generate);
}

static void on_generated(struct store_write *write)
{
    struct generate *generate = (struct generate *)write;
    struct live_sweep *sweep = generate->sweep;
    struct sweeps *sweeps = sweep->sweeps;

    sweep->writes--;
    sweep->generating = false;
    take_children(generate);
    if (write->result == 0) {
        sweep->resting = generate->request.ret_count == 0;
        control_apply(sweep, &generate->request.ret_sweep);
    } else {
        log_line(LOG_LEVEL_ERROR, "sweep %s: children could not be generated: %s", sweep->id, write->error.message);
        schedule_rest(sweep);
    }
    client_settle(sweep, &generate->clients, write->result != 0 ? &write->error : NULL);
    free_generate(generate);
    proposals_prepare(sweep);
    live_sweep_release(sweep);
    schedule(sweeps);
}

/* False when memory is short. */
static bool make_runs(struct generate *generate, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if ((generate->runs[i] = live_run_new()) == NULL)
            return false;
    return true;
}

/* Sends it on its way with what it was granted; false if it does not go. */
static bool submit(struct generate *generate, int64_t count)
{
    struct live_sweep *sweep = generate->sweep;
    struct hd_error error = {0};

    generate->request.sweep = sweep->key;
    generate->request.sweep_id = sweep->id;
    generate->request.specification = &sweep->specification;
    generate->request.count = count;
    generate->request.devices = generate->devices;
    generate->request.asks = generate->clients.asks;
    generate->request.ask_count = generate->clients.count;
    generate->request.proposals = generate->proposals;
    generate->request.proposal_count = proposals_take(sweep, count < PROPOSALS_MOST ? count : PROPOSALS_MOST, generate->proposals);
    generate->request.write.done = on_generated;
    if (!make_runs(generate, count))
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    if (error.code != HD_NO_ERROR || store_generate(sweep->sweeps->store, &generate->request, &error) != 0) {
        client_settle(sweep, &generate->clients, &error);
        return false;
    }
    sweep->generating = true;
    sweep->writes++;
    sweep->slots += generate->request.slots;
    return true;
}

/* What is kept for a sweep is there for those that hold fewer, too. */
static bool may_take_kept(const struct live_sweep *sweep)
{
    const struct live_sweep *kept_for = sweep->sweeps->kept_for;

    return kept_for == NULL || sweep == kept_for || sweep->slots < kept_for->slots;
}

enum served { SERVED, FITS_NOT, CANNOT, AWAITS_PROPOSALS };

/* A sweep with a concurrency of its own generates up to it even without a slot: its children are Queued. Where the next child depends on
 * what is known, it is not generated before it can run. */
static bool has_queue(const struct live_sweep *sweep)
{
    return sweep->specification.max_concurrent_runs > 0 && !client_is_launcher(sweep) && sweep->specification.sampling.type != HD_BAYESIAN;
}

/* Takes grants for at most `most` children; *ret_granted is how many there were. */
static void take_grants(struct generate *generate, int64_t most, int64_t *ret_granted)
{
    struct live_sweep *sweep = generate->sweep;
    const struct demand demand = demand_of(&sweep->specification.run);
    int64_t granted = 0;

    while (granted < most && (generate->grants[granted] = allocation_take(&sweep->sweeps->allocation, &demand, may_take_kept(sweep))) != NULL) {
        generate->devices[granted] = generate->grants[granted]->json;
        granted++;
    }
    *ret_granted = granted;
}

static void give_back(struct generate *generate, int64_t from, int64_t until)
{
    for (int64_t i = from; i < until; i++)
        allocation_release(&generate->sweep->sweeps->allocation, generate->grants[i]);
}

/* Why no grant was to be had. */
static enum served cause_of_none(const struct live_sweep *sweep)
{
    return sweep->sweeps->allocation.short_of_memory ? CANNOT : FITS_NOT;
}

/* Children of the sweep, at most `slots` of them with a slot: as many as there are devices for, and proposals. */
static enum served generate(struct live_sweep *sweep, int64_t slots)
{
    int64_t limit = sweep->specification.max_concurrent_runs, count = limit > 0 ? limit - sweep->live : slots, granted = 0, ready;
    struct generate *generate = calloc(1, sizeof *generate);
    enum served result;

    if (generate == NULL)
        return CANNOT;
    generate->sweep = sweep;
    count = count < GENERATE_MAX ? count : GENERATE_MAX;
    take_grants(generate, slots < count ? slots : count, &granted);
    ready = proposals_ready(sweep, has_queue(sweep) ? count : granted);
    give_back(generate, ready < granted ? ready : granted, granted);
    granted = ready < granted ? ready : granted;
    generate->request.slots = granted;
    if (granted == 0 && slots > 0)
        result = proposals_awaited(sweep) ? AWAITS_PROPOSALS : cause_of_none(sweep);
    else if (ready == 0)
        result = AWAITS_PROPOSALS;
    else
        result = submit(generate, ready) ? SERVED : CANNOT;
    if (result == SERVED)
        return SERVED;
    give_back(generate, 0, granted);
    free_generate(generate);
    return result;
}

/* Children for the questions that wait: those of clients need nothing of this machine. */
static enum served generate_for_questions(struct live_sweep *sweep)
{
    int64_t most = proposals_ready(sweep, client_count_questions(sweep, GENERATE_MAX));
    struct generate *generate = most > 0 ? calloc(1, sizeof *generate) : NULL;

    if (most == 0)
        return AWAITS_PROPOSALS;
    if (generate == NULL || !client_take_questions(sweep, most, &generate->clients)) {
        free(generate);
        return CANNOT;
    }
    generate->sweep = sweep;
    if (submit(generate, most))
        return SERVED;
    free_generate(generate);
    return CANNOT;
}

/* --- Who is next ------------------------------------------------------------------------------------------------------------------------
 */

static bool wants(const struct live_sweep *sweep)
{
    return !sweep->resting && !client_is_launcher(sweep) && (sweep->waiting != NULL || may_generate(sweep));
}

/* What a sweep waits for is kept for it until it gets it: else small children of others could take it for ever. */
static void keep_for(struct sweeps *sweeps, struct live_sweep *sweep)
{
    struct demand demand;

    sweeps->kept_for = sweep;
    if (sweep != NULL)
        demand = demand_of(&sweep->specification.run);
    allocation_keep(&sweeps->allocation, sweep != NULL ? &demand : NULL);
}

static bool is_possible(const struct live_sweep *sweep)
{
    const struct demand demand = demand_of(&sweep->specification.run);

    return allocation_possible(&sweep->sweeps->allocation, &demand);
}

/* Which devices come free first may have changed, and whether the sweep still wants them. */
static void keep_again(struct sweeps *sweeps)
{
    struct live_sweep *sweep = sweeps->kept_for;

    if (sweep != NULL)
        keep_for(sweeps, wants(sweep) && is_possible(sweep) ? sweep : NULL);
}

/* The sweep that holds the fewest slots; of equals the one that something is kept for, then the oldest (the list is by age). NULL: no one
 * is left in this round. */
static struct live_sweep *neediest(struct sweeps *sweeps, int64_t *ret_candidates)
{
    struct live_sweep *best = NULL;

    *ret_candidates = 0;
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next) {
        if (!wants(sweep))
            continue;
        ++*ret_candidates;
        if (sweep->passed_over == sweeps->round)
            continue;
        if (best == NULL || sweep->slots < best->slots || (sweep->slots == best->slots && sweep == sweeps->kept_for))
            best = sweep;
    }
    return best;
}

/* One child that waits, or with no one else about as many new ones as fit. */
static enum served serve(struct live_sweep *sweep, bool alone)
{
    struct sweeps *sweeps = sweep->sweeps;
    struct demand demand;
    struct grant *grant;

    if (sweep->waiting == NULL)
        return generate(sweep, alone ? GENERATE_MAX : 1);
    demand = demand_of(&sweep->specification.run);
    grant = allocation_take(&sweeps->allocation, &demand, may_take_kept(sweep));
    if (grant == NULL)
        return cause_of_none(sweep);
    if (intend(sweep->waiting, grant))
        return SERVED;
    allocation_release(&sweeps->allocation, grant);
    return CANNOT;
}

static void generate_queued(struct sweeps *sweeps)
{
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next)
        if (has_queue(sweep) && may_generate(sweep))
            (void)generate(sweep, 0);
}

static void generate_for_clients(struct sweeps *sweeps)
{
    for (struct live_sweep *sweep = sweeps->first; sweep != NULL; sweep = sweep->next) {
        struct hd_error error = {0};

        if (!client_is_launcher(sweep) || !may_generate(sweep) || generate_for_questions(sweep) != CANNOT)
            continue;
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
        client_refuse_waiting(sweep, &error);
    }
}

void schedule(struct sweeps *sweeps)
{
    struct allocation *allocation = &sweeps->allocation;
    struct live_sweep *sweep;
    int64_t candidates;

    if (sweeps->closing || sweeps->ending)
        return;
    generate_for_clients(sweeps);
    if (!sweeps->devices_known)
        return;
    sweeps->round++;
    keep_again(sweeps);
    while (allocation->slots_taken < allocation->slots && (sweep = neediest(sweeps, &candidates)) != NULL) {
        enum served served = serve(sweep, candidates == 1);

        if (served == CANNOT)
            schedule_rest(sweep);
        else if (served == SERVED && sweeps->kept_for == sweep)
            keep_for(sweeps, NULL);
        else if (served == FITS_NOT)
            sweep->passed_over = sweeps->round;
        if (served == FITS_NOT && may_take_kept(sweep) && is_possible(sweep))
            keep_for(sweeps, sweep);
    }
    generate_queued(sweeps);
}
