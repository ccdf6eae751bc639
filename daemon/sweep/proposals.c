#include "proposals.h"

#include <math.h>
#include <stdlib.h>

#include "core/bayesian.h"
#include "core/json.h"
#include "log.h"

enum {
    AHEAD_LIVE = 4,       /* children at once from which on proposals are made ahead; they may miss the ends of a part of these: */
    STALE_SHARE = 4,
    NEWEST = 1024,        /* children of a sweep that are looked at: the newest, */
    BEST = 1024,          /* and the best of those before them */
};

/* A child whose end is on its way to the store. */
struct ending_run {
    int64_t run;
    bool failed;
};

struct proposer {
    uv_work_t work;
    struct live_sweep *sweep;
    bool working, awaited;
    /* What the job on the pool has. */
    struct ending_run *endings; /* owned */
    int64_t ending_count, first, wanted, ends, live;
    struct hd_bayesian *bayesian;
    int64_t newest_from; /* number from which on all children are read */
    int64_t values;      /* metrics that inherited sweeps have given */
    bool inherited;      /* what is being read is inherited */
    struct hd_error error;
    /* What it comes to. */
    cJSON *list[PROPOSALS_MOST];
    int64_t count, used;
    int64_t draws; /* so many children are to be drawn instead */
};

static bool is_learning(const struct live_sweep *sweep)
{
    return sweep->specification.sampling.type == HD_BAYESIAN;
}

static int64_t ends(const struct live_sweep *sweep)
{
    return sweep->generated - sweep->live;
}

/* --- On the pool -------------------------------------------------------------------------------------------------------------------------
 */

static enum hd_known known_as(const struct proposer *proposer, const struct store_run *run)
{
    bool ended = hd_status_ended(run->status), failed = run->status == HD_FAILED;

    for (int64_t i = 0; i < proposer->ending_count && !ended; i++)
        if (proposer->endings[i].run == run->key) {
            ended = true;
            failed = proposer->endings[i].failed;
        }
    if (!ended)
        return HD_KNOWN_PENDING;
    return failed || !run->has_metric ? HD_KNOWN_BAD : HD_KNOWN_VALUE;
}

static int add_run(struct proposer *proposer, const struct store_run *run)
{
    cJSON *configuration = hd_json_parse_own(run->configuration);
    enum hd_known known = known_as(proposer, run);
    int result = configuration == NULL ? -1 : hd_bayesian_add(proposer->bayesian, configuration, known, run->has_metric ? run->best : NAN);

    cJSON_Delete(configuration);
    if (result < 0)
        return hd_error_set(&proposer->error, HD_UNAVAILABLE, "out of memory");
    proposer->values += result == 0 && proposer->inherited && known == HD_KNOWN_VALUE;
    return 0;
}

static int take_best(void *context, const struct store_run *run)
{
    struct proposer *proposer = context;

    return run->number < proposer->newest_from ? add_run(proposer, run) : 0;
}

static int take_newest(void *context, const struct store_run *run)
{
    return add_run(context, run);
}

/* Of a long sweep some of the children: what it costs to learn from them must not grow with the sweep. */
static int read_children(struct proposer *proposer, struct store_reader *reader, int64_t sweep, int64_t generated)
{
    int result = 0;

    proposer->newest_from = generated > NEWEST ? generated - NEWEST : 0;
    if (proposer->newest_from > 0)
        result = store_read_sorted(reader, sweep, false, true, BEST + NEWEST, take_best, proposer, &proposer->error);
    if (result == 0)
        result = store_read_runs(reader, sweep, proposer->newest_from - 1, 0, take_newest, proposer, &proposer->error);
    return result;
}

struct inherited_sweeps {
    struct proposer *proposer;
    struct store_reader *reader;
};

static int read_inherited(void *context, const struct store_sweep *sweep)
{
    const struct inherited_sweeps *inherited = context;

    return read_children(inherited->proposer, inherited->reader, sweep->key, sweep->generated);
}

