#include "bayesian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gaussian_process.h"
#include "metric_model.h"
#include "point_features.h"
#include "proposal_search.h"

enum {
    FEATURES_MOST = 1024, /* a model of more would take minutes */
    MODEL_MOST = 320,     /* points with a metric in the model */
    OTHERS_MOST = 96,     /* newest points without one in it */
    CENTRES = 6,
    KNOWN_FIRST = 32,
    PATIENCE = 8, /* metrics without an improvement that matters, and one more for each dimension */
    APART_LEAST = 10,
};

/* A point without a metric is given one that is no better than middling. That it is so doubtful lets what is known around it prevail. */
static const double BAD_VALUE = 0.5, BAD_DOUBT = 0.2;

/* An improvement of less than this part of the way from the median to the best does not matter. */
static const double MATTERS = 0.02;
/* When nothing that matters comes any more: points that are so near in each coordinate are one, and the deviation of the metrics times this
 * is the least improvement that is looked for. */
static const double NEAR = 0.05, MARGIN = 0.02;

struct known {
    enum hd_known kind;
    double metric;
};

struct hd_bayesian {
    struct points points;
    struct point_features features;
    enum hd_goal goal;
    int64_t seed;
    struct known *known; /* in the order in which they were added */
    double *coordinates; /* of each of them */
    size_t count, capacity;
};

struct hd_bayesian *hd_bayesian_open(const struct hd_space *space, enum hd_goal goal, int64_t seed)
{
    struct hd_bayesian *bayesian = calloc(1, sizeof *bayesian);
    if (bayesian == NULL)
        return NULL;
    bayesian->goal = goal;
    bayesian->seed = seed;
    if (points_open(&bayesian->points, space) && point_features_open(&bayesian->features, &bayesian->points))
        return bayesian;
    hd_bayesian_close(bayesian);
    return NULL;
}

void hd_bayesian_close(struct hd_bayesian *bayesian)
{
    if (bayesian == NULL)
        return;
    point_features_close(&bayesian->features);
    points_close(&bayesian->points);
    free(bayesian->known);
    free(bayesian->coordinates);
    free(bayesian);
}

int64_t hd_bayesian_first_draws(const struct hd_space *space, int64_t max_total_runs, int64_t known)
{
    enum { LEAST = 5 };
    int64_t draws = hd_space_parameters(space) + 1;
    draws = draws > LEAST ? draws : LEAST;
    draws = draws < max_total_runs / 2 ? draws : max_total_runs / 2;
    draws -= known;
    return draws > 0 ? draws : 0;
}

/* --- What is known -----------------------------------------------------------------------------------------------------------------------
 */

static double *point_of(const struct hd_bayesian *bayesian, size_t index)
{
    return bayesian->coordinates + index * bayesian->points.count;
}

static bool make_room(struct hd_bayesian *bayesian)
{
    if (bayesian->count < bayesian->capacity)
        return true;
    size_t capacity = bayesian->capacity > 0 ? 2 * bayesian->capacity : KNOWN_FIRST;
    struct known *known = reallocarray(bayesian->known, capacity, sizeof *known);
    if (known == NULL)
        return false;
    bayesian->known = known;
    double *coordinates = reallocarray(bayesian->coordinates, capacity * (bayesian->points.count + 1), sizeof *coordinates);
    if (coordinates == NULL)
        return false;
    bayesian->coordinates = coordinates;
    bayesian->capacity = capacity;
    return true;
}

int hd_bayesian_add(struct hd_bayesian *bayesian, const cJSON *configuration, enum hd_known known, double metric)
{
    if (!make_room(bayesian))
        return -1;
    if (!points_find(&bayesian->points, configuration, point_of(bayesian, bayesian->count)))
        return 1;
    if (known == HD_KNOWN_VALUE && isnan(metric))
        known = HD_KNOWN_BAD;
    bayesian->known[bayesian->count++] = (struct known){known, metric};
    return 0;
}

static bool is_known(const struct hd_bayesian *bayesian, const double *point)
{
    for (size_t i = 0; i < bayesian->count; i++) {
        const double *other = point_of(bayesian, i);
        size_t same = 0;
        while (same < bayesian->points.count && other[same] == point[same])
            same++;
        if (same == bayesian->points.count)
            return true;
    }
    return false;
}

