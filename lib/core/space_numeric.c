#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "number.h"
#include "space_compile.h"

struct reading {
    struct compiler *compiler;
    struct node *node;
    const cJSON *const *fields;
    const struct json_path *path; /* of the expression */
    bool failed;
};

static void refuse(struct reading *reading, int field, const char *code, const char *must_be)
{
    struct json_path path = {reading->path, reading->node->expression.form->fields[field], 0};
    space_problem_got(reading->compiler->errors, code, &path, must_be, reading->fields[field]);
    reading->failed = true;
}

static void read_upper(struct reading *reading)
{
    const cJSON *field = reading->fields[0];
    int64_t upper = 0;
    if (hd_json_integer(field, &upper) && upper >= 1)
        reading->node->expression.arguments[0] = (double)upper;
    else if (cJSON_IsNumber(field) && field->valuedouble == floor(field->valuedouble))
        refuse(reading, 0, "OutOfRange", "must be between 1 and 9007199254740991");
    else
        refuse(reading, 0, "WrongType", "must be an integer");
}

static void read_numbers(struct reading *reading)
{
    for (int i = 0; i < reading->node->expression.form->field_count; i++) {
        if (cJSON_IsNumber(reading->fields[i]))
            reading->node->expression.arguments[i] = reading->fields[i]->valuedouble;
        else
            refuse(reading, i, "WrongType", "must be a number");
    }
}

/* Before quantising: the power of the largest exponent that has to be finite. */
static void check_finite_power(struct reading *reading)
{
    const struct expression *expression = &reading->node->expression;
    if (!expression->form->logarithmic)
        return;
    struct expression power = *expression;
    const struct expression_form *plain =
        expression->form->family == FAMILY_UNIFORM ? expression_form(EXPRESSION_LOGUNIFORM) : expression_form(EXPRESSION_LOGNORMAL);
    power.form = plain;
    double draw = expression_safe_draw(expression);
    if (isfinite(expression_value(&power, draw)))
        return;
    char base[HD_NUMBER_TEXT_SIZE] = "e", must_be[HD_NUMBER_TEXT_SIZE + 64];
    if (expression->log_base != M_E)
        hd_number_command_line(expression->log_base, base);
    snprintf(must_be, sizeof must_be, "must be an exponent for which the power of %s is finite", base);
    bool second = expression->form->family == FAMILY_UNIFORM && draw == expression->arguments[1];
    refuse(reading, second ? 1 : 0, "OutOfRange", must_be);
}

static void check_bounds(struct reading *reading)
{
    const double *arguments = reading->node->expression.arguments;
    if (arguments[0] <= arguments[1])
        return;
    char *max = hd_json_excerpt(reading->fields[1]);
    struct hd_text must_be = {0};
    hd_text_format(&must_be, "must be at most 'max_value' (%s)", max == NULL ? "" : max);
    if (max == NULL || must_be.failed)
        reading->compiler->errors->out_of_memory = true;
    else
        refuse(reading, 0, "OutOfRange", must_be.data);
    hd_text_clear(&must_be);
    free(max);
}

static void check_q(struct reading *reading)
{
    const struct expression *expression = &reading->node->expression;
    if (!expression->form->quantised)
        return;
    if (!(expression->arguments[2] > 0)) {
        refuse(reading, 2, "OutOfRange", "must be greater than 0");
        return;
    }
    if (reading->failed)
        return;
    bool bounded = expression->form->family == FAMILY_UNIFORM;
    double safe = expression_safe_draw(expression);
    double ends[2] = {bounded ? expression->arguments[0] : safe, bounded ? expression->arguments[1] : safe};
    if (!isfinite(expression_value(expression, ends[0])) || !isfinite(expression_value(expression, ends[1])))
        refuse(reading, 2, "OutOfRange", "must be a step with which all multiples in reach are finite");
}

/* The object form; numbers keep the tokens in which they came. */
static bool write_json(struct node *node, const cJSON *const *fields)
{
    const struct expression_form *form = node->expression.form;
    node->json = json_new(cJSON_Object);
    if (node->json == NULL || !json_append_member(node->json, "type", json_new_string(form->name)))
        return false;
    for (int i = 0; i < form->field_count; i++) {
        cJSON *value = form->family == FAMILY_INTEGER ? hd_json_new_integer((int64_t)node->expression.arguments[i]) : json_copy(fields[i]);
        if (!json_append_member(node->json, form->fields[i], value))
            return false;
    }
    return true;
}

void space_compile_numeric(struct compiler *compiler, struct node *node, const cJSON *const *fields, const struct json_path *path)
{
    struct reading reading = {compiler, node, fields, path, false};
    enum expression_family family = node->expression.form->family;
    if (family == FAMILY_INTEGER)
        read_upper(&reading);
    else
        read_numbers(&reading);
    if (!reading.failed && family == FAMILY_UNIFORM)
        check_bounds(&reading);
    if (!reading.failed && family == FAMILY_NORMAL && node->expression.arguments[1] < 0)
        refuse(&reading, 1, "OutOfRange", "must be 0 or more");
    if (!reading.failed)
        check_finite_power(&reading);
    if (family != FAMILY_INTEGER && node->expression.form->quantised && cJSON_IsNumber(fields[2]))
        check_q(&reading);
    if (!reading.failed && !write_json(node, fields))
        compiler->errors->out_of_memory = true;
}
