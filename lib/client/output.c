#include "output.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/instant.h"
#include "core/json.h"
#include "yaml_place.h"

void output_open(struct output *output, FILE *file)
{
    const char *plain = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct winsize size;

    *output = (struct output){.file = file, .terminal = isatty(fileno(file)) == 1};
    if (output->terminal) {
        bool known = ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;

        output->width = known ? size.ws_col : 80;
        output->colour = (plain == NULL || plain[0] == '\0') && (terminal == NULL || strcmp(terminal, "dumb") != 0);
    }
}

void say(const char *format, ...)
{
    struct hd_text clean = {0};
    char *sentence = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&sentence, format, arguments);
    va_end(arguments);
    if (length >= 0) {
        table_add_clean(&clean, sentence, 0);
        free(sentence);
    }
    fprintf(stderr, "hyperdrive: %s\n", clean.data != NULL && !clean.failed ? clean.data : "memory is short");
    hd_text_clear(&clean);
}

/* Each finding has the text read once more. */
static bool has_place(const struct hd_problem *problem, const struct hd_text *source, size_t *ret_line, size_t *ret_column)
{
    enum { SOURCE_MAX = 256 * 1024 };

    return source != NULL && source->length > 0 && source->length <= SOURCE_MAX && problem->target != NULL &&
           yaml_place(source->data, source->length, problem->target, ret_line, ret_column);
}

static void say_problem(const struct hd_problem *problem, const struct hd_text *source, const char *indent, bool with_path)
{
    size_t line, column;

    if (has_place(problem, source, &line, &column)) {
        say("%sline %zu, column %zu: %s", indent, line, column, problem->message);
    } else if (with_path && problem->target != NULL) {
        say("%s%s: %s", indent, problem->target, problem->message);
    } else {
        say("%s%s", indent, problem->message); /* mostly the path stands in it */
    }
}

void say_problems(const struct hd_problems *problems, const struct hd_text *source)
{
    if (problems->count == 1 && problems->dropped == 0) {
        say_problem(&problems->list[0], source, "", false);
    } else if (problems->count > 0) {
        say("%zu things are wrong:", problems->count + problems->dropped);
        for (size_t i = 0; i < problems->count; i++) {
            say_problem(&problems->list[i], source, "  ", true);
        }
        if (problems->dropped > 0) {
            say("  and %zu more", problems->dropped);
        }
    }
}

void output_raw(const struct output *output, const struct hd_text *text)
{
    if (text->length > 0) {
        fwrite(text->data, 1, text->length, output->file);
        if (text->data[text->length - 1] != '\n') {
            fputc('\n', output->file);
        }
    }
}

static void start_line(struct hd_text *out, int depth)
{
    hd_text_add_char(out, '\n');
    for (int i = 0; i < depth; i++) {
        hd_text_add_string(out, "  ");
    }
}

/* The depth is that of a parsed answer: HD_JSON_DEPTH at most. */
static void indent(struct hd_text *out, const cJSON *value, int depth)
{
    enum { ONE_LINE = 100 };
    struct hd_text line = {0};
    bool object = cJSON_IsObject(value), leaf = !object && !cJSON_IsArray(value);

    hd_json_print(&line, value, HD_JSON_SPACED);
    if (leaf || line.failed || (line.length <= ONE_LINE && depth > 0)) {
        hd_text_add(out, line.data != NULL ? line.data : "", line.length);
        out->failed = out->failed || line.failed;
        hd_text_clear(&line);
        return;
    }
    hd_text_clear(&line);
    hd_text_add_char(out, object ? '{' : '[');
    for (const cJSON *child = value->child; child != NULL; child = child->next) {
        start_line(out, depth + 1);
        if (object) {
            hd_json_print_string(out, child->string);
            hd_text_add_string(out, ": ");
        }
        indent(out, child, depth + 1);
        if (child->next != NULL) {
            hd_text_add_char(out, ',');
        }
    }
    start_line(out, depth);
    hd_text_add_char(out, object ? '}' : ']');
}

bool output_indented(const struct output *output, const cJSON *value)
{
    struct hd_text text = {0};
    bool made;

    indent(&text, value, 0);
    made = !text.failed;
    if (made) {
        output_raw(output, &text);
    }
    hd_text_clear(&text);
    return made;
}

