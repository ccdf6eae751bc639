#include "proposal_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "descent.h"
#include "expected_improvement.h"
#include "random.h"

enum {
    LOOKS_LEAST = 256,   /* points that are looked at, and more for each dimension */
    LOOKS_DIMENSION = 48,
    LOOKS_MOST = 1024,
    CLIMBS = 6,          /* from the best of them, and from the best that is known */
    CLIMB_ROUNDS = 3,
    CLIMB_EVALUATIONS = 40,
    STEPS_CLIMBED = 32,  /* a dimension of more steps is climbed as if it had none */
    OPTIONS_TRIED = 10,
};

/* Draws ask for retries from 0 on, the Sobol sequence for its shifts from the other end: these numbers are independent of both. */
static const uint32_t STREAM = 0x40000000;
static const double EDGE = 0x1p-33;

struct found {
    double value; /* logarithm of the expected improvement */
    double *point;
};

struct run {
    const struct proposal_search *search;
    uint32_t taken;     /* random numbers */
    double *features;   /* of one point */
    double *gradients;  /* by features: of mean, of deviation */
    double *prediction; /* room of it */
    double *point, *other, *slopes;
    size_t *variables; /* dimensions that a climb moves */
    size_t variable_count;
    double *lower, *upper, *position, *descent;
    struct found finds[PROPOSAL_SEARCH_FINDS];
    int find_count;
};

static double draw(struct run *run)
{
    return hd_random_unit(run->search->seed, run->search->number, run->taken++, STREAM);
}

/* --- What a point is worth ---------------------------------------------------------------------------------------------------------------
 */

/* `ret_slopes` (which may be NULL): by each dimension; only those of numbers are slopes. */
static double worth(struct run *run, const double *point, double *ret_slopes)
{
    const struct proposal_search *search = run->search;
    size_t count = search->features->count;
    double mean, deviation, by_mean, by_deviation;
    point_features_find(search->features, search->points, point, run->features);
    gaussian_process_predict(search->process, run->features, run->prediction, &mean, &deviation, ret_slopes == NULL ? NULL : run->gradients,
                             run->gradients + count);
    double value = expected_improvement_log(search->best, mean, deviation, &by_mean, &by_deviation);
    for (size_t f = 0; ret_slopes != NULL && f < count; f++)
        if (search->features->ranks[f] == NULL)
            ret_slopes[search->features->dimensions[f]] = by_mean * run->gradients[f] + by_deviation * run->gradients[count + f];
    return isnan(value) ? -INFINITY : value;
}

/* --- The best points so far --------------------------------------------------------------------------------------------------------------
 */

