#include "space_compile.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "number.h"

void space_problem(struct hd_problems *problems, const char *code, const struct json_path *path, const char *format, ...)
{
    struct hd_text target = {0};
    json_path_write(&target, path);
    char *rest = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&rest, format, arguments);
    va_end(arguments);
    if (target.failed || length < 0)
        problems->out_of_memory = true;
    else
        hd_problems_add(problems, code, target.data, "'%s'%s", target.data, rest);
    if (length >= 0)
        free(rest);
    hd_text_clear(&target);
}

void space_problem_got(struct hd_problems *problems, const char *code, const struct json_path *path, const char *must_be, const cJSON *got)
{
    char *excerpt = hd_json_excerpt(got);
    if (excerpt == NULL)
        problems->out_of_memory = true;
    else
        space_problem(problems, code, path, " %s, got %s", must_be, excerpt);
    free(excerpt);
}

static const char *const NOT_AN_EXPRESSION = " must be an expression; for a constant use choice with one value";

/* The type that an object or an array names, be it one of the ten or not; NULL if it names none. */
static const cJSON *type_item(const cJSON *json)
{
    if (cJSON_IsObject(json))
        return cJSON_GetObjectItemCaseSensitive(json, "type");
    return cJSON_IsArray(json) ? json->child : NULL;
}

static const struct expression_form *named_form(const cJSON *json)
{
    const cJSON *type = type_item(json);
    return cJSON_IsString(type) ? expression_find(type->valuestring) : NULL;
}

/* Inside a branch or a list of values: what is no expression is a constant or a branch. */
static bool is_expression(const cJSON *json)
{
    if (named_form(json) == NULL)
        return false;
    return cJSON_IsObject(json) || (cJSON_GetArraySize(json) == 2 && cJSON_IsArray(json->child->next));
}

/* Fills `fields` from the object form, in the order of the form. */
static bool object_fields(struct compiler *compiler, const cJSON *json, const struct expression_form *form, const struct json_path *path,
                          const cJSON *fields[EXPRESSION_ARGUMENTS])
{
    bool known = true;
    for (const cJSON *member = json->child; member != NULL; member = member->next) {
        int i = 0;
        while (i < form->field_count && strcmp(member->string, form->fields[i]) != 0)
            i++;
        if (i < form->field_count) {
            fields[i] = member;
        } else if (strcmp(member->string, "type") != 0) {
            struct json_path member_path = {path, member->string, 0};
            space_problem(compiler->errors, "UnknownField", &member_path, " is not a known field");
            known = false;
        }
    }
    return known;
}

/* The same from the list form: [type, [arguments]]. */
static bool list_fields(struct compiler *compiler, const cJSON *json, const struct expression_form *form, const struct json_path *path,
                        const cJSON *fields[EXPRESSION_ARGUMENTS])
{
    struct json_path list_path = {path, NULL, 1}, excess_path = {path, NULL, 2};
    const cJSON *list = json->child->next;
    if (list == NULL) {
        space_problem(compiler->errors, "Required", &list_path, " is required");
        return false;
    }
    if (!cJSON_IsArray(list)) {
        space_problem_got(compiler->errors, "WrongType", &list_path, "must be an array", list);
        return false;
    }
    bool known = list->next == NULL;
    if (!known)
        space_problem(compiler->errors, "UnknownField", &excess_path, " is not a known field");
    int count = 0;
    for (const cJSON *argument = list->child; argument != NULL; argument = argument->next, count++) {
        if (count < form->field_count) {
            fields[count] = argument;
            continue;
        }
        if (form->family == FAMILY_CHOICE && !cJSON_IsArray(list->child))
            break; /* one pair of brackets too few: that is said about the values */
        struct json_path argument_path = {&list_path, NULL, (size_t)count};
        space_problem(compiler->errors, "UnknownField", &argument_path, " is not a known field");
        known = false;
        break;
    }
    return known;
}

static bool collect_fields(struct compiler *compiler, const cJSON *json, const struct expression_form *form, const struct json_path *path,
                           const cJSON *fields[EXPRESSION_ARGUMENTS])
{
    bool complete =
        cJSON_IsArray(json) ? list_fields(compiler, json, form, path, fields) : object_fields(compiler, json, form, path, fields);
    if (cJSON_IsArray(json) && !complete)
        return false; /* what is missing would follow from what was said */
    for (int i = 0; i < form->field_count; i++) {
        if (fields[i] != NULL)
            continue;
        struct json_path field_path = {path, form->fields[i], 0};
        space_problem(compiler->errors, "Required", &field_path, " is required");
        complete = false;
    }
    return complete;
}

