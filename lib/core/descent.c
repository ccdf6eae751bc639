#include "descent.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "vector.h"

enum { PAIRS = 8, HALVINGS = 12 };

/* The last steps and how the gradient changed with them, oldest first. */
struct memory {
    double *steps, *changes; /* PAIRS rows each */
    double curvature[PAIRS]; /* product of both */
    int count;
};

struct work {
    struct memory memory;
    double *gradient, *next_gradient, *next, *direction, *free_gradient;
};

enum { ROWS = 2 * PAIRS + 5 };

size_t descent_room(size_t count)
{
    return ROWS * count;
}

static void lay_out(struct work *work, double *room, size_t count)
{
    double **rows[] = {&work->gradient, &work->next_gradient, &work->next, &work->direction, &work->free_gradient};
    work->memory.steps = room;
    work->memory.changes = room + PAIRS * count;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i] = room + ((size_t)2 * PAIRS + i) * count;
}

static void remember(struct memory *memory, size_t count, const double *x, const double *next, const double *gradient,
                     const double *next_gradient)
{
    if (memory->count == PAIRS) {
        memmove(memory->steps, memory->steps + count, (PAIRS - 1) * count * sizeof *memory->steps);
        memmove(memory->changes, memory->changes + count, (PAIRS - 1) * count * sizeof *memory->changes);
        memmove(memory->curvature, memory->curvature + 1, (PAIRS - 1) * sizeof *memory->curvature);
        memory->count--;
    }
    double *step = memory->steps + (size_t)memory->count * count, *change = memory->changes + (size_t)memory->count * count;
    for (size_t i = 0; i < count; i++) {
        step[i] = next[i] - x[i];
        change[i] = next_gradient[i] - gradient[i];
    }
    double curvature = vector_dot(step, change, count), length = vector_dot(change, change, count);
    if (curvature <= 1e-12 * length || !isfinite(curvature))
        return; /* not convex along this step: nothing to learn */
    memory->curvature[memory->count++] = curvature;
}

/* The two loops of L-BFGS: direction = -H gradient. */
static void find_direction(const struct memory *memory, size_t count, const double *gradient, double *direction)
{
    double factors[PAIRS];
    memcpy(direction, gradient, count * sizeof *direction);
    for (int k = memory->count - 1; k >= 0; k--) {
        factors[k] = vector_dot(memory->steps + (size_t)k * count, direction, count) / memory->curvature[k];
        vector_add(direction, -factors[k], memory->changes + (size_t)k * count, count);
    }
    double scale = 1;
    if (memory->count > 0) {
        const double *change = memory->changes + (size_t)(memory->count - 1) * count;
        scale = memory->curvature[memory->count - 1] / vector_dot(change, change, count);
    }
    for (size_t i = 0; i < count; i++)
        direction[i] *= scale;
    for (int k = 0; k < memory->count; k++) {
        double other = vector_dot(memory->changes + (size_t)k * count, direction, count) / memory->curvature[k];
        vector_add(direction, factors[k] - other, memory->steps + (size_t)k * count, count);
    }
    for (size_t i = 0; i < count; i++)
        direction[i] = -direction[i];
}

/* Is the variable held at a bound that downhill leads over? */
static bool is_held(const struct descent *descent, size_t i, double x, double gradient)
{
    return (x <= descent->lower[i] && gradient > 0) || (x >= descent->upper[i] && gradient < 0);
}

/* The gradient of the variables that may move; 0 for the others. Its largest magnitude is returned. */
static double free_gradient(const struct descent *descent, const double *x, const double *gradient, double *ret_free)
{
    double largest = 0;
    for (size_t i = 0; i < descent->count; i++) {
        ret_free[i] = is_held(descent, i, x[i], gradient[i]) ? 0 : gradient[i];
        largest = fmax(largest, fabs(ret_free[i]));
    }
    return largest;
}

static void step_to(const struct descent *descent, const double *x, const double *direction, double length, double *ret_next)
{
    for (size_t i = 0; i < descent->count; i++)
        ret_next[i] = fmin(fmax(x[i] + length * direction[i], descent->lower[i]), descent->upper[i]);
}

/* Downhill for the variables that may move, and none that is held is moved; else along the gradient. */
static void choose_direction(const struct descent *descent, struct work *work, double largest)
{
    size_t count = descent->count;
    find_direction(&work->memory, count, work->free_gradient, work->direction);
    for (size_t i = 0; i < count; i++)
        if (work->free_gradient[i] == 0)
            work->direction[i] = 0;
    double slope = vector_dot(work->direction, work->free_gradient, count);
    if (slope < 0 && isfinite(slope) && work->memory.count > 0)
        return;
    work->memory.count = 0;
    for (size_t i = 0; i < count; i++) /* the first step is of a tenth of the unit in which variables are measured */
        work->direction[i] = -work->free_gradient[i] * fmin(1, 0.1 / largest);
}

double descent_run(const struct descent *descent, double *x, double *room)
{
    size_t count = descent->count;
    struct work work = {.memory = {.count = 0}};
    int evaluations = 1;
    lay_out(&work, room, count);
    double value = descent->value(descent->context, x, work.gradient);
    while (evaluations < descent->evaluations && isfinite(value)) {
        double largest = free_gradient(descent, x, work.gradient, work.free_gradient), next = INFINITY, length = 1;
        bool found = false;
        if (!(largest > 1e-9))
            break;
        choose_direction(descent, &work, largest);
        for (int halving = 0; halving < HALVINGS && evaluations < descent->evaluations && !found; halving++) {
            step_to(descent, x, work.direction, length, work.next);
            next = descent->value(descent->context, work.next, work.next_gradient);
            evaluations++;
            double expected = 0;
            for (size_t i = 0; i < count; i++)
                expected += work.free_gradient[i] * (work.next[i] - x[i]);
            found = isfinite(next) && next <= value + 1e-4 * expected && next < value;
            length *= halving < 2 ? 0.4 : 0.1;
        }
        if (!found)
            break;
        double gain = value - next;
        remember(&work.memory, count, x, work.next, work.gradient, work.next_gradient);
        memcpy(x, work.next, count * sizeof *x);
        memcpy(work.gradient, work.next_gradient, count * sizeof *x);
        value = next;
        if (gain < descent->tolerance)
            break;
    }
    return value;
}
