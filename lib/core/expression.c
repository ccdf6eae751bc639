#include "expression.h"

#include <math.h>
#include <string.h>

#include "json.h"
#include "mathematics.h"

static const struct expression_form FORMS[EXPRESSION_COUNT] = {
    [EXPRESSION_CHOICE] = {"choice", FAMILY_CHOICE, false, false, 1, {"values"}},
    [EXPRESSION_RANDINT] = {"randint", FAMILY_INTEGER, false, false, 1, {"upper"}},
    [EXPRESSION_UNIFORM] = {"uniform", FAMILY_UNIFORM, false, false, 2, {"min_value", "max_value"}},
    [EXPRESSION_QUNIFORM] = {"quniform", FAMILY_UNIFORM, false, true, 3, {"min_value", "max_value", "q"}},
    [EXPRESSION_LOGUNIFORM] = {"loguniform", FAMILY_UNIFORM, true, false, 2, {"min_value", "max_value"}},
    [EXPRESSION_QLOGUNIFORM] = {"qloguniform", FAMILY_UNIFORM, true, true, 3, {"min_value", "max_value", "q"}},
    [EXPRESSION_NORMAL] = {"normal", FAMILY_NORMAL, false, false, 2, {"mu", "sigma"}},
    [EXPRESSION_QNORMAL] = {"qnormal", FAMILY_NORMAL, false, true, 3, {"mu", "sigma", "q"}},
    [EXPRESSION_LOGNORMAL] = {"lognormal", FAMILY_NORMAL, true, false, 2, {"mu", "sigma"}},
    [EXPRESSION_QLOGNORMAL] = {"qlognormal", FAMILY_NORMAL, true, true, 3, {"mu", "sigma", "q"}},
};

const struct expression_form *expression_find(const char *name)
{
    for (int type = 0; name != NULL && type < EXPRESSION_COUNT; type++) {
        if (strcmp(FORMS[type].name, name) == 0)
            return &FORMS[type];
    }
    return NULL;
}

const struct expression_form *expression_form(enum expression_type type)
{
    return &FORMS[type];
}

static double positive_zero(double value)
{
    return value == 0 ? 0.0 : value;
}

double expression_value(const struct expression *expression, double draw)
{
    double value = expression->form->logarithmic ? hd_pow(expression->log_base, draw) : draw;
    if (expression->form->quantised) {
        double q = expression->arguments[2];
        value = rint(value / q) * q;
    }
    return positive_zero(value);
}

static double uniform_draw(double min, double max, double unit)
{
    double draw = min + unit * (max - min);
    if (!isfinite(max - min))
        draw = 2 * (min / 2 + unit * (max / 2 - min / 2));
    return fmin(fmax(draw, min), max); /* rounding may lead out by one unit in the last place */
}

double expression_draw(const struct expression *expression, double unit)
{
    const double *arguments = expression->arguments;
    if (expression->form->family == FAMILY_UNIFORM)
        return uniform_draw(arguments[0], arguments[1], unit);
    if (arguments[1] == 0)
        return arguments[0];
    return arguments[0] + arguments[1] * hd_normal_quantile(unit);
}

double expression_safe_draw(const struct expression *expression)
{
    const double *arguments = expression->arguments;
    bool falling = expression->form->logarithmic && expression->log_base < 1;
    if (expression->form->family == FAMILY_UNIFORM)
        return falling ? arguments[0] : arguments[1];
    if (!expression->form->logarithmic)
        return arguments[0];
    return falling ? arguments[0] + 3 * arguments[1] : arguments[0] - 3 * arguments[1];
}

static uint64_t saturated(double count)
{
    return count < 0x1p63 ? (uint64_t)count : EXPRESSION_COUNT_HUGE;
}

/* The smallest and the largest multiple of q; with a log base below 1 the bounds change their places. */
static void multiples(const struct expression *expression, double *ret_first, double *ret_last)
{
    double ends[2];
    for (int i = 0; i < 2; i++) {
        double bound = expression->arguments[i];
        if (expression->form->logarithmic)
            bound = hd_pow(expression->log_base, bound);
        ends[i] = rint(bound / expression->arguments[2]);
    }
    *ret_first = fmin(ends[0], ends[1]);
    *ret_last = fmax(ends[0], ends[1]);
}

uint64_t expression_count(const struct expression *expression)
{
    const struct expression_form *form = expression->form;
    const double *arguments = expression->arguments;
    if (form->family == FAMILY_INTEGER)
        return (uint64_t)arguments[0];
    if (form->family == FAMILY_UNIFORM && form->quantised) {
        double first, last;
        multiples(expression, &first, &last);
        return saturated(last - first + 1);
    }
    bool single = form->family == FAMILY_UNIFORM ? arguments[0] == arguments[1] : arguments[1] == 0;
    return single ? 1 : 0;
}

double expression_at(const struct expression *expression, uint64_t index)
{
    const struct expression_form *form = expression->form;
    if (form->family == FAMILY_INTEGER)
        return (double)index;
    if (form->family == FAMILY_UNIFORM && form->quantised) {
        double first, last;
        multiples(expression, &first, &last);
        return positive_zero((first + (double)index) * expression->arguments[2]);
    }
    return expression_value(expression, expression->arguments[0]);
}

cJSON *expression_json(const struct expression *expression, double value)
{
    if (expression->form->family == FAMILY_INTEGER)
        return hd_json_new_integer((int64_t)value);
    return hd_json_new_float(value);
}