/* --- Which of it the model is made of ----------------------------------------------------------------------------------------------------
 */

struct ranked {
    double rank; /* smaller is better */
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *first = a, *second = b;
    if (first->rank != second->rank)
        return first->rank < second->rank ? -1 : 1;
    return first->index < second->index ? -1 : first->index > second->index;
}

/* All that have a metric, the best first. */
static size_t rank_known(const struct hd_bayesian *bayesian, struct ranked *ret_ranked)
{
    size_t count = 0;
    for (size_t i = 0; i < bayesian->count; i++)
        if (bayesian->known[i].kind == HD_KNOWN_VALUE)
            ret_ranked[count++] = (struct ranked){hd_goal_rank(bayesian->goal, bayesian->known[i].metric), i};
    qsort(ret_ranked, count, sizeof *ret_ranked, compare_ranked);
    return count;
}

/* Keeps at most `most` of them: the best half, and the others at equal distances down the ranks. */
static size_t thin_out(struct ranked *ranked, size_t count, size_t most)
{
    if (count <= most)
        return count;
    size_t best = most / 2, spread = most - best;
    for (size_t i = 0; i < spread; i++)
        ranked[best + i] = ranked[best + (i * (count - best)) / spread];
    return most;
}

/* How many metrics have come since the one from which on nothing has become better by what matters. `ranked` has all, the best first. */
static size_t count_stale(const struct hd_bayesian *bayesian, const struct ranked *ranked, size_t count)
{
    double spread = ranked[count / 2].rank - ranked[0].rank, enough = ranked[0].rank + MATTERS * spread;
    size_t first = bayesian->count;
    if (!isfinite(enough))
        return 0;
    for (size_t i = 0; i < count && ranked[i].rank <= enough; i++)
        first = ranked[i].index < first ? ranked[i].index : first;
    size_t stale = 0;
    for (size_t i = first + 1; i < bayesian->count; i++)
        stale += bayesian->known[i].kind == HD_KNOWN_VALUE;
    return stale;
}

static bool are_near(const struct hd_bayesian *bayesian, const double *a, const double *b)
{
    for (size_t i = 0; i < bayesian->points.count; i++)
        if (fabs(a[i] - b[i]) > NEAR)
            return false;
    return true;
}

/* Moves what is near a better one behind the others, whose number is returned. */
static size_t keep_apart(const struct hd_bayesian *bayesian, struct ranked *ranked, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t other = 0;
        while (other < kept && !are_near(bayesian, point_of(bayesian, ranked[i].index), point_of(bayesian, ranked[other].index)))
            other++;
        if (other < kept)
            continue;
        struct ranked apart = ranked[i];
        ranked[i] = ranked[kept];
        ranked[kept++] = apart;
    }
    return kept;
}

/* --- The model ---------------------------------------------------------------------------------------------------------------------------
 */

struct proposal {
    struct hd_bayesian *bayesian;
    struct gaussian_process process;
    struct metric_scale scale;
    struct ranked *ranked;
    size_t ranked_count, near_count; /* that are fitted, and those behind them that are near to these */
    double *metrics, *features, *room, *centres, *finds;
    double best;
    bool elsewhere; /* near the best nothing is looked for any more */
};

static void add_point(struct proposal *proposal, size_t index, double value, double doubt)
{
    struct hd_bayesian *bayesian = proposal->bayesian;
    point_features_find(&bayesian->features, &bayesian->points, point_of(bayesian, index), proposal->features);
    gaussian_process_add(&proposal->process, proposal->features, value, doubt);
}

static double predict(struct proposal *proposal, size_t index)
{
    struct hd_bayesian *bayesian = proposal->bayesian;
    double mean, deviation;
    point_features_find(&bayesian->features, &bayesian->points, point_of(bayesian, index), proposal->features);
    gaussian_process_predict(&proposal->process, proposal->features, proposal->room, &mean, &deviation, NULL, NULL);
    return mean;
}

/* What is to be improved on: the least that the model expects where a metric is known, so that a lucky one does not count for more than it
 * should. Those places are also what the search looks around of. */
