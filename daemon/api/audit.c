#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "core/json.h"
#include "handlers.h"
#include "log.h"
#include "resource.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000, DAY_SECONDS = 86400 };

/* One request's row, written twice. */
struct audit_entry {
    struct store_audit begun, ended;
    struct api *api;
    int open; /* of the two, what is still under way or to come; then it is freed */
    char who[HTTP_WHO_SIZE];
    char address[HTTP_CLIENT_ADDRESS_SIZE];
    char request[96];
    char target[128]; /* of the path; "": none. The writer may be reading it */
    char found[128];  /* what it turned out to be; "": the same */
};

static void let_go(struct audit_entry *entry)
{
    if (--entry->open == 0)
        free(entry);
}

static void on_begun(struct store_write *write)
{
    let_go((struct audit_entry *)((char *)write - offsetof(struct audit_entry, begun)));
}

static void on_ended(struct store_write *write)
{
    struct audit_entry *entry = (struct audit_entry *)((char *)write - offsetof(struct audit_entry, ended));

    if (write->result != 0)
        log_line(LOG_LEVEL_WARNING, "the record of a request (%s by %s: status %d) could not be completed: %s", entry->request, entry->who,
                 entry->ended.status, write->error.message);
    let_go(entry);
}

/* NULL for "": there is none. */
static const char *or_none(const char *target)
{
    return target[0] != '\0' ? target : NULL;
}

/* What does not fit is cut between two characters. */
static void copy_target(char *target, size_t size, const char *id)
{
    size_t length = strlen(id);

    if (length >= size)
        for (length = size - 1; length > 0 && ((unsigned char)id[length] & 0xc0) == 0x80; length--) {
        }
    memcpy(target, id, length);
    target[length] = '\0';
}

static void on_answered(void *data, int status)
{
    struct audit_entry *entry = data;
    struct hd_error error = {0};

    entry->ended = (struct store_audit){
        .write = {.done = on_ended},
        .key = entry->begun.key,
        .at_us = entry->begun.at_us,
        .who = entry->who,
        .address = entry->address,
        .request = entry->request,
        .target = or_none(entry->found[0] != '\0' ? entry->found : entry->target),
        .status = status,
        .forget = status == 204, /* a client asked for a child, again and again, and there is none yet: nothing was changed */
    };
    if (store_keep_audit(entry->api->store, &entry->ended, &error) == 0)
        return;
    entry->ended.write.result = -1;
    entry->ended.write.error = error;
    on_ended(&entry->ended.write);
}

static int64_t now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int audit_open(struct api *api, struct hd_error *error)
{
    return store_read_newest_audit(store_loop_reader(api->store), &api->newest_audit, error);
}

static int begin(struct audit_entry *entry, struct http_request *request, struct hd_error *error)
{
    struct api *api = entry->api;
    const char *part = http_part(request, 0);
    int64_t at_us = now_us();

    snprintf(entry->who, sizeof entry->who, "%s", http_principal(request)->who);
    snprintf(entry->request, sizeof entry->request, "%s %s", http_method(request), http_route_path(request));
    copy_target(entry->target, sizeof entry->target, part != NULL ? part : "");
    http_client_address(request, entry->address);
    entry->open = 2;
    entry->begun = (struct store_audit){
        .write = {.done = on_begun},
        .key = api->newest_audit + 1,
        .at_us = at_us,
        .oldest_us = at_us - api->audit_days * DAY_SECONDS * 1000000,
        .who = entry->who,
        .address = entry->address,
        .request = entry->request,
        .target = or_none(entry->target),
    };
    if (store_keep_audit(api->store, &entry->begun, error) != 0)
        return -(int)error->code;
    api->newest_audit++;
    http_when_answered(request, on_answered, entry);
    return 0;
}

bool audit_record(void *context, struct http_request *request)
{
    struct audit_entry *entry = calloc(1, sizeof *entry);
    struct hd_error error = {0};

    if (entry == NULL) {
        hd_error_set(&error, HD_UNAVAILABLE, "out of memory");
    } else {
        entry->api = context;
        if (begin(entry, request, &error) == 0)
            return true;
        free(entry);
    }
    http_reply_error(request, &error);
    return false;
}

void audit_set_target(struct http_request *request, const char *id)
{
    struct audit_entry *entry = http_answered_data(request);

    if (entry != NULL)
        copy_target(entry->found, sizeof entry->found, id);
}

/* --- The list ----------------------------------------------------------------------------------------------------------------------------
 */

struct listing {
    struct answer *answer;
    int64_t count, last;
    bool more; /* there is a row beyond the limit */
};

static int print_row(void *context, const struct store_audit_entry *entry)
{
    struct listing *listing = context;
    struct hd_text *text = &listing->answer->text;

    if (listing->count == listing->answer->question->limit) {
        listing->more = true;
        return 0;
    }
    listing->last = entry->key;
    hd_text_format(text, "%s{\"id\":%" PRId64, listing->count++ > 0 ? "," : "", entry->key);
    resource_instant(text, "time_utc", entry->at_us);
    resource_string(text, "who", entry->who);
    resource_string(text, "address", entry->address);
    resource_string(text, "request", entry->request);
    resource_string(text, "target", entry->target);
    if (entry->status != 0)
        hd_text_format(text, ",\"status\":%d}", entry->status);
    else
        hd_text_add_string(text, ",\"status\":null}");
    return answer_flush(listing->answer);
}

static int produce_list(struct answer *answer, struct store_reader *reader)
{
    const struct answer_question *question = answer->question;
    struct listing listing = {.answer = answer};
    int result;

    hd_text_add_string(&answer->text, "{\"entries\":[");
    result = store_read_audit(reader, question->after, question->limit + 1, print_row, &listing, answer->error);
    hd_text_add_string(&answer->text, "],");
    answer_end_page(answer, listing.more, listing.last);
    return result;
}

void api_list_audit(struct http_request *request, void *context)
{
    struct answer_question question = {0};

    if (http_query_integer(request, "limit", 1, LIST_MAX, LIST_DEFAULT, &question.limit) &&
        http_query_integer(request, "after", 1, INT64_MAX, 0, &question.after))
        answer_start(request, context, produce_list, &question);
}
