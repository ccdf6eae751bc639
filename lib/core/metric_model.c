#include "metric_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "descent.h"

enum { STARTS = 8, FIT_MOST = 160 };

/* How much shorter than typical the length scales of a start are, its noise, and how much above the typical one the logit of its share. */
static const struct {
    double shorter, noise, share;
} STARTS_AT[STARTS] = {{0, -9, 0}, {1, -9, 0}, {2, -9, 0}, {0, -3, 0}, {1, -3, 0}, {2, -1, 0}, {0, -6, 5.5}, {1, -6, 5.5}};

struct fit {
    struct gaussian_process *process;
    enum hd_goal goal;
    const double *metrics; /* of the process's points */
    double *values, *room;
    int bends; /* that are tried */
    double *lower, *upper, *typical, *parameters, *best, *descent;
    int bend; /* of `best` */
    double misfit;
};

static void scale_values(struct fit *fit, int bend, struct metric_scale *ret_scale)
{
    metric_scale_learn(ret_scale, fit->goal, bend, fit->metrics, fit->process->count, fit->room);
    for (size_t i = 0; i < fit->process->count; i++)
        fit->values[i] = metric_scale_apply(ret_scale, fit->metrics[i]);
    gaussian_process_set_values(fit->process, fit->values);
}

/* The correlations are there: which bend suits the values best? The misfit of the parameters' prior is the same for all. */
static int choose_bend(struct fit *fit, double *ret_misfit)
{
    int best = 0;
    for (int bend = 0; bend < fit->bends; bend++) {
        struct metric_scale scale;
        scale_values(fit, bend, &scale);
        double misfit = gaussian_process_misfit(fit->process, NULL, NULL) - scale.log_slopes;
        if (bend > 0 && !(misfit < *ret_misfit))
            continue;
        best = bend;
        *ret_misfit = misfit;
    }
    return best;
}

static void look_at_starts(struct fit *fit)
{
    size_t features = fit->process->features;
    fit->misfit = INFINITY;
    for (int i = 0; i < STARTS; i++) {
        memcpy(fit->parameters, fit->typical, gaussian_process_parameters(fit->process) * sizeof *fit->parameters);
        for (size_t f = 0; f < features; f++)
            fit->parameters[f] -= STARTS_AT[i].shorter;
        fit->parameters[features] = STARTS_AT[i].noise;
        fit->parameters[features + 1] += STARTS_AT[i].share;
        struct metric_scale scale;
        scale_values(fit, 0, &scale);
        double plain = gaussian_process_misfit(fit->process, fit->parameters, NULL);
        if (!isfinite(plain))
            continue;
        double prior = plain - gaussian_process_misfit(fit->process, NULL, NULL), misfit = INFINITY;
        int bend = choose_bend(fit, &misfit);
        if (!(misfit + prior < fit->misfit))
            continue;
        fit->misfit = misfit + prior;
        fit->bend = bend;
        memcpy(fit->best, fit->parameters, gaussian_process_parameters(fit->process) * sizeof *fit->best);
    }
}

static double misfit_at(void *context, const double *parameters, double *ret_gradient)
{
    struct fit *fit = context;
    return gaussian_process_misfit(fit->process, parameters, ret_gradient);
}

static void descend(struct fit *fit, int evaluations)
{
    struct metric_scale scale;
    const struct descent descent = {.count = gaussian_process_parameters(fit->process),
                                    .lower = fit->lower,
                                    .upper = fit->upper,
                                    .evaluations = evaluations,
                                    .tolerance = 1e-3,
                                    .value = misfit_at,
                                    .context = fit};
    scale_values(fit, fit->bend, &scale);
    descent_run(&descent, fit->best, fit->descent);
}

/* Is another bend better at the parameters that were found? */
static bool bend_changes(struct fit *fit)
{
    double misfit = INFINITY;
    int before = fit->bend;
    if (isfinite(gaussian_process_misfit(fit->process, fit->best, NULL)))
        fit->bend = choose_bend(fit, &misfit);
    return fit->bend != before;
}

static void find_parameters(struct fit *fit)
{
    size_t count = fit->process->count;
    int evaluations = count < 40 ? 60 : count < 80 ? 40 : 25;
    gaussian_process_bounds(fit->process, fit->lower, fit->upper, fit->typical);
    look_at_starts(fit);
    if (!isfinite(fit->misfit))
        return;
    descend(fit, evaluations);
    if (bend_changes(fit))
        descend(fit, evaluations / 2);
}

static int fit_points(struct gaussian_process *process, enum hd_goal goal, const double *metrics, int bends, int *ret_bend)
{
    size_t count = process->count, parameters = gaussian_process_parameters(process);
    double *room = calloc(2 * count + 5 * parameters + descent_room(parameters), sizeof *room);
    struct fit fit = {.process = process, .goal = goal, .metrics = metrics, .bends = bends};
    if (room == NULL)
        return -1;
    fit.values = room;
    fit.room = fit.values + count;
    fit.lower = fit.room + count;
    fit.upper = fit.lower + parameters;
    fit.typical = fit.upper + parameters;
    fit.parameters = fit.typical + parameters;
    fit.best = fit.parameters + parameters;
    fit.descent = fit.best + parameters;
    find_parameters(&fit);
    gaussian_process_set_parameters(process, fit.best);
    *ret_bend = fit.bend;
    free(room);
    return isfinite(fit.misfit) ? 0 : 1;
}

/* The parameters of many points are found with some of them, at equal distances: the fit takes time that grows with the cube. */
static int fit_some(struct gaussian_process *process, enum hd_goal goal, const double *metrics, int bends, int *ret_bend)
{
    struct gaussian_process some;
    double *room = calloc(FIT_MOST + process->features, sizeof *room);
    if (room == NULL || !gaussian_process_open(&some, process->features, process->unordered, FIT_MOST)) {
        free(room);
        return -1;
    }
    double *point = room + FIT_MOST;
    for (size_t i = 0; i < FIT_MOST; i++) {
        size_t index = i * process->count / FIT_MOST;
        for (size_t f = 0; f < process->features; f++)
            point[f] = process->columns[f * process->capacity + index];
        room[i] = metrics[index];
        gaussian_process_add(&some, point, 0, process->doubts[index]);
    }
    int result = fit_points(&some, goal, room, bends, ret_bend);
    memcpy(process->precisions, some.precisions, process->features * sizeof *process->precisions);
    process->noise = some.noise;
    process->share = some.share;
    gaussian_process_close(&some);
    free(room);
    return result;
}

int metric_model_fit(struct gaussian_process *process, enum hd_goal goal, const double *metrics, bool straight,
                     struct metric_scale *ret_scale)
{
    size_t count = process->count;
    double *room = calloc(count, sizeof *room);
    int bend = 0;
    int result = room == NULL
                     ? -1
                     : (count > FIT_MOST ? fit_some : fit_points)(process, goal, metrics, straight ? METRIC_STRAIGHT : METRIC_BENDS, &bend);
    if (result == 0) {
        metric_scale_learn(ret_scale, goal, bend, metrics, count, room);
        for (size_t i = 0; i < count; i++)
            process->values[i] = metric_scale_apply(ret_scale, metrics[i]);
        result = gaussian_process_condition(process, 0) ? 0 : 1;
    }
    free(room);
    return result;
}