/* All findings go to the lists; a node that is returned in spite of some is freed with the tree. NULL when memory is short. */
static struct node *compile_value(struct compiler *compiler, const cJSON *json, const struct json_path *path, int depth);

static struct node *out_of_memory(struct compiler *compiler, struct node *node)
{
    compiler->errors->out_of_memory = true;
    node_free(node);
    return NULL;
}

static bool found_faults(const struct compiler *compiler)
{
    const struct hd_problems *errors = compiler->errors;
    return errors->count > compiler->errors_before || errors->dropped > compiler->dropped_before || errors->out_of_memory;
}

static void check_dash(struct compiler *compiler, const cJSON *value, const struct json_path *path)
{
    if (!cJSON_IsString(value) || value->valuestring[0] != '-')
        return;
    char *excerpt = hd_json_excerpt(value);
    if (excerpt == NULL)
        compiler->warnings->out_of_memory = true;
    else
        space_problem(compiler->warnings, "DashValue", path, " is %s, which begins with '-': argument parsers may take it for an option",
                      excerpt);
    free(excerpt);
}

static bool compile_options(struct compiler *compiler, struct node *node, const cJSON *values, const struct json_path *path, int depth)
{
    size_t index = 0;
    for (const cJSON *value = values->child; value != NULL; value = value->next, index++) {
        struct json_path value_path = {path, NULL, index};
        check_dash(compiler, value, &value_path);
        struct node *option = compile_value(compiler, value, &value_path, depth);
        if (option == NULL)
            return false;
        if (!node_add(node, option)) {
            node_free(option);
            return false;
        }
    }
    /* Options with faults are not complete enough to be compared, and the space will be refused anyway. */
    return found_faults(compiler) || space_drop_duplicates(compiler, node, path);
}

static struct node *compile_choice(struct compiler *compiler, struct node *node, const cJSON *values, const struct json_path *path,
                                   int depth)
{
    struct json_path values_path = {path, "values", 0};
    if (!cJSON_IsArray(values)) {
        space_problem_got(compiler->errors, "WrongType", &values_path, "must be an array", values);
        return node;
    }
    int count = cJSON_GetArraySize(values);
    if (count < 1 || count > SPACE_VALUES_MAX) {
        space_problem(compiler->errors, "OutOfRange", &values_path, " must be an array with 1 to %d values, got %d", SPACE_VALUES_MAX,
                      count);
        return node;
    }
    if (!compile_options(compiler, node, values, &values_path, depth))
        return out_of_memory(compiler, node);
    return node;
}

static struct node *compile_expression(struct compiler *compiler, const cJSON *json, const struct json_path *path, int depth)
{
    const struct expression_form *form = named_form(json);
    struct node *node = node_new(form->family == FAMILY_CHOICE ? NODE_CHOICE : NODE_NUMERIC);
    if (node == NULL)
        return out_of_memory(compiler, node);
    if (compiler->options->grid && form->family != FAMILY_CHOICE)
        space_problem(&compiler->grid, "NotAllowed", path, ": grid sampling allows only choice, got %s", form->name);
    node->expression.form = form;
    node->expression.log_base = compiler->options->log_base;
    const cJSON *fields[EXPRESSION_ARGUMENTS] = {NULL};
    if (!collect_fields(compiler, json, form, path, fields))
        return node;
    if (form->family == FAMILY_CHOICE)
        return compile_choice(compiler, node, fields[0], path, depth);
    space_compile_numeric(compiler, node, fields, path);
    return node;
}

static struct node *compile_branch(struct compiler *compiler, const cJSON *json, const struct json_path *path, int depth)
{
    struct node *node = node_new(NODE_BRANCH);
    if (node == NULL)
        return out_of_memory(compiler, node);
    if (depth > SPACE_DEPTH) {
        space_problem(compiler->errors, "OutOfRange", path, " must be nested at most %d branches deep, got %d", SPACE_DEPTH, depth);
        return node;
    }
    for (const cJSON *member = json->child; member != NULL; member = member->next) {
        struct json_path member_path = {path, member->string, 0};
        struct node *child = compile_value(compiler, member, &member_path, depth);
        if (child == NULL)
            return out_of_memory(compiler, node);
        child->name = strdup(member->string);
        if (child->name == NULL || !node_add(node, child)) {
            node_free(child);
            return out_of_memory(compiler, node);
        }
    }
    return node;
}

static void check_integers(struct compiler *compiler, const cJSON *json, const struct json_path *path)
{
    if (hd_json_is_integer(json) && fabs(json->valuedouble) > (double)HD_INTEGER_MAX)
        space_problem_got(compiler->errors, "OutOfRange", path, "must be between -9007199254740991 and 9007199254740991", json);
    size_t index = 0;
    for (const cJSON *child = json->child; child != NULL; child = child->next, index++) {
        struct json_path child_path = {path, child->string, index};
        check_integers(compiler, child, &child_path);
    }
}

