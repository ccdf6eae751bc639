#include "ignore.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A pattern becomes a row of steps, and a path is matched by following all possible positions in that row at once. So the time is at most
 * (length of the pattern) x (length of the path), whatever stars somebody puts into it. */
enum step_kind {
    STEP_CHARACTER, /* one byte of `set` */
    STEP_STAR,      /* any bytes but slashes, or nothing */
    STEP_FOLDERS,   /* leading or inner double star: nothing, or whole components with their slash */
    STEP_REST,      /* double star at the end: at least one byte of any kind */
};

struct step {
    enum step_kind kind;
    uint8_t set[32]; /* a bit for each byte */
};

struct pattern {
    struct step *steps;
    size_t count;
    bool negated;
    bool folders_only;
    bool anchored; /* matches the whole path, else its last component */
};

struct ignore {
    struct pattern *patterns;
    size_t count;
};

static void set_add(struct step *step, unsigned char byte)
{
    step->set[byte / 8] |= (uint8_t)(1U << byte % 8);
}

static bool set_has(const struct step *step, unsigned char byte)
{
    return (step->set[byte / 8] >> byte % 8 & 1) != 0;
}

static void set_complement_without_slash(struct step *step)
{
    for (size_t i = 0; i < sizeof step->set; i++)
        step->set[i] = (uint8_t)~step->set[i];
    step->set['/' / 8] &= (uint8_t) ~(1U << '/' % 8);
}

/* [a-z], [!a-z], []x]: gives what follows, or NULL if the bracket is not closed. */
static const char *compile_class(const char *text, const char *end, struct step *step)
{
    const char *at = text + 1;
    bool complement = at < end && (*at == '!' || *at == '^');
    if (complement)
        at++;
    for (bool first = true; at < end && (first || *at != ']'); first = false) {
        if (*at == '\\' && at + 1 < end)
            at++;
        unsigned char low = (unsigned char)*at, high = low;
        if (at + 2 < end && at[1] == '-' && at[2] != ']') {
            at += at[2] == '\\' && at + 3 < end ? 3 : 2;
            high = (unsigned char)*at;
        }
        for (unsigned byte = low; byte <= high; byte++)
            set_add(step, (unsigned char)byte);
        at++;
    }
    if (complement)
        set_complement_without_slash(step);
    step->set['/' / 8] &= (uint8_t) ~(1U << '/' % 8);
    return at < end ? at + 1 : NULL;
}

/* One step from the text at `at`; gives what follows. */
static const char *compile_step(const char *start, const char *at, const char *end, struct step *step)
{
    bool double_star = end - at >= 2 && at[0] == '*' && at[1] == '*' && (at == start || at[-1] == '/');
    if (double_star && end - at == 2 && at != start) {
        step->kind = STEP_REST;
        return end;
    }
    if (double_star && end - at > 2 && at[2] == '/') {
        step->kind = STEP_FOLDERS;
        return at + 3;
    }
    if (*at == '*') {
        step->kind = STEP_STAR;
        return at + 1;
    }
    step->kind = STEP_CHARACTER;
    if (*at == '?') {
        set_complement_without_slash(step);
        return at + 1;
    }
    if (*at == '[') {
        const char *behind = compile_class(at, end, step);
        if (behind != NULL)
            return behind;
        memset(step->set, 0, sizeof step->set); /* never closed: the bracket stands for itself */
    }
    if (*at == '\\' && at + 1 < end)
        at++;
    set_add(step, (unsigned char)*at);
    return at + 1;
}

/* The end of the line without white space that is not escaped. */
static const char *trim(const char *start, const char *end)
{
    if (end > start && end[-1] == '\r')
        end--;
    while (end > start && end[-1] == ' ' && !(end - start >= 2 && end[-2] == '\\'))
        end--;
    return end;
}