static void find_best(struct proposal *proposal)
{
    size_t dimensions = proposal->bayesian->points.count;
    proposal->best = INFINITY;
    for (size_t i = 0; i < proposal->ranked_count; i++) {
        proposal->ranked[i].rank = predict(proposal, proposal->ranked[i].index);
        proposal->best = fmin(proposal->best, proposal->ranked[i].rank);
    }
    qsort(proposal->ranked, proposal->ranked_count, sizeof *proposal->ranked, compare_ranked);
    for (size_t i = 0; i < CENTRES && i < proposal->ranked_count; i++)
        memcpy(proposal->centres + i * dimensions, point_of(proposal->bayesian, proposal->ranked[i].index), dimensions * sizeof(double));
}

static int fit(struct proposal *proposal)
{
    struct hd_bayesian *bayesian = proposal->bayesian;
    for (size_t i = 0; i < proposal->ranked_count; i++) {
        proposal->metrics[i] = bayesian->known[proposal->ranked[i].index].metric;
        add_point(proposal, proposal->ranked[i].index, 0, 0);
    }
    return metric_model_fit(&proposal->process, bayesian->goal, proposal->metrics, proposal->elsewhere, &proposal->scale);
}

/* What the model is to take for the metric of a point that has none yet: what it expects, or what the point has come to if that is better.
 */
static double imagine(struct proposal *proposal, size_t index)
{
    const struct known *known = &proposal->bayesian->known[index];
    double expected = predict(proposal, index);
    if (known->kind == HD_KNOWN_BAD)
        return fmax(expected, BAD_VALUE);
    return isnan(known->metric) ? expected : fmin(expected, metric_scale_apply(&proposal->scale, known->metric));
}

/* The newest points without a metric join the model, each with what is imagined for it before any of them is in it. What is expected of
 * those that run is no improvement any more. */
static bool add_others(struct proposal *proposal)
{
    struct hd_bayesian *bayesian = proposal->bayesian;
    size_t others[OTHERS_MOST], count = 0, first = proposal->process.count;
    double values[OTHERS_MOST];
    for (size_t i = bayesian->count; i > 0 && count < OTHERS_MOST; i--)
        if (bayesian->known[i - 1].kind != HD_KNOWN_VALUE)
            others[count++] = i - 1;
    for (size_t i = 0; i < count; i++)
        values[i] = imagine(proposal, others[i]);
    for (size_t i = 0; i < proposal->near_count; i++) {
        size_t index = proposal->ranked[proposal->ranked_count + i].index;
        add_point(proposal, index, metric_scale_apply(&proposal->scale, bayesian->known[index].metric), 0);
    }
    for (size_t i = 0; i < count; i++) {
        bool bad = bayesian->known[others[i]].kind == HD_KNOWN_BAD;
        add_point(proposal, others[i], values[i], bad ? BAD_DOUBT : 0);
        if (!bad)
            proposal->best = fmin(proposal->best, values[i]);
    }
    return proposal->process.count == first || gaussian_process_condition(&proposal->process, first);
}

/* --- Proposals ---------------------------------------------------------------------------------------------------------------------------
 */

static int add_proposed(struct proposal *proposal, const double *point, cJSON **ret_configuration)
{
    struct hd_bayesian *bayesian = proposal->bayesian;
    cJSON *configuration = points_configuration(&bayesian->points, point);
    if (configuration == NULL || !make_room(bayesian)) {
        cJSON_Delete(configuration);
        return -1;
    }
    memcpy(point_of(bayesian, bayesian->count), point, bayesian->points.count * sizeof *point);
    bayesian->known[bayesian->count++] = (struct known){HD_KNOWN_PENDING, NAN};
    *ret_configuration = configuration;
    return 0;
}

/* 1: proposed, 0: all that was found is known, negative: memory is short. */
static int propose_one(struct proposal *proposal, uint64_t number, cJSON **ret_configuration)
{
    struct hd_bayesian *bayesian = proposal->bayesian;
    const struct proposal_search search = {
        .points = &bayesian->points,
        .features = &bayesian->features,
        .process = &proposal->process,
        .best = proposal->best - (proposal->elsewhere ? MARGIN : 0),
        .centres = proposal->centres,
        .centre_count = proposal->ranked_count < CENTRES ? proposal->ranked_count : CENTRES,
        .seed = bayesian->seed,
        .number = number,
    };
    int found = proposal_search_run(&search, proposal->finds);
    for (int i = 0; i < found; i++) {
        const double *point = proposal->finds + (size_t)i * bayesian->points.count;
        if (!is_known(bayesian, point))
            return add_proposed(proposal, point, ret_configuration) == 0 ? 1 : -1;
    }
    return found < 0 ? -1 : 0;
}

