/* The expressions of a search space that give numbers: one row of a table each, and from a row everything else follows. For lib/core only.
 */
#ifndef HD_CORE_EXPRESSION_H
#define HD_CORE_EXPRESSION_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum expression_type {
    EXPRESSION_CHOICE,
    EXPRESSION_RANDINT,
    EXPRESSION_UNIFORM,
    EXPRESSION_QUNIFORM,
    EXPRESSION_LOGUNIFORM,
    EXPRESSION_QLOGUNIFORM,
    EXPRESSION_NORMAL,
    EXPRESSION_QNORMAL,
    EXPRESSION_LOGNORMAL,
    EXPRESSION_QLOGNORMAL,
    EXPRESSION_COUNT,
};

#define EXPRESSION_NAMES "choice, randint, uniform, quniform, loguniform, qloguniform, normal, qnormal, lognormal, qlognormal"

enum expression_family {
    FAMILY_CHOICE,  /* of listed values: not a number, so of no concern to the functions below */
    FAMILY_INTEGER, /* arguments: upper */
    FAMILY_UNIFORM, /* arguments: min, max, q */
    FAMILY_NORMAL,  /* arguments: mu, sigma, q */
};

enum { EXPRESSION_ARGUMENTS = 3 };

struct expression_form {
    const char *name;
    enum expression_family family;
    bool logarithmic; /* the draw is an exponent */
    bool quantised;   /* the last argument is q */
    int field_count;
    const char *fields[EXPRESSION_ARGUMENTS]; /* in the order of the list form */
};

/* Where the type of an expression stands; NULL if `name` (which may be NULL) is none. */
const struct expression_form *expression_find(const char *name);
const struct expression_form *expression_form(enum expression_type type);

struct expression {
    const struct expression_form *form;
    double arguments[EXPRESSION_ARGUMENTS]; /* as the form's fields */
    double log_base;
};

/* The value for an underlying draw: from the uniform or normal distribution, for a log type the exponent. Never -0.0. */
double expression_value(const struct expression *expression, double draw);

/* The underlying draw for a uniform number in (0, 1), by the inverse distribution. Not for FAMILY_INTEGER. */
double expression_draw(const struct expression *expression, double unit);

/* A draw that decides whether drawing again until the value is finite comes to an end: about one draw in a thousand or more of a log type
 * is less extreme. For bounded types the bound that gives the larger value. */
double expression_safe_draw(const struct expression *expression);

#define EXPRESSION_COUNT_HUGE UINT64_MAX /* finite, but beyond counting */

/* Number of distinct values: 0 when not finite, EXPRESSION_COUNT_HUGE from 2^63 on. */
uint64_t expression_count(const struct expression *expression);
/* The index-th value in ascending order, of an expression with a finite number of them. */
double expression_at(const struct expression *expression, uint64_t index);

/* A value of the type that the expression gives: integer for randint, else float. NULL when memory is short. */
cJSON *expression_json(const struct expression *expression, double value);

#endif