/* False when memory is short. A line that is no pattern leaves `pattern->count` at 0. */
static bool compile(const char *start, const char *end, struct pattern *pattern)
{
    end = trim(start, end);
    if (start == end || *start == '#')
        return true;
    pattern->negated = *start == '!';
    if (pattern->negated)
        start++;
    pattern->folders_only = end > start && end[-1] == '/';
    if (pattern->folders_only)
        end--;
    pattern->anchored = end > start && memchr(start, '/', (size_t)(end - start)) != NULL;
    if (end > start && *start == '/')
        start++;
    if (start >= end)
        return true;
    pattern->steps = calloc((size_t)(end - start), sizeof *pattern->steps);
    if (pattern->steps == NULL)
        return false;
    for (const char *at = start; at < end; pattern->count++)
        at = compile_step(start, at, end, &pattern->steps[pattern->count]);
    return true;
}

struct ignore *ignore_open(const char *text, size_t length)
{
    const char *end = text + length;
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    size_t lines = 1;
    for (const char *at = text; at < end; at++)
        lines += *at == '\n';
    struct ignore *ignore = calloc(1, sizeof *ignore);
    if (ignore != NULL)
        ignore->patterns = calloc(lines, sizeof *ignore->patterns);
    bool good = ignore != NULL && ignore->patterns != NULL;
    while (good && text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        if (line_end == NULL)
            line_end = end;
        struct pattern *pattern = &ignore->patterns[ignore->count];
        good = compile(text, line_end, pattern);
        if (pattern->count > 0)
            ignore->count++;
        else
            *pattern = (struct pattern){0};
        text = line_end < end ? line_end + 1 : end;
    }
    if (!good) {
        ignore_close(ignore);
        return NULL;
    }
    return ignore;
}

void ignore_close(struct ignore *ignore)
{
    if (ignore == NULL)
        return;
    for (size_t i = 0; ignore->patterns != NULL && i < ignore->count; i++)
        free(ignore->patterns[i].steps);
    free(ignore->patterns);
    free(ignore);
}

/* Marks a position, and those reached from it without consuming anything. */
static void enter(const struct pattern *pattern, bool *positions, size_t at)
{
    positions[at] = true;
    while (at < pattern->count && (pattern->steps[at].kind == STEP_STAR || pattern->steps[at].kind == STEP_FOLDERS))
        positions[++at] = true;
}

static void advance(const struct pattern *pattern, size_t at, unsigned char byte, bool *next)
{
    const struct step *step = &pattern->steps[at];
    switch (step->kind) {
    case STEP_CHARACTER:
        if (set_has(step, byte))
            enter(pattern, next, at + 1);
        break;
    case STEP_STAR:
        if (byte != '/')
            enter(pattern, next, at);
        break;
    case STEP_FOLDERS:
        next[at] = true; /* inside a component: what follows can begin behind a slash only */
        if (byte == '/')
            enter(pattern, next, at + 1);
        break;
    case STEP_REST:
        next[at] = true;
        enter(pattern, next, at + 1);
        break;
    }
}

static bool pattern_matches(const struct pattern *pattern, const char *path)
{
    bool *buffers = calloc(2 * (pattern->count + 1), sizeof *buffers);
    if (buffers == NULL)
        return false; /* rather a file too many in the snapshot than one too few */
    bool *now = buffers, *next = buffers + pattern->count + 1;
    enter(pattern, now, 0);
    for (; *path != '\0'; path++) {
        memset(next, 0, (pattern->count + 1) * sizeof *next);
        for (size_t at = 0; at < pattern->count; at++) {
            if (now[at])
                advance(pattern, at, (unsigned char)*path, next);
        }
        bool *swapped = now;
        now = next;
        next = swapped;
    }
    bool matches = now[pattern->count];
    free(buffers);
    return matches;
}

bool ignore_matches(const struct ignore *ignore, const char *path, bool is_folder)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    for (size_t i = ignore->count; i > 0; i--) {
        const struct pattern *pattern = &ignore->patterns[i - 1];
        if (pattern->folders_only && !is_folder)
            continue;
        if (pattern_matches(pattern, pattern->anchored ? path : name))
            return !pattern->negated;
    }
    return false;
}