void output_field(const struct output *output, const char *name, const char *value)
{
    enum { NAME_WIDTH = 16 };
    struct hd_text clean = {0};

    if (value == NULL) {
        return;
    }
    table_add_clean(&clean, value, 0);
    fprintf(output->file, "%s%-*s%s %s\n", output->colour ? "\033[2m" : "", NAME_WIDTH, name, output->colour ? "\033[0m" : "",
            clean.data != NULL ? clean.data : "");
    hd_text_clear(&clean);
}

const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *member_text(const cJSON *object, const char *name, const char *otherwise)
{
    const cJSON *item = member(object, name);

    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

double member_count(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);

    return cJSON_IsNumber(item) && item->valuedouble > 0 ? item->valuedouble : 0;
}

enum table_style status_style(const char *status)
{
    static const struct {
        const char *status;
        enum table_style style;
    } styles[] = {
        {"Completed", TABLE_GOOD},  {"Failed", TABLE_BAD},   {"NotResponding", TABLE_BAD},   {"Running", TABLE_BUSY},
        {"Finalizing", TABLE_BUSY}, {"Canceled", TABLE_DIM}, {"CancelRequested", TABLE_DIM},
    };

    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        if (strcmp(styles[i].status, status) == 0) {
            return styles[i].style;
        }
    }
    return TABLE_PLAIN;
}

void text_value(struct hd_text *out, const cJSON *value, int digits)
{
    if (value == NULL || cJSON_IsNull(value)) {
        hd_text_add_char(out, '-');
    } else if (cJSON_IsString(value)) {
        hd_text_add_string(out, value->valuestring);
    } else if (cJSON_IsNumber(value) && !hd_json_is_integer(value) && digits < 17) {
        hd_text_format(out, "%.*g", digits, value->valuedouble);
    } else {
        hd_json_print(out, value, HD_JSON_COMPACT);
    }
}

void text_configuration(struct hd_text *out, const cJSON *configuration, int digits)
{
    const cJSON *value;

    cJSON_ArrayForEach(value, configuration)
    {
        if (value != configuration->child) {
            hd_text_add_string(out, "  ");
        }
        hd_text_add_string(out, value->string != NULL ? value->string : "");
        hd_text_add_char(out, ' ');
        text_value(out, value, digits);
    }
}

void text_instant(struct hd_text *out, const cJSON *instant)
{
    char words[64];
    struct tm local;
    int64_t at_us;
    time_t at;

    if (!cJSON_IsString(instant) || !hd_instant_parse(instant->valuestring, &at_us)) {
        hd_text_add_char(out, '-');
        return;
    }
    at = (time_t)(at_us / 1000000);
    if (localtime_r(&at, &local) == NULL || strftime(words, sizeof(words), "%Y-%m-%d %H:%M:%S", &local) == 0) {
        hd_text_add_string(out, instant->valuestring);
        return;
    }
    hd_text_add_string(out, words);
}

void text_duration(struct hd_text *out, double seconds)
{
    long long whole = seconds > 0 && seconds < 1e15 ? llround(seconds) : 0;

    if (whole < 60) {
        hd_text_format(out, "%lld s", whole);
    } else if (whole < 3600) {
        hd_text_format(out, "%lld min %lld s", whole / 60, whole % 60);
    } else if (whole < 86400) {
        hd_text_format(out, "%lld h %lld min", whole / 3600, whole / 60 % 60);
    } else {
        hd_text_format(out, "%lld d %lld h", whole / 86400, whole / 3600 % 24);
    }
}

double seconds_between(const cJSON *object, const char *from, const char *to)
{
    const char *start = member_text(object, from, NULL), *end = member_text(object, to, NULL);
    int64_t start_us, end_us;
    struct timespec now;

    if (start == NULL || !hd_instant_parse(start, &start_us)) {
        return -1;
    }
    if (end == NULL || !hd_instant_parse(end, &end_us)) {
        clock_gettime(CLOCK_REALTIME, &now);
        end_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    }
    return end_us > start_us ? (double)(end_us - start_us) / 1e6 : 0;
}