static struct node *compile_value(struct compiler *compiler, const cJSON *json, const struct json_path *path, int depth)
{
    if (is_expression(json))
        return compile_expression(compiler, json, path, depth);
    if (cJSON_IsObject(json))
        return compile_branch(compiler, json, path, depth + 1);
    struct node *node = node_new(NODE_CONSTANT);
    if (node == NULL)
        return out_of_memory(compiler, node);
    check_integers(compiler, json, path);
    node->json = json_copy(json);
    return node->json == NULL ? out_of_memory(compiler, node) : node;
}

/* A parameter's own value has to be an expression, so what is not quite one gets the reason. */
static struct node *compile_parameter(struct compiler *compiler, const cJSON *json, const struct json_path *path)
{
    if (named_form(json) != NULL)
        return compile_expression(compiler, json, path, 0);
    const cJSON *type = type_item(json);
    struct json_path type_path = cJSON_IsObject(json) ? (struct json_path){path, "type", 0} : (struct json_path){path, NULL, 0};
    if (cJSON_IsString(type))
        space_problem_got(compiler->errors, "NotAllowed", &type_path, "must be one of " EXPRESSION_NAMES, type);
    else if (cJSON_IsObject(json) && type == NULL)
        space_problem(compiler->errors, "Required", &type_path, " is required");
    else if (cJSON_IsObject(json))
        space_problem_got(compiler->errors, "WrongType", &type_path, "must be a string", type);
    else
        space_problem(compiler->errors, "WrongType", path, "%s", NOT_AN_EXPRESSION);
    struct node *node = node_new(NODE_BRANCH);
    return node == NULL ? out_of_memory(compiler, node) : node;
}

static bool compile_parameters(struct compiler *compiler, struct node *root, const cJSON *object, const struct json_path *path)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        struct json_path member_path = {path, member->string, 0};
        struct node *parameter = compile_parameter(compiler, member, &member_path);
        if (parameter == NULL)
            return false;
        parameter->name = strdup(member->string);
        if (parameter->name == NULL || !node_add(root, parameter)) {
            node_free(parameter);
            return false;
        }
    }
    return true;
}

static void move_problems(struct hd_problems *from, struct hd_problems *to)
{
    for (size_t i = 0; i < from->count; i++)
        hd_problems_add(to, from->list[i].code, from->list[i].target, "%s", from->list[i].message);
    for (size_t i = 0; i < from->dropped; i++)
        hd_problems_add(to, "NotAllowed", NULL, "another expression that grid sampling does not allow");
    to->out_of_memory = to->out_of_memory || from->out_of_memory;
    hd_problems_clear(from);
}

static struct hd_space *compile_object(struct compiler *compiler, const cJSON *object, const struct json_path *path)
{
    struct hd_space *space = calloc(1, sizeof *space);
    struct node *root = node_new(NODE_BRANCH);
    if (space == NULL || root == NULL) {
        compiler->errors->out_of_memory = true;
        free(space);
        node_free(root);
        return NULL;
    }
    space->root = root;
    space_check_names(object, path, compiler->errors);
    if (!compile_parameters(compiler, root, object, path))
        compiler->errors->out_of_memory = true;
    move_problems(&compiler->grid, compiler->errors);
    return space;
}

struct hd_space *hd_space_compile(const cJSON *object, const struct hd_space_options *options, struct hd_problems *errors,
                                  struct hd_problems *warnings)
{
    struct compiler compiler = {.options = options, .errors = errors, .warnings = warnings};
    struct json_path path = {NULL, options->path, 0};
    compiler.errors_before = errors->count;
    compiler.dropped_before = errors->dropped;
    if (!cJSON_IsObject(object)) {
        space_problem_got(errors, "WrongType", &path, "must be an object", object);
        return NULL;
    }
    int count = cJSON_GetArraySize(object);
    if (count < 1 || count > SPACE_PARAMETERS_MAX) {
        space_problem(errors, "OutOfRange", &path, " must be an object with 1 to %d parameters, got %d", SPACE_PARAMETERS_MAX, count);
        return NULL;
    }
    struct hd_space *space = compile_object(&compiler, object, &path);
    if (space == NULL)
        return NULL;
    if (found_faults(&compiler)) {
        hd_space_free(space);
        return NULL;
    }
    space_check_variables(space->root, &path, warnings);
    node_finish(space->root, &space->dimensions);
    return space;
}
