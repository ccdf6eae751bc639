#include "metric_scale.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const struct {
    double bend;
    bool levelled;
} BENDS[METRIC_BENDS] = {{0, false}, {0, true}, {1, false}, {10, false}, {100, false}};

static const double FAR = 4; /* from here on the logarithm counts */

static double clipped_rank(const struct metric_scale *scale, double value)
{
    return fmin(fmax(hd_goal_rank(scale->goal, value), scale->least), scale->most);
}

/* From what is measured from; below 0 only beyond a level. The largest numbers are finite; divided by a small unit they are not. */
static double distance(const struct metric_scale *scale, double rank)
{
    double from = rank / scale->unit - scale->origin / scale->unit;
    return fmin(fmax(from, scale->levelled ? -DBL_MAX : 0), DBL_MAX);
}

static double bend(const struct metric_scale *scale, double distance)
{
    if (distance < 0)
        return -log1p(-distance);
    double near = distance <= FAR ? distance : FAR + log1p(distance - FAR);
    return scale->bend > 0 ? log1p(scale->bend * near) / log1p(scale->bend) : near;
}

static double log_slope(const struct metric_scale *scale, double distance)
{
    if (distance < 0)
        return -log1p(-distance);
    double slope = distance <= FAR ? 0 : -log1p(distance - FAR), near = distance <= FAR ? distance : FAR + log1p(distance - FAR);
    return scale->bend > 0 ? slope + log(scale->bend / log1p(scale->bend)) - log1p(scale->bend * near) : slope;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* From the best to the median, or to whatever is worse than the best. */
static double find_unit(const double *sorted, size_t count)
{
    double unit = sorted[count / 2] - sorted[0];
    for (size_t i = count / 2; i < count && !(unit > 0); i++)
        unit = sorted[i] - sorted[0];
    return unit > 0 ? fmin(unit, DBL_MAX) : 1;
}

/* The best quarter is all there may be of ordinary values: what is better than it by more than the median is worse is beyond the level. */
static void find_level(struct metric_scale *scale, const double *sorted, size_t count)
{
    double median = sorted[count / 2], quarter = sorted[count / 4], level = quarter - (median - quarter), unit = median - level;
    if (!(level > sorted[0]) || !(unit > 0) || !isfinite(unit))
        return;
    scale->log_slopes = (double)count * (log(scale->unit) - log(unit));
    scale->origin = level;
    scale->unit = unit;
    scale->levelled = true;
}

static void find_bounds(struct metric_scale *scale, const double *values, size_t count)
{
    scale->least = INFINITY;
    scale->most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double rank = hd_goal_rank(scale->goal, values[i]);
        if (!isfinite(rank))
            continue;
        scale->least = fmin(scale->least, rank);
        scale->most = fmax(scale->most, rank);
    }
    if (scale->least > scale->most)
        scale->least = scale->most = 0; /* none is finite */
}

void metric_scale_learn(struct metric_scale *scale, enum hd_goal goal, int bend_index, const double *values, size_t count, double *room)
{
    *scale = (struct metric_scale){.goal = goal, .bend = BENDS[bend_index].bend, .deviation = 1};
    find_bounds(scale, values, count);
    for (size_t i = 0; i < count; i++)
        room[i] = clipped_rank(scale, values[i]);
    qsort(room, count, sizeof *room, compare);
    scale->origin = room[0];
    scale->unit = find_unit(room, count);
    if (BENDS[bend_index].levelled)
        find_level(scale, room, count);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        double from_origin = distance(scale, room[i]);
        scale->log_slopes += log_slope(scale, from_origin);
        room[i] = bend(scale, from_origin);
        sum += room[i];
    }
    scale->mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (room[i] - scale->mean) * (room[i] - scale->mean);
    if (squares > 0)
        scale->deviation = sqrt(squares / (double)count);
    scale->log_slopes -= (double)count * log(scale->deviation);
}

double metric_scale_apply(const struct metric_scale *scale, double value)
{
    return (bend(scale, distance(scale, clipped_rank(scale, value))) - scale->mean) / scale->deviation;
}