/* The newest point, which was just proposed, is pending for the next one. */
static bool take_in_proposed(struct proposal *proposal)
{
    size_t newest = proposal->bayesian->count - 1, count = proposal->process.count;
    double expected = predict(proposal, newest);
    add_point(proposal, newest, expected, 0);
    proposal->best = fmin(proposal->best, expected);
    return gaussian_process_condition(&proposal->process, count);
}

static int propose(struct proposal *proposal, uint64_t number, int count, cJSON **ret_configurations)
{
    int proposed = 0, fitted = fit(proposal);
    if (fitted != 0)
        return fitted < 0 ? -1 : 0;
    find_best(proposal);
    bool modelled = add_others(proposal);
    while (modelled && proposed < count) {
        int result = propose_one(proposal, number + (uint64_t)proposed, &ret_configurations[proposed]);
        if (result < 0)
            return proposed > 0 ? proposed : -1;
        if (result == 0)
            break;
        proposed++;
        modelled = proposed == count || take_in_proposed(proposal);
    }
    return proposed;
}

/* Which points with a metric are fitted. When for long nothing has become better by what matters, every second proposal looks elsewhere:
 * for that the many points around the best are one, since they hide what the others say; and the scale is not bent, since a bent one makes
 * much of the last digits around the best, and little of what a branch of the space may have that is hardly known. */
static void choose_known(struct proposal *proposal, uint64_t number)
{
    const struct hd_bayesian *bayesian = proposal->bayesian;
    size_t count = rank_known(bayesian, proposal->ranked);
    bool elsewhere = number % 2 == 1 && count_stale(bayesian, proposal->ranked, count) >= PATIENCE + bayesian->points.count;
    proposal->ranked_count = thin_out(proposal->ranked, count, MODEL_MOST);
    if (!elsewhere)
        return;
    size_t all = proposal->ranked_count, apart = keep_apart(bayesian, proposal->ranked, all);
    if (apart < APART_LEAST)
        return;
    proposal->ranked_count = apart;
    proposal->near_count = all - apart;
    proposal->elsewhere = true;
}

static bool open_proposal(struct proposal *proposal, uint64_t number, int count)
{
    struct hd_bayesian *bayesian = proposal->bayesian;
    size_t dimensions = bayesian->points.count, features = bayesian->features.count;
    proposal->ranked = calloc(bayesian->count + 1, sizeof *proposal->ranked);
    if (proposal->ranked == NULL)
        return false;
    choose_known(proposal, number);
    size_t capacity = proposal->ranked_count + proposal->near_count + OTHERS_MOST + (size_t)count;
    proposal->metrics = calloc(proposal->ranked_count + features + 4 * capacity + (CENTRES + PROPOSAL_SEARCH_FINDS) * dimensions,
                               sizeof *proposal->metrics);
    if (proposal->metrics == NULL)
        return false;
    proposal->features = proposal->metrics + proposal->ranked_count;
    proposal->room = proposal->features + features;
    proposal->centres = proposal->room + 4 * capacity;
    proposal->finds = proposal->centres + CENTRES * dimensions;
    return gaussian_process_open(&proposal->process, features, bayesian->features.unordered, capacity);
}

int hd_bayesian_propose(struct hd_bayesian *bayesian, uint64_t number, int count, cJSON **ret_configurations)
{
    enum { VALUES_LEAST = 2 };
    struct proposal proposal = {.bayesian = bayesian};
    size_t features = bayesian->features.count, values = 0;
    int proposed = -1;
    for (size_t i = 0; i < bayesian->count; i++)
        values += bayesian->known[i].kind == HD_KNOWN_VALUE;
    if (features == 0 || features > FEATURES_MOST || values < VALUES_LEAST || count <= 0)
        return 0;
    if (open_proposal(&proposal, number, count)) {
        proposed = propose(&proposal, number, count, ret_configurations);
        gaussian_process_close(&proposal.process);
    }
    free(proposal.metrics);
    free(proposal.ranked);
    return proposed;
}
