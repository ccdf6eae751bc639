#include "problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name in a path can be as long as the body that came: without a bound, a hundred findings below it would be a hundred bodies. */
enum { TEXT_MAX = 4096 };

static void shorten(char *text)
{
    static const char TRUNCATED[] = "...";
    if (strlen(text) <= TEXT_MAX)
        return;
    size_t end = TEXT_MAX - sizeof TRUNCATED;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, TRUNCATED, sizeof TRUNCATED);
}

static bool grow(struct hd_problems *problems)
{
    if (problems->count < problems->capacity)
        return true;
    size_t capacity = problems->capacity == 0 ? 4 : 2 * problems->capacity;
    struct hd_problem *list = realloc(problems->list, capacity * sizeof *list);
    if (list == NULL)
        return false;
    problems->list = list;
    problems->capacity = capacity;
    return true;
}

void hd_problems_add(struct hd_problems *problems, const char *code, const char *target, const char *format, ...)
{
    if (problems->count >= HD_PROBLEMS_MAX) {
        problems->dropped++;
        return;
    }
    if (!grow(problems)) {
        problems->out_of_memory = true;
        return;
    }
    struct hd_problem problem = {.code = code};
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&problem.message, format, arguments);
    va_end(arguments);
    if (length < 0) {
        problems->out_of_memory = true;
        return;
    }
    if (target != NULL) {
        problem.target = strdup(target);
        if (problem.target == NULL) {
            free(problem.message);
            problems->out_of_memory = true;
            return;
        }
        shorten(problem.target);
    }
    shorten(problem.message);
    problems->list[problems->count++] = problem;
}

bool hd_problems_none(const struct hd_problems *problems)
{
    return problems->count == 0 && problems->dropped == 0 && !problems->out_of_memory;
}

void hd_problems_clear(struct hd_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->list[i].message);
        free(problems->list[i].target);
    }
    free(problems->list);
    *problems = (struct hd_problems){0};
}
