#include "event_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/instant.h"
#include "core/json.h"
#include "resource.h"

static const char *member_text(const cJSON *detail, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(detail, name));

    return text != NULL ? text : "";
}

static int64_t member_integer(const cJSON *detail, const char *name)
{
    int64_t value = 0;

    (void)hd_json_integer(cJSON_GetObjectItemCaseSensitive(detail, name), &value);
    return value;
}

static const char *sweep_name(const struct store_event *event)
{
    return event->sweep_id != NULL ? event->sweep_id : "";
}

static void say_created(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    hd_text_format(text, "sweep %s created", sweep_name(event));
    for (const cJSON *warning = detail != NULL ? detail->child : NULL; warning != NULL; warning = warning->next)
        hd_text_format(text, "; %s: %s", member_text(warning, "code"), member_text(warning, "message"));
}

static void say_sweep(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    hd_text_format(text, "sweep %s is %s", sweep_name(event), hd_status_name(event->status));
    if (detail != NULL)
        hd_text_format(text, " (%s): %s", member_text(detail, "code"), member_text(detail, "message"));
}

static void say_generated(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    int64_t first = member_integer(detail, "first"), count = member_integer(detail, "count");

    hd_text_format(text, "%" PRId64 " configuration%s sampled:", count, count == 1 ? "" : "s");
    for (int64_t i = 0; i < count; i++)
        hd_text_format(text, " %s_%" PRId64, sweep_name(event), first + i);
}

static void say_generation(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    const char *code = member_text(detail, "code");

    (void)event;
    if (strcmp(code, "resumed") == 0)
        hd_text_add_string(text, "configurations are sampled again: the budget was raised");
    else
        hd_text_format(text, "no more configurations are sampled: %s", code);
}

static void say_run(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    hd_text_format(text, "%s is %s", event->run_id != NULL ? event->run_id : "a run", hd_status_name(event->status));
    if (detail == NULL)
        return;
    hd_text_format(text, " (%s): %s", event->status == HD_FAILED ? member_text(detail, "code") : member_text(detail, "kind"),
                   member_text(detail, "message"));
}

static void say_warning(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    (void)event;
    hd_text_format(text, "%s: %s", member_text(detail, "code"), member_text(detail, "message"));
}

static void say_deleted(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    (void)detail;
    hd_text_format(text, "sweep %s was deleted", sweep_name(event));
}

static void say_device(struct hd_text *text, const struct store_event *event, const cJSON *detail)
{
    (void)event;
    hd_text_format(text, "device %s is %s", member_text(detail, "id"), member_text(detail, "state"));
}

static const struct kind {
    const char *message; /* what it is in a stream */
    const char *component, *level;
    void (*say)(struct hd_text *text, const struct store_event *event, const cJSON *detail);
} KINDS[] = {
    [STORE_EVENT_CREATED] = {"sweep", "API", "INFO", say_created},
    [STORE_EVENT_SWEEP] = {"sweep", "CONTROLLER", "INFO", say_sweep},
    [STORE_EVENT_GENERATED] = {"log", "GENERATOR", "INFO", say_generated},
    [STORE_EVENT_GENERATION] = {"log", "GENERATOR", "INFO", say_generation},
    [STORE_EVENT_RUN] = {"run", "SCHEDULER", "INFO", say_run},
    [STORE_EVENT_WARNING] = {"log", "CONTROLLER", "WARNING", say_warning},
    [STORE_EVENT_POLICY] = {"log", "CONTROLLER", "INFO", say_warning},
    [STORE_EVENT_DEVICE] = {"device", "SCHEDULER", "INFO", say_device},
    [STORE_EVENT_DELETED] = {"sweep", "API", "INFO", say_deleted},
};

/* NULL for a kind that a later daemon may have stored. */
static const struct kind *find_kind(const struct store_event *event)
{
    size_t count = sizeof KINDS / sizeof KINDS[0];

    return (size_t)event->kind < count && KINDS[event->kind].say != NULL ? &KINDS[event->kind] : NULL;
}

static const char *level(const struct kind *kind, const struct store_event *event)
{
    return event->status == HD_FAILED ? "ERROR" : kind->level;
}

/* One event is one line, whatever a program has printed, and a terminal that shows it is told nothing. */
static struct hd_text sentence(const struct kind *kind, const struct store_event *event)
{
    struct hd_text said = {0};
    cJSON *detail = event->detail != NULL ? hd_json_parse_own(event->detail) : NULL;

    kind->say(&said, event, detail);
    cJSON_Delete(detail);
    for (size_t i = 0; i < said.length; i++)
        if ((unsigned char)said.data[i] < ' ' || said.data[i] == 0x7f)
            said.data[i] = ' ';
    hd_text_add(&said, "", 0);
    return said;
}

void event_text_line(struct hd_text *text, const struct store_event *event)
{
    const struct kind *kind = find_kind(event);
    struct hd_text said;
    char at[HD_INSTANT_SIZE];

    if (kind == NULL)
        return;
    said = sentence(kind, event);
    hd_instant_text(event->at_us, at);
    hd_text_format(text, "[%s][%s][%s]%s\n", at, kind->component, level(kind, event), said.failed ? "" : said.data);
    text->failed |= said.failed;
    hd_text_clear(&said);
}

void event_text_message(struct hd_text *text, const struct store_event *event)
{
    const struct kind *kind = find_kind(event);
    struct hd_text said;
    char at[HD_INSTANT_SIZE];

    if (kind == NULL)
        return;
    said = sentence(kind, event);
    hd_instant_text(event->at_us, at);
    hd_text_format(text, "id: %" PRId64 "\nevent: %s\ndata: {\"time\":\"%s\"", event->ordinal, kind->message, at);
    resource_string(text, "sweep_id", event->sweep_id);
    resource_string(text, "run_id", event->run_id);
    resource_string(text, "status", hd_status_name(event->status));
    resource_string(text, "component", kind->component);
    resource_string(text, "level", level(kind, event));
    resource_string(text, "message", said.failed ? "" : said.data);
    resource_json(text, "detail", event->detail);
    hd_text_add_string(text, "}\n\n");
    text->failed |= said.failed;
    hd_text_clear(&said);
}