static bool same(const struct run *run, const double *a, const double *b)
{
    for (size_t i = 0; i < run->search->points->count; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* Keeps it if it is among the best, in its place. */
static void keep(struct run *run, const double *point, double value)
{
    int at = run->find_count;
    for (int i = 0; i < run->find_count; i++)
        if (same(run, run->finds[i].point, point))
            return;
    if (at == PROPOSAL_SEARCH_FINDS && value <= run->finds[--at].value)
        return;
    struct found last = run->finds[at];
    for (; at > 0 && run->finds[at - 1].value < value; at--)
        run->finds[at] = run->finds[at - 1];
    last.value = value;
    memcpy(last.point, point, run->search->points->count * sizeof *point);
    run->finds[at] = last;
    if (run->find_count < PROPOSAL_SEARCH_FINDS)
        run->find_count++;
}

/* --- Looking around ----------------------------------------------------------------------------------------------------------------------
 */

static void draw_anywhere(struct run *run, double *point)
{
    for (size_t i = 0; i < run->search->points->count; i++)
        point[i] = draw(run);
}

static double shifted(struct run *run, double coordinate, double width)
{
    double shift = (draw(run) + draw(run) + draw(run)) * 2 - 3; /* about normal, of unit variance */
    double moved = fabs(coordinate + width * shift);
    return moved > 1 ? fmax(2 - moved, 0) : moved;
}

/* Some dimensions of a good point are changed, by much or by little. */
static void draw_near(struct run *run, double *point)
{
    const struct proposal_search *search = run->search;
    size_t count = search->points->count;
    double skewed = draw(run);
    size_t centre = (size_t)(skewed * skewed * (double)search->centre_count);
    double width = exp(-6 + 5 * draw(run)), share = fmax(draw(run), 1.0 / (double)count);
    memcpy(point, search->centres + centre * count, count * sizeof *point);
    for (size_t i = 0; i < count; i++) {
        if (draw(run) >= share)
            continue;
        const struct points_dimension *dimension = &search->points->dimensions[i];
        if (dimension->kind == POINTS_UNORDERED || !points_is_drawn(search->points, search->centres + centre * count, i))
            point[i] = draw(run);
        else
            point[i] = shifted(run, point[i], dimension->kind == POINTS_STEPS ? fmax(width, 1 / (double)dimension->count) : width);
    }
}

static void look_around(struct run *run)
{
    const struct proposal_search *search = run->search;
    size_t looks = LOOKS_LEAST + LOOKS_DIMENSION * search->features->count;
    looks = looks < LOOKS_MOST ? looks : LOOKS_MOST;
    for (size_t i = 0; i < looks; i++) {
        if (i % 2 == 0 && search->centre_count > 0)
            draw_near(run, run->point);
        else
            draw_anywhere(run, run->point);
        points_snap(search->points, run->point);
        keep(run, run->point, worth(run, run->point, NULL));
    }
}

/* --- Climbing ----------------------------------------------------------------------------------------------------------------------------
 */

static bool is_climbed(const struct points_dimension *dimension)
{
    return dimension->kind == POINTS_SMOOTH || (dimension->kind == POINTS_STEPS && dimension->count > STEPS_CLIMBED);
}

static double fall(void *context, const double *position, double *ret_gradient)
{
    struct run *run = context;
    for (size_t i = 0; i < run->variable_count; i++)
        run->other[run->variables[i]] = position[i];
    double value = worth(run, run->other, run->slopes);
    for (size_t i = 0; i < run->variable_count; i++)
        ret_gradient[i] = -run->slopes[run->variables[i]];
    return -value;
}

/* Along the slopes, with all choices and few steps as they are. `point` moves if that gains anything. */
static double climb_slopes(struct run *run, double *point, double value)
{
    const struct points *points = run->search->points;
    run->variable_count = 0;
    for (size_t i = 0; i < points->count; i++) {
        if (!is_climbed(&points->dimensions[i]) || !points_is_drawn(points, point, i))
            continue;
        run->lower[run->variable_count] = EDGE;
        run->upper[run->variable_count] = 1 - EDGE;
        run->position[run->variable_count] = point[i];
        run->variables[run->variable_count++] = i;
    }
    if (run->variable_count == 0)
        return value;
    const struct descent descent = {.count = run->variable_count, .lower = run->lower, .upper = run->upper,
                                    .evaluations = CLIMB_EVALUATIONS, .tolerance = 1e-6, .value = fall, .context = run};
    memcpy(run->other, point, points->count * sizeof *point);
    descent_run(&descent, run->position, run->descent);
    for (size_t i = 0; i < run->variable_count; i++)
        run->other[run->variables[i]] = run->position[i];
    points_snap(points, run->other);
    double climbed = worth(run, run->other, NULL);
    if (climbed > value)
        memcpy(point, run->other, points->count * sizeof *point);
    return fmax(climbed, value);
}

/* Another value of one dimension; what a branch draws then is drawn. */
static double try_coordinate(struct run *run, double *point, double value, size_t dimension, double coordinate)
{
    const struct points *points = run->search->points;
    memcpy(run->other, point, points->count * sizeof *point);
    run->other[dimension] = coordinate;
    if (points->dimensions[dimension].kind == POINTS_UNORDERED)
        for (size_t i = dimension + 1; i < points->count; i++)
            if (!points_is_drawn(points, point, i) && points_is_drawn(points, run->other, i))
                run->other[i] = draw(run);
    points_snap(points, run->other);
    double changed = worth(run, run->other, NULL);
    if (changed > value)
        memcpy(point, run->other, points->count * sizeof *point);
    return fmax(changed, value);
}

static double try_options(struct run *run, double *point, double value, size_t i)
{
    const struct points_dimension *dimension = &run->search->points->dimensions[i];
    uint64_t tried = dimension->count < OPTIONS_TRIED ? dimension->count : OPTIONS_TRIED;
    for (uint64_t k = 0; k < tried; k++) {
        uint64_t option = tried == dimension->count ? k : (uint64_t)(draw(run) * (double)dimension->count);
        value = try_coordinate(run, point, value, i, points_coordinate(dimension, option));
    }
    return value;
}

static double try_steps(struct run *run, double *point, double value, size_t i)
{
    static const int64_t STEPS[] = {-1, 1, -2, 2};
    const struct points_dimension *dimension = &run->search->points->dimensions[i];
    for (size_t k = 0; k < sizeof STEPS / sizeof *STEPS; k++) {
        int64_t step = (int64_t)points_index(dimension, point[i]) + STEPS[k];
        if (step >= 0 && (uint64_t)step < dimension->count)
            value = try_coordinate(run, point, value, i, points_coordinate(dimension, (uint64_t)step));
    }
    return value;
}

/* `point` moves uphill; its worth at the end is returned. */
static double climb(struct run *run, double *point, double value)
{
    const struct points *points = run->search->points;
    for (int round = 0; round < CLIMB_ROUNDS; round++) {
        double before = value;
        value = climb_slopes(run, point, value);
        double climbed = value;
        for (size_t i = 0; i < points->count; i++) {
            if (!points_is_drawn(points, point, i))
                continue;
            if (points->dimensions[i].kind == POINTS_UNORDERED)
                value = try_options(run, point, value, i);
            else if (points->dimensions[i].kind == POINTS_STEPS)
                value = try_steps(run, point, value, i);
        }
        if (value <= climbed || value - before < 1e-4)
            break;
    }
    return value;
}

static void climb_all(struct run *run)
{
    const struct proposal_search *search = run->search;
    size_t count = search->points->count, starts = 0;
    double *from = run->point;
    double values[CLIMBS + 1];
    for (int i = 0; i < run->find_count && starts < CLIMBS; i++) {
        memcpy(from + starts * count, run->finds[i].point, count * sizeof *from);
        values[starts++] = run->finds[i].value;
    }
    if (search->centre_count > 0) {
        memcpy(from + starts * count, search->centres, count * sizeof *from);
        values[starts] = worth(run, from + starts * count, NULL);
        starts++;
    }
    for (size_t i = 0; i < starts; i++) {
        double value = climb(run, from + i * count, values[i]);
        keep(run, from + i * count, value);
    }
}

/* --- One search --------------------------------------------------------------------------------------------------------------------------
 */

static double *take(double **room, size_t count)
{
    double *taken = *room;
    *room += count;
    return taken;
}

int proposal_search_run(const struct proposal_search *search, double *ret_points)
{
    size_t count = search->points->count, features = search->features->count;
    size_t doubles = 3 * features + 4 * search->process->count + (CLIMBS + 1 + PROPOSAL_SEARCH_FINDS) * count + 5 * count + descent_room(count) + 1;
    double *room = calloc(doubles, sizeof *room), *rest = room;
    size_t *variables = calloc(count + 1, sizeof *variables);
    struct run run = {.search = search, .variables = variables};
    if (room != NULL && variables != NULL) {
        run.features = take(&rest, features);
        run.gradients = take(&rest, 2 * features);
        run.prediction = take(&rest, 4 * search->process->count);
        run.point = take(&rest, (CLIMBS + 1) * count);
        run.other = take(&rest, count);
        run.slopes = take(&rest, count);
        run.lower = take(&rest, count);
        run.upper = take(&rest, count);
        run.position = take(&rest, count);
        run.descent = take(&rest, descent_room(count));
        for (int i = 0; i < PROPOSAL_SEARCH_FINDS; i++)
            run.finds[i].point = take(&rest, count);
        look_around(&run);
        climb_all(&run);
        for (int i = 0; i < run.find_count; i++)
            memcpy(ret_points + (size_t)i * count, run.finds[i].point, count * sizeof *ret_points);
    } else {
        run.find_count = -1;
    }
    free(room);
    free(variables);
    return run.find_count;
}