static int read_known(struct proposer *proposer)
{
    struct store *store = proposer->sweep->sweeps->store;
    struct inherited_sweeps inherited = {proposer, store_take_reader(store, &proposer->error)};
    int result;

    if (inherited.reader == NULL)
        return -(int)proposer->error.code;
    proposer->inherited = true;
    result = store_read_inherited(inherited.reader, proposer->sweep->key, read_inherited, &inherited, &proposer->error);
    proposer->inherited = false;
    if (result == 0)
        result = read_children(proposer, inherited.reader, proposer->sweep->key, proposer->first);
    store_give_reader(store, inherited.reader);
    return result;
}

static void propose(uv_work_t *work)
{
    struct proposer *proposer = work->data;
    const struct hd_specification *specification = &proposer->sweep->specification;
    int64_t draws = 0;
    int proposed = -1;

    proposer->bayesian = hd_bayesian_open(specification->space, specification->goal, specification->sampling.seed);
    if (proposer->bayesian != NULL && read_known(proposer) == 0) {
        draws = specification->resumed_count + hd_bayesian_first_draws(specification->space, specification->max_total_runs, proposer->values);
        proposed = draws > proposer->first ? 0
                                           : hd_bayesian_propose(proposer->bayesian, (uint64_t)proposer->first, (int)proposer->wanted,
                                                                 proposer->list);
    }
    if (proposed < 0 && proposer->error.code == HD_NO_ERROR)
        hd_error_set(&proposer->error, HD_UNAVAILABLE, "out of memory");
    proposer->count = proposed > 0 ? proposed : 0;
    if (proposed == 0)
        proposer->draws = draws > proposer->first ? draws - proposer->first : proposer->wanted;
    hd_bayesian_close(proposer->bayesian);
    proposer->bayesian = NULL;
}

/* --- On the loop -------------------------------------------------------------------------------------------------------------------------
 */

static void drop(struct proposer *proposer)
{
    for (int64_t i = proposer->used; i < proposer->count; i++)
        cJSON_Delete(proposer->list[i]);
    proposer->count = proposer->used = proposer->draws = 0;
}

static void after_propose(uv_work_t *work, int status)
{
    struct proposer *proposer = work->data;
    struct live_sweep *sweep = proposer->sweep;
    struct sweeps *sweeps = sweep->sweeps;

    (void)status;
    proposer->working = false;
    free(proposer->endings);
    proposer->endings = NULL;
    sweep->writes--;
    sweeps->submissions--;
    close_when_quiet(sweeps);
    if (sweeps->closing)
        return;
    if (proposer->error.code != HD_NO_ERROR) {
        log_line(LOG_LEVEL_ERROR, "sweep %s: nothing could be proposed, tried again in a second: %s", sweep->id, proposer->error.message);
        schedule_rest(sweep);
    }
    live_sweep_release(sweep);
    schedule(sweeps);
}

/* False when memory is short. */
static bool note_endings(struct proposer *proposer)
{
    const struct live_sweep *sweep = proposer->sweep;
    int64_t count = 0;

    for (const struct live_run *run = sweep->runs; run != NULL; run = run->next)
        count += run->writing_end;
    proposer->ending_count = 0;
    proposer->endings = calloc((size_t)count + 1, sizeof *proposer->endings);
    for (const struct live_run *run = sweep->runs; run != NULL && proposer->endings != NULL; run = run->next)
        if (run->writing_end)
            proposer->endings[proposer->ending_count++] = (struct ending_run){run->key, children_end_failed(run)};
    return proposer->endings != NULL;
}

static void start(struct proposer *proposer, int64_t wanted, bool awaited)
{
    struct live_sweep *sweep = proposer->sweep;

    drop(proposer);
    proposer->error.code = HD_NO_ERROR;
    proposer->awaited = awaited;
    proposer->wanted = wanted < PROPOSALS_MOST ? wanted : PROPOSALS_MOST;
    proposer->first = sweep->generated;
    proposer->ends = ends(sweep);
    proposer->live = sweep->live;
    proposer->values = 0;
    if (!note_endings(proposer)) {
        log_line(LOG_LEVEL_ERROR, "sweep %s: no memory to propose a configuration, tried again in a second", sweep->id);
        schedule_rest(sweep);
        return;
    }
    proposer->working = true;
    proposer->work.data = proposer;
    (void)uv_queue_work(sweep->sweeps->loop, &proposer->work, propose, after_propose); /* fails only without a function */
    sweep->writes++;
    sweep->sweeps->submissions++;
}

static struct proposer *proposer_of(struct live_sweep *sweep)
{
    if (sweep->proposer == NULL && (sweep->proposer = calloc(1, sizeof *sweep->proposer)) != NULL)
        sweep->proposer->sweep = sweep;
    return sweep->proposer;
}

/* Those that children have waited for are taken as they are: else ends that come fast could keep a sweep from ever going on. */
static bool is_fresh(const struct proposer *proposer)
{
    return proposer->awaited || (ends(proposer->sweep) - proposer->ends) * STALE_SHARE <= proposer->live;
}

/* Does the next child come from what is known? Not when there is no more, or it runs an earlier one again. */
static bool is_wanted(const struct live_sweep *sweep)
{
    return is_learning(sweep) && sweep->generation == HD_GENERATING && sweep->generated >= sweep->specification.resumed_count &&
           sweep->generated < sweep->specification.max_total_runs;
}

static int64_t less(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of a sweep that inherits nothing the first children are drawn, whatever is known. */
static int64_t first_draws_left(const struct live_sweep *sweep)
{
    const struct hd_specification *specification = &sweep->specification;

    if (cJSON_GetArraySize(specification->resume_from) > 0)
        return 0;
    return specification->resumed_count + hd_bayesian_first_draws(specification->space, specification->max_total_runs, 0) - sweep->generated;
}

int64_t proposals_ready(struct live_sweep *sweep, int64_t wanted)
{
    struct proposer *proposer;
    int64_t draws;

    if (is_learning(sweep) && sweep->generated < sweep->specification.resumed_count)
        return less(wanted, sweep->specification.resumed_count - sweep->generated);
    if (wanted <= 0 || !is_wanted(sweep))
        return wanted;
    draws = first_draws_left(sweep);
    if (draws > 0)
        return less(wanted, draws);
    proposer = proposer_of(sweep);
    if (proposer == NULL)
        return wanted; /* drawn, which needs no memory ahead */
    if (proposer->working) {
        proposer->awaited = true;
        return 0;
    }
    if ((proposer->count > proposer->used || proposer->draws > 0) && is_fresh(proposer))
        return less(wanted, proposer->draws > 0 ? proposer->draws : proposer->count - proposer->used);
    start(proposer, wanted, true);
    return 0;
}

bool proposals_awaited(const struct live_sweep *sweep)
{
    return sweep->proposer != NULL && sweep->proposer->working && sweep->proposer->awaited;
}

int64_t proposals_take(struct live_sweep *sweep, int64_t most, cJSON **ret_proposals)
{
    struct proposer *proposer = sweep->proposer;
    int64_t taken = 0;

    if (proposer == NULL || proposer->working || !is_wanted(sweep))
        return 0;
    while (taken < most && proposer->used < proposer->count)
        ret_proposals[taken++] = proposer->list[proposer->used++];
    proposer->draws = 0;
    return taken;
}

void proposals_prepare(struct live_sweep *sweep)
{
    struct proposer *proposer;

    if (sweep->live < AHEAD_LIVE || sweep->sweeps->closing || sweep->sweeps->ending || !is_wanted(sweep) || first_draws_left(sweep) > 0)
        return;
    proposer = proposer_of(sweep);
    if (proposer != NULL && !proposer->working && proposer->used == proposer->count)
        start(proposer, 1, false);
}

void proposals_close(struct live_sweep *sweep)
{
    if (sweep->proposer == NULL)
        return;
    drop(sweep->proposer);
    free(sweep->proposer);
    sweep->proposer = NULL;
}
